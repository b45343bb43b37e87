"""Labels, tags, notes, info and file names in many scripts, and awkward characters."""

import flywheel

from harness import SCRATCH, acquisition, client, equal, project

LABELS = [
    "Übung für Ärzte",
    "研究プロジェクト",
    "Исследование",
    "مشروع",
    "🧠 brain",
    "e\u0301 decomposed",
    "a+b & c=d?e#f%20",
    "tab\tand 'quotes' \"two\"",
    "back\\slash",
    "..",
    "trailing space ",
]

fw = client()
for label in LABELS:
    study = project(fw, label)
    equal(study.label, label)
    found = fw.lookup(["lab", label])
    equal(found.id, study.id, label)
    equal(fw.resolve(["lab", label]).path[-1].label, label)
    quoted = label.replace("\\", "\\\\").replace('"', '\\"').replace(",", "\\,")
    if '"' not in label and "\\" not in label:
        equal([one.id for one in fw.projects.find(f'label="{quoted}"')], [study.id], label)

study = fw.lookup(["lab", LABELS[0]])
scan = acquisition(study, "Пациент 1", "セッション", "扫描")
equal(fw.lookup(["lab", LABELS[0], "Пациент 1", "セッション", "扫描"]).id, scan.id)
for name in [f"{label.strip()}.txt" for label in LABELS if label != ".." and not {"\t", "\\"} & set(label)] + ["...", "a b.txt", ".hidden", "100%.txt", "x;y.txt"]:
    [entry] = scan.upload_file(flywheel.FileSpec(name, name.encode()))
    equal(entry.name, name)
    equal(scan.read_file(name), name.encode(), name)
    scan.update_file_info(name, {"ключ": name})
    equal(scan.reload().get_file(name).info, {"ключ": name})
    target = SCRATCH / "copy"
    scan.download_file(name, str(target))
    equal(target.read_bytes(), name.encode())
    equal(scan.delete_file(name).deleted, 1)
equal(scan.reload().files, [])

scan.add_tag("étiquette 🏷")
equal(scan.reload().tags, ["étiquette 🏷"])
scan.rename_tag("étiquette 🏷", "标签")
equal(fw.get_acquisition_tag(scan.id, "标签"), "标签")
scan.delete_tag("标签")
scan.add_note("многострочная\nзаметка")
equal(scan.reload().notes[0].text, "многострочная\nзаметка")
scan.update_info({"日本": {"値": "✓", "empty": ""}})
equal(scan.reload().info, {"日本": {"値": "✓", "empty": ""}})
equal([one.id for one in fw.acquisitions.find("info.日本.値=✓")], [scan.id])
equal([one.id for one in fw.subjects.find("label=~^Паци")], [scan.parents.subject])
