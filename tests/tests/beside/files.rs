//! Files: up, down, inside of zips, described, classified, in versions, moved, as archives.

use std::io::Read;

use flywheel::blocking::Block;
use flywheel::{Acquisition, File, Session, Source};
use flywheel_tests::http::Client as Plain;
use serde_json::{Value, json};

use crate::task::{Outcome, Task, pick, refusal};

pub(crate) fn upload_and_describe(at: &Task) -> Outcome {
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    let path = at.folder().join("hello.txt");
    std::fs::write(&path, "Hello from disk\n")?;
    let first = session.upload(Source::path(&path)).block()?;
    let scan = Source::bytes("scan.nii.gz", "volume");
    let second = session.upload(scan.modality("CT").info(json!({"te": 30})).tags(["fresh"])).block()?;
    session.upload_all([Source::bytes("a.json", "{}"), Source::bytes("b.csv", "x,y\n")]).block()?;
    let mut kinds: Vec<Value> = session
        .files()
        .block()?
        .iter()
        .map(|file| json!([file.name(), file.file_type(), file.size(), file.version()]))
        .collect();
    kinds.sort_by_key(Value::to_string);
    let fields = ["name", "type", "modality", "info", "tags", "size", "mimetype", "version"];
    Ok(json!([pick(&first, &fields), pick(&second, &fields), kinds]))
}

pub(crate) fn download_bytes(at: &Task) -> Outcome {
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/T1w")).cast().block()?;
    let target = at.folder().join("rust.bin");
    let file = scan.file("t1.nii.gz").block()?;
    file.download().to_path(&target).block()?;
    let url: url::Url = file.download().url().block()?.parse()?;
    let address = url.socket_addrs(|| None)?[0];
    let path = format!("{}?{}", url.path().trim_start_matches("/api"), url.query().unwrap_or_default());
    let by_ticket = Plain::new(address, Vec::new()).call(http::Method::GET, &path).send().expect(200);
    Ok(json!({
        "file": std::fs::read_to_string(target)?,
        "memory": text(&file.download().bytes().block()?),
        "ticket": text(&by_ticket.body),
        "missing": refusal(scan.file("none.txt").block())[0],
    }))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn read_zip_members(at: &Task) -> Outcome {
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/T1w")).cast().block()?;
    let file = scan.file("results.zip").block()?;
    let zip = file.zip().block()?;
    let stats =
        zip.members.iter().find(|member| member.path.ends_with("aseg.stats")).ok_or("no statistics")?;
    let target = at.folder().join("aseg.stats");
    file.zip_member(&stats.path).to_path(&target).block()?;
    let plain = scan.file("t1.nii.gz").block()?;
    Ok(json!({
        "members": zip.members.iter().map(|member| json!([member.path, member.size])).collect::<Value>(),
        "file": std::fs::read_to_string(target)?,
        "memory": text(&file.zip_member("readme.txt").bytes().block()?),
        "missing": refusal(file.zip_member("none").bytes().block())[0],
        "no zip": refusal(plain.zip().block())[0],
    }))
}

pub(crate) fn change_file_info(at: &Task) -> Outcome {
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/T1w")).cast().block()?;
    let mut file = scan.file("t1.nii.gz").block()?;
    file.info().merge(json!({"qc": {"ok": true}, "rater": "Jo"})).block()?;
    let merged = json!(file.info);
    file.info().delete(["snr"]).block()?;
    let mut results = scan.file("results.zip").block()?;
    results.info().replace(json!({"only": "this"})).block()?;
    file.update().file_type("archive").modality("CT").block()?;
    Ok(json!([merged, pick(&file, &["info", "type", "modality"]), results.info]))
}

pub(crate) fn classify(at: &Task) -> Outcome {
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/T1w")).cast().block()?;
    let mut file = scan.file("t1.nii.gz").block()?;
    file.classification().add([("Measurement", vec!["T2"]), ("Custom", vec!["mine", "yours"])]).block()?;
    let added = json!(file.classification);
    file.classification().delete([("Custom", ["yours"]), ("Intent", ["Structural"])]).block()?;
    let left = json!(file.classification);
    file.classification().modality("MR").replace([("Intent", ["Localizer"])]).block()?;
    let unknown = refusal(file.classification().add([("Intent", ["Nonsense"])]).block());
    let words = json!(at.fw.modalities().get("MR").block()?)["classification"]["Intent"].clone();
    Ok(json!([added, left, file.classification, unknown[0], words]))
}

pub(crate) fn keep_versions(at: &Task) -> Outcome {
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    for text in ["one", "two two", "three"] {
        session.upload(Source::bytes("report.txt", text)).block()?;
    }
    let file = session.file("report.txt").block()?;
    let versions: Value = file.versions().block()?.iter().map(|one| json!(one)["version"].clone()).collect();
    let first = file.at_version(1).block()?.download().bytes().block()?;
    let restored = file.restore(2).block()?;
    file.at_version(3).block()?.delete_version().block()?;
    let left: Value = file.versions().block()?.iter().map(|one| json!(one)["version"].clone()).collect();
    Ok(json!({
        "versions": versions,
        "first": text(&first),
        "restored": [restored.version(), restored.restored_from],
        "now": text(&session.file("report.txt").block()?.download().bytes().block()?),
        "left": left,
    }))
}

pub(crate) fn move_a_file(at: &Task) -> Outcome {
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/bold")).cast().block()?;
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    let mut file = scan.file("events.csv").block()?;
    file.rename("renamed.csv").block()?;
    file.move_to(&session).block()?;
    let parent = file.parent_ref()?;
    let other: Acquisition = at.fw.lookup(at.path("/sub-02/ses-01/bold")).cast().block()?;
    other.file("events.csv").block()?.delete().block()?;
    let names = |files: Vec<File>| files.iter().map(|file| file.name().to_owned()).collect::<Vec<_>>();
    Ok(json!({
        "moved": [file.name(), parent.kind, parent.id == session.id()],
        "left": names(scan.files().block()?),
        "content": text(&session.file("renamed.csv").block()?.download().bytes().block()?),
        "deleted": names(other.files().block()?),
    }))
}

pub(crate) fn download_an_archive(at: &Task) -> Outcome {
    let target = at.folder().join("rust.tar");
    at.study.archive().include_types(["nifti", "tabular data"]).to_path(&target).block()?;
    let mut members = Vec::new();
    for entry in tar::Archive::new(std::fs::File::open(&target)?).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut content = String::new();
            entry.read_to_string(&mut content)?;
            members.push(json!([entry.path()?.to_string_lossy(), content]));
        }
    }
    members.sort_by_key(Value::to_string);
    let summary = at.study.archive().summary().block()?;
    Ok(json!([members, summary.files, summary.size]))
}
