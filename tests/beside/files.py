"""Files: up, down, inside of zips, described, classified, in versions, moved, as archives."""

import tarfile
import urllib.request

import flywheel

from tasks import pick, refusal, run, task


@task
def upload_and_describe(at):
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    path = at.folder / "hello.txt"
    path.write_text("Hello from disk\n")
    [first] = session.upload_file(str(path))
    [second] = session.upload_file(
        flywheel.FileSpec("scan.nii.gz", b"volume"),
        metadata='{"name": "scan.nii.gz", "modality": "CT", "info": {"te": 30}, "tags": ["fresh"]}',
    )
    session.upload_file([flywheel.FileSpec("a.json", "{}"), flywheel.FileSpec("b.csv", "x,y\n")])
    kinds = sorted([file.name, file.type, file.size, file.version] for file in session.reload().files)
    fields = ("name", "type", "modality", "info", "tags", "size", "mimetype", "version")
    return [pick(first, *fields), pick(second, *fields), kinds]


@task
def download_bytes(at):
    scan = at.fw.lookup(at.path("sub-01", "ses-01", "T1w"))
    target = at.folder / "python.bin"
    scan.download_file("t1.nii.gz", str(target))
    with urllib.request.urlopen(scan.get_file("t1.nii.gz").url()) as answer:
        by_ticket = answer.read().decode()
    return {
        "file": target.read_text(),
        "memory": scan.read_file("t1.nii.gz").decode(),
        "ticket": by_ticket,
        "missing": refusal(lambda: scan.read_file("none.txt"))[0],
    }


@task
def read_zip_members(at):
    scan = at.fw.lookup(at.path("sub-01", "ses-01", "T1w"))
    info = scan.get_file_zip_info("results.zip")
    [stats] = [member.path for member in info.members if member.path.endswith("aseg.stats")]
    target = at.folder / "aseg.stats"
    scan.download_file_zip_member("results.zip", stats, str(target))
    return {
        "members": [[member.path, member.size] for member in info.members],
        "file": target.read_text(),
        "memory": scan.read_file_zip_member("results.zip", "readme.txt").decode(),
        "missing": refusal(lambda: scan.read_file_zip_member("results.zip", "none"))[0],
        "no zip": refusal(lambda: scan.get_file_zip_info("t1.nii.gz"))[0],
    }


@task
def change_file_info(at):
    scan = at.fw.lookup(at.path("sub-01", "ses-01", "T1w"))
    file = scan.get_file("t1.nii.gz")
    file.update_info({"qc": {"ok": True}, "rater": "Jo"})
    merged = file.reload().info
    file.delete_info("snr")
    scan.replace_file_info("results.zip", {"only": "this"})
    file.update(type="archive", modality="CT")
    return [merged, pick(file.reload(), "info", "type", "modality"), scan.reload().get_file("results.zip").info]


@task
def classify(at):
    file = at.fw.lookup(at.path("sub-01", "ses-01", "T1w")).get_file("t1.nii.gz")
    file.update_classification({"Measurement": ["T2"], "Custom": ["mine", "yours"]})
    added = file.reload().classification
    file.delete_classification({"Custom": ["yours"], "Intent": ["Structural"]})
    left = file.reload().classification
    file.replace_classification({"Intent": ["Localizer"]}, modality="MR")
    unknown = refusal(lambda: file.update_classification({"Intent": ["Nonsense"]}))
    words = at.fw.get_modality("MR").classification["Intent"]
    return [added, left, file.reload().classification, unknown[0], words]


@task
def keep_versions(at):
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    for text in ("one", "two two", "three"):
        [file] = session.upload_file(flywheel.FileSpec("report.txt", text))
    versions = [one.version for one in at.fw.get_file_versions(file.file_id)]
    first = session.read_file("report.txt", version=1).decode()
    restored = at.fw.restore_file(file.file_id, 2, False)
    at.fw.delete_file(file.file_id, version=3)
    return {
        "versions": versions,
        "first": first,
        "restored": [restored.version, restored.restored_from],
        "now": session.read_file("report.txt").decode(),
        "left": [one.version for one in at.fw.get_file_versions(file.file_id)],
    }


@task
def move_a_file(at):
    scan = at.fw.lookup(at.path("sub-01", "ses-01", "bold"))
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    file = scan.get_file("events.csv")
    at.fw.move_file(file.file_id, {"name": "renamed.csv"})
    at.fw.move_file(file.file_id, {"container_reference": {"type": "session", "id": session.id}})
    moved = at.fw.get_file(file.file_id)
    deleted = at.fw.lookup(at.path("sub-02", "ses-01", "bold"))
    deleted.delete_file("events.csv")
    return {
        "moved": [moved.name, moved.parent_ref.type, moved.parent_ref.id == session.id],
        "left": [file.name for file in scan.reload().files],
        "content": session.reload().read_file("renamed.csv").decode(),
        "deleted": [file.name for file in deleted.reload().files],
    }


@task
def download_an_archive(at):
    target = at.folder / "python.tar"
    at.study.download_tar(str(target), include_types=["nifti", "tabular data"])
    with tarfile.open(target) as archive:
        members = sorted([member.name, archive.extractfile(member).read().decode()] for member in archive if member.isfile())
    summary = at.fw.create_download_ticket({"nodes": [{"level": "project", "_id": at.study.id}], "optional": True})
    return [members, summary.file_cnt, summary.size]


run()
