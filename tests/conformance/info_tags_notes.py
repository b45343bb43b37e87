"""Info, tags and notes on containers of every level."""

import warnings

from harness import acquisition, client, email, equal, grant, project, refused, same

warnings.simplefilter("ignore")
fw = client()
study = project(fw, "Meta")
scan = acquisition(study)
everything = [study, fw.get_subject(scan.parents.subject), fw.get_session(scan.parents.session), scan]

for container in everything:
    about = container.container_type

    # Info.
    container.replace_info({"splines": 34})
    equal(container.reload().info, {"splines": 34}, about)
    container.update_info({"curve": "bezier"})
    equal(container.reload().info, {"splines": 34, "curve": "bezier"}, about)
    container.update_info(nested={"list": [1, 2.5, None, True, "x"]}, curve="line")
    equal(container.reload().info["nested"], {"list": [1, 2.5, None, True, "x"]}, about)
    container.update_info(nested={"other": 1})
    equal(container.reload().info["nested"], {"other": 1}, about)
    container.delete_info("splines", "absent")
    container.delete_info(["curve"])
    equal(container.reload().info, {"nested": {"other": 1}}, about)
    container.update_info({"a.b": 1, "$c": {"d.e": [{"f.g": 2}]}})
    info = container.reload().info
    equal((info["a_b"], info["-c"]), (1, {"d_e": [{"f_g": 2}]}), about)
    container.replace_info({})
    equal(container.reload().info, {}, about)

    # Tags.
    container.add_tag("Analysis Required")
    container.add_tag("b")
    equal(container.reload().tags, ["Analysis Required", "b"], about)
    with refused(409):
        container.add_tag("b")
    container.rename_tag("b", "c")
    equal(container.reload().tags, ["Analysis Required", "c"], about)
    container.delete_tag("Analysis Required")
    equal(container.reload().tags, ["c"], about)
    with refused(404):
        container.delete_tag("Analysis Required")
    with refused(404):
        container.rename_tag("not there", "x")
    with refused(400, 422):
        container.add_tag("")
    many = getattr(fw, f"add_{about}_tags")
    many(container.id, ["c", "d", "e"])
    same(container.reload().tags, ["c", "d", "e"], about)
    getattr(fw, f"delete_{about}_tags")(container.id, ["d", "not there"])
    same(container.reload().tags, ["c", "e"], about)
    equal(getattr(fw, f"get_{about}_tag")(container.id, "c"), "c", about)

    # Notes.
    container.add_note("This is a note")
    container.add_note("And \u2603 another")
    notes = container.reload().notes
    equal([note.text for note in notes], ["This is a note", "And \u2603 another"], about)
    equal([note.user for note in notes], [email("admin")] * 2, about)
    assert notes[0].created and notes[0].id, notes
    getattr(fw, f"modify_{about}_note")(container.id, notes[0].id, {"text": "changed"})
    equal(getattr(fw, f"get_{about}_note")(container.id, notes[0].id).text, "changed", about)
    container.delete_note(notes[0].id)
    equal([note.text for note in container.reload().notes], ["And \u2603 another"], about)
    with refused(404):
        container.delete_note(notes[0].id)
    with refused(400, 422):
        container.add_note("")

# By the routes that take any container.
fw.modify_container_info(scan.id, {"set": {"generic": 1}})
equal(fw.get(scan.id).info, {"generic": 1})
fw.add_container_tag(scan.id, "generic")
assert "generic" in fw.get(scan.id).tags
fw.add_container_note(scan.id, "generic")
assert "generic" in [note.text for note in fw.get(scan.id).notes]
with refused(400, 422):
    fw.modify_acquisition_info(scan.id, {"replace": {}, "set": {"x": 1}})
with refused(400, 422):
    fw.modify_acquisition_info(scan.id, {})

# Tags of a group are a vocabulary: a new name goes down the tree.
lab = fw.get_group("lab")
lab.add_tag("c")
lab.rename_tag("c", "renamed")
assert "renamed" in study.reload().tags, study.reload().tags
assert "renamed" in scan.reload().tags, scan.reload().tags
lab.delete_tag("renamed")
assert "renamed" not in scan.reload().tags

# Somebody else's note stays as it is.
study.add_note("mine")
note = study.reload().notes[-1]
grant(fw, study, "ann", "rw")
with refused(403):
    client("ann").modify_project_note(study.id, note.id, {"text": "hers"})
