"""Gears by the official client: added, found, described, restricted, and what they would take."""

import flywheel

from harness import acquisition, client, email, equal, project, refused

fw = client()
study = project(fw, "Gears")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("scan.nii.gz", b"bytes", "application/gzip"))
scan.upload_file(flywheel.FileSpec("notes.txt", b"words", "text/plain"))


def manifest(name, version="1.0.0", **more):
    """A manifest with one required and one optional input."""
    return {
        "name": name,
        "label": f"The {name}",
        "description": "Made for a test",
        "version": version,
        "author": "Somebody",
        "license": "MIT",
        "url": "https://example.org",
        "source": "https://example.org/source",
        "config": {
            "threshold": {"type": "number", "default": 0.5, "minimum": 0, "description": "Where to cut"},
            "mode": {"type": "string", "default": "fast", "enum": ["fast", "slow"]},
            "note": {"type": "string", "optional": True},
        },
        "inputs": {
            "image": {"base": "file", "type": {"enum": ["nifti"]}, "description": "What to look at"},
            "mask": {"base": "file", "optional": True},
            "words": {"base": "context"},
        },
        **more,
    }


EXCHANGE = {"git-commit": "abc", "rootfs-hash": "sha384:0", "rootfs-url": "docker://lab/gear:1"}


def add(name, category="utility", **more):
    """Adds a gear and returns its id."""
    return fw.add_gear(name, {"category": category, "gear": manifest(name, **more), "exchange": EXCHANGE})


first = add("smooth")
second = add("smooth", version="0.9.0")
other = add("measure", category="analysis")

# Found by name, by path, by id; the newest is the one that came last.
equal(fw.gears.find_one("gear.name=smooth").id, second)
equal(fw.lookup("gears/smooth").id, second)
equal(fw.lookup("gears/smooth/1.0.0").id, first)
equal(fw.get_gear(first).gear.version, "1.0.0")
equal(sorted(gear.gear.name for gear in fw.gears()), ["measure", "smooth"])
equal(sorted(gear.id for gear in fw.get_all_gears(all_versions=True)), sorted([first, second, other]))
equal([gear.id for gear in fw.resolve("gears/smooth").children], [first])
equal(fw.resolve("gears").children[0].container_type, "gear")
with refused(404):
    fw.lookup("gears/none")
with refused(409):
    add("smooth")
with refused(422) as wrong:
    fw.add_gear("bad", {"gear": manifest("bad", license="Beerware"), "exchange": EXCHANGE})
assert "license" in wrong.error.body, wrong.error.body

# What the client makes of them.
gear = fw.lookup("gears/smooth")
equal((gear.category, gear.is_analysis_gear()), ("utility", False))
equal(gear.get_default_config(), {"threshold": 0.5, "mode": "fast"})
gear.print_details()
equal(sorted(gear.gear.inputs), ["image", "mask", "words"])
equal(gear.gear.config["threshold"]["default"], 0.5)
schema = fw.get_gear_invocation(gear.id)
equal(schema["properties"]["inputs"]["required"], ["image", "words"])

# Context and suggestions.
study.update_info({"context": {"words": "from the project"}})
context = fw.get_gear_context(gear.id, "acquisitions", scan.id)
equal((context["words"].value, context["words"].container_type), ("from the project", "project"))
suggestion = fw.get_gear_suggest(gear.id, "acquisitions", scan.id)
equal({file.name: file.suggested["image"] for file in suggestion.files}, {"notes.txt": False, "scan.nii.gz": True})

# Prepared first, saved when the image is there.
prepared = {"category": "qa", "gear": manifest("prepared")}
ticket = fw.prepare_add_gear(prepared).ticket
equal(fw.get_my_gear_tickets(), [ticket])
equal(fw.get_gear_ticket(ticket).geardoc.gear.name, "prepared")
saved = fw.save_gear({"ticket": ticket, "repo": "lab/prepared", "pointer": "sha256:1"})
equal((saved.gear.name, saved.category), ("prepared", "qa"))

# Series: restriction and permissions.
series = gear.get_series()
equal((series.name, series.is_restricted), ("smooth", False))
equal(gear.modify_gear_series({"is_restricted": True}).is_restricted, True)
fw.add_gear_permission("smooth", "projects", {"id": study.id})
equal(gear.replace_permissions({"users": [email("admin")], "projects": [study.id]}).permissions.projects, [study.id])
gear.delete_permission("users", email("admin"))
equal(gear.get_series().permissions.users, [])
gear.delete_all_permissions()
equal(gear.get_series().is_restricted, False)

# Out of use.
fw.delete_gear(second)
equal(fw.lookup("gears/smooth").id, first)
assert fw.get_gear(second).disabled is not None
