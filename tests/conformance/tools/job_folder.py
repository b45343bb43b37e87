"""What the programs of the gear toolkits share: the folder of a running job, and handing in what stands in it."""

import json
from pathlib import Path

import flywheel
import requests

from harness import SCRATCH, SITE, acquisition, client, equal, project

HEADERS = {"Authorization": "scitran-user " + SITE["keys"]["admin"].rsplit(":", 1)[-1]}


class Job:
    """A job of a gear that takes one file and a key, running, with its folder laid out as an engine does it."""

    def __init__(self, name):
        self.fw = client()
        self.scan = acquisition(project(self.fw))
        self.scan.upload_file(flywheel.FileSpec("scan.txt", b"words", "text/plain"))
        self.scan = self.scan.reload()
        inputs = {"scan": {"base": "file"}, "api-key": {"base": "api-key"}}
        self.manifest = {
            "name": name,
            "label": name,
            "description": name,
            "version": "1.0.0",
            "author": "Somebody",
            "license": "MIT",
            "url": "",
            "source": "",
            "inputs": inputs,
            "config": {"times": {"type": "integer", "default": 2}},
            "custom": {"flywheel": {"show-job": True}},
        }
        exchange = {"git-commit": "", "rootfs-hash": "", "rootfs-url": ""}
        document = {"category": "utility", "gear": self.manifest, "exchange": exchange}
        self.fw.add_gear(name, document)
        text = self.scan.get_file("scan.txt")
        looked_up = self.fw.lookup(f"gears/{name}")
        self.id = looked_up.run(inputs={"scan": text}, destination=self.scan)
        body = {"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"jobs": 1}}
        assert self.fw.ask_jobs(body).jobs[0].id == self.id
        self.folder = self.lay_out()

    def lay_out(self):
        """Writes the folder and returns it."""
        folder = SCRATCH / "gear"
        for part in ("input/scan", "output", "work"):
            (folder / part).mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps(self.manifest))
        config = self.call("GET", f"/jobs/{self.id}/config.json").json()
        location = folder / "input/scan/scan.txt"
        location.write_bytes(self.scan.read_file("scan.txt"))
        config["inputs"]["scan"]["location"]["path"] = str(location)
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    def call(self, method, path, **options):
        """Calls the site and returns its answer, which must be a success."""
        answer = requests.request(method, SITE["url"] + "/api" + path, headers=HEADERS, timeout=60, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def hand_in(self):
        """Sends what stands in the folder of outputs, and ends the job."""
        outputs = Path(self.folder, "output")
        metadata = json.loads((outputs / ".metadata.json").read_text())
        ticket = self.call("POST", f"/jobs/{self.id}/prepare-complete").json()["ticket"]
        parts = [("metadata", (None, json.dumps(metadata)))]
        for path in sorted(outputs.iterdir()):
            if not path.name.startswith("."):
                parts.append(("file", (path.name, path.read_bytes())))
        place = {"level": "acquisition", "id": self.scan.id, "job": self.id, "job_ticket": ticket}
        self.call("POST", "/engine", params=place, files=parts)
        done = {"success": True}
        self.call("POST", f"/jobs/{self.id}/complete", params={"job_ticket_id": ticket}, json=done)
        self.scan = self.scan.reload()

    def check(self, name):
        """Hands in what stands in the folder, and fails unless all that both toolkits noted has arrived."""
        self.hand_in()
        table, scan = (self.scan.get_file(file).reload() for file in ("table.csv", "scan.txt"))
        equal((table.type, table.tags, table.info["rows"]), ("tabular data", ["made"], 1))
        equal(table.info["qc"][name]["whole"], {"state": "PASS", "data": {"rows": 1}})
        equal(table.info["qc"][name]["job_info"]["job_id"], self.id)
        equal(scan.tags, ["seen"])
        equal(self.fw.get_session(self.scan.parents.session).info, {"visits": 2})
        job = self.fw.get_job(self.id)
        equal((job.state, job.saved_files), ("complete", ["table.csv"]))
        return scan
