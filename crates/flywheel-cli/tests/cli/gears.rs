//! `fw gear` and `fw job` against a site that runs the example gears.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value as Json;

use crate::serve::{Served, serve};
use crate::support::{failure, fw, json, stdout, texts};

const IMAGE: &str = "fw://lab/Study/sub-01/ses-01/bold/files/bold.nii";

/// A site with an engine, and a series of two volumes on it.
struct Workshop {
    home: tempfile::TempDir,
    served: Served,
}

impl Workshop {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let served = serve(home.path(), &["--engine"]);
        let shop = Self { home, served };
        let client = flywheel::Client::new(shop.key()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let made: flywheel::Result<()> = runtime.block_on(async {
            let project = client.add_group("lab", "Lab").await?.add_project("Study").await?;
            let session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
            session.add_acquisition("bold").await.map(drop)
        });
        made.unwrap();
        let path = shop.home.path().join("bold.nii");
        std::fs::write(&path, series()).unwrap();
        stdout(shop.fw().arg("upload").arg(&path).arg("lab/Study/sub-01/ses-01/bold"));
        shop
    }

    fn key(&self) -> &str {
        self.served.line["api_key"].as_str().unwrap()
    }

    fn fw(&self) -> Command {
        let mut command = fw(self.home.path());
        command.env("FLYWHEEL_API_KEY", self.key());
        command
    }

    /// Adds a gear whose program is a shell script.
    fn gear(&self, name: &str, category: &str, script: &str) {
        let folder = self.home.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let manifest = serde_json::json!({
            "name": name, "label": name, "description": "d", "version": "1.0.0", "author": "a", "license": "MIT",
            "url": "", "source": "", "command": "sh run.sh", "inputs": {}, "config": {},
            "custom": {"gear-builder": {"category": category}},
        });
        std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        std::fs::write(folder.join("run.sh"), script).unwrap();
        stdout(self.fw().args(["gear", "add"]).arg(&folder));
    }

    fn image(&self) -> Json {
        let client = flywheel::Client::new(self.key()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = IMAGE.strip_prefix("fw://").unwrap().split('/').map(str::to_owned).collect::<Vec<_>>();
        let node = runtime.block_on(async { client.lookup(path).await }).unwrap();
        let flywheel::Node::File(file) = node else { panic!("no file") };
        serde_json::to_value(&file).unwrap()
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../gears").join(name)
}

/// Two volumes of 4 x 4 x 4 voxels of 2 mm: a bright cube in the dark, which moves by one voxel.
fn series() -> Vec<u8> {
    let mut header = vec![0_u8; 352];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &348_i32.to_le_bytes());
    for (axis, length) in [4_i16, 4, 4, 4, 2, 1, 1, 1].iter().enumerate() {
        put(40 + 2 * axis, &length.to_le_bytes());
    }
    put(70, &16_i16.to_le_bytes());
    put(72, &32_i16.to_le_bytes());
    for (axis, spacing) in [1_f32, 2.0, 2.0, 2.0, 1.5].iter().enumerate() {
        put(76 + 4 * axis, &spacing.to_le_bytes());
    }
    put(108, &352_f32.to_le_bytes());
    put(112, &1_f32.to_le_bytes());
    put(123, &[10]);
    put(344, b"n+1\0");
    let voxel = |step: usize, at: usize| {
        let (x, y, z) = (at % 4, at / 4 % 4, at / 16);
        let inside = (step..step + 2).contains(&x) && (1..3).contains(&y) && (1..3).contains(&z);
        if inside { 1000.0 + at as f32 } else { (at % 3) as f32 }
    };
    let voxels = (0..2).flat_map(|step| (0..64).map(move |at| voxel(step, at)));
    header.extend(voxels.flat_map(f32::to_le_bytes));
    header
}

#[test]
fn the_example_gears_run_on_a_site_and_what_they_found_is_there() {
    let shop = Workshop::new();
    let added = json(shop.fw().args(["gear", "add"]).arg(example("image-qc")));
    assert_eq!((&added["name"], &added["version"]), (&"image-qc".into(), &"1.0.0".into()));
    stdout(shop.fw().args(["gear", "add"]).arg(example("file-metadata")));
    let (code, text) = failure(shop.fw().args(["gear", "add"]).arg(example("file-metadata")));
    assert_eq!(code, 1);
    assert!(text.contains("on the site already") && text.contains("hint:"), "{text}");
    let listed = stdout(shop.fw().args(["gear", "ls"]));
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names.len(), 2, "{listed}");
    assert!(names.contains(&"image-qc") && names.contains(&"file-metadata"), "{listed}");

    let input = format!("image={IMAGE}");
    let ended = json(shop.fw().args(["gear", "run", "image-qc", "--wait", "--input", &input]));
    assert_eq!(ended["state"], "complete", "{ended}");
    assert_eq!(ended["outputs"], serde_json::json!(["bold_image-qc.json"]));
    let image = shop.image();
    let qc = &image["info"]["image_qc"];
    assert_eq!((&qc["volumes"], &qc["motion_max_mm"]), (&2.into(), &2.0.into()), "{image}");
    assert_eq!(image["info"]["qc"]["image-qc"]["motion"]["state"], "FAIL");
    assert_eq!(image["tags"], serde_json::json!(["qc-failed"]));

    let input = format!("file={IMAGE}");
    let ended = json(shop.fw().args(["gear", "run", "file-metadata/1.0.0", "--wait", "--input", &input]));
    assert_eq!(ended["state"], "complete", "{ended}");
    let image = shop.image();
    assert!(image["info"]["header"]["nifti"].is_object(), "{image}");
    assert_eq!(image["info"]["image_qc"]["volumes"], 2);

    let jobs = json(shop.fw().args(["job", "ls", "--state", "complete"]));
    assert_eq!(jobs.as_array().unwrap().len(), 2, "{jobs}");
    let rows = stdout(shop.fw().args(["job", "ls", "--gear", "image-qc"]));
    assert!(rows.lines().count() == 1 && rows.contains("\timage-qc\t1.0.0\tcomplete\t"), "{rows}");
}

#[test]
fn a_job_is_followed_waited_for_cancelled_and_tried_again() {
    let shop = Workshop::new();
    shop.gear("talker", "utility", "echo to one; echo to two >&2; exit 4");
    let run = shop.fw().args(["gear", "run", "talker", "lab/Study", "--wait"]).output().unwrap();
    let (out, err) = texts(&run);
    assert_eq!((run.status.code(), out.as_str()), (Some(1), "to one\n"), "{err}");
    assert!(err.contains("to two") && err.contains("failed: gear_exit"), "{err}");
    let failed = json(shop.fw().args(["job", "ls"]))[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stdout(shop.fw().args(["job", "logs", &failed])), "to one\n");
    let lines = json(shop.fw().args(["job", "logs", &failed]));
    assert!(lines.as_array().unwrap().iter().any(|line| line["fd"] == 2 && line["msg"] == "to two\n"));
    let again = json(shop.fw().args(["job", "retry", &failed]));
    let (code, _) = failure(shop.fw().args(["job", "wait", again["job"].as_str().unwrap()]));
    assert_eq!(code, 1);

    shop.gear("endless", "utility", "sleep 1000");
    let endless = json(shop.fw().args(["gear", "run", "endless", "lab/Study"]));
    let endless = endless["job"].as_str().unwrap();
    let (code, text) = failure(shop.fw().args(["job", "wait", endless, "--timeout", "0"]));
    assert_eq!(code, 6, "{text}");
    assert_eq!(stdout(shop.fw().args(["job", "cancel", endless])), format!("{endless}\tcancelled\n"));
    let (code, text) = failure(shop.fw().args(["job", "wait", endless]));
    assert_eq!(code, 1);
    assert!(text.contains("is cancelled"), "{text}");
}

#[test]
fn an_analysis_gear_makes_an_analysis_with_its_outputs_in_it() {
    let shop = Workshop::new();
    shop.gear("report", "analysis", "echo 42 > output/report.txt");
    let arguments = ["gear", "run", "report", "lab/Study/sub-01", "--wait"];
    let ended = json(shop.fw().args(arguments));
    assert_eq!((&ended["state"], &ended["destination"]["type"]), (&"complete".into(), &"analysis".into()));
    assert_eq!(ended["outputs"], serde_json::json!(["report.txt"]));
}

#[test]
fn what_a_gear_does_not_take_is_refused_before_a_job_is_made() {
    let shop = Workshop::new();
    stdout(shop.fw().args(["gear", "add"]).arg(example("image-qc")));
    let input = format!("image={IMAGE}");
    for (arguments, code, word) in [
        (vec!["image-qx", "lab/Study"], 4, "there are: image-qc"),
        (vec!["image-qc", "lab/Study"], 2, "needs a file for its input image"),
        (vec!["image-qc", "--input", "picture=lab/Study"], 2, "it has: image"),
        (vec!["image-qc", "--input", "image=lab/Study"], 2, "not a file"),
        (vec!["image-qc", "--input", &input, "--config", "colour=1"], 2, "it has: "),
        (vec!["image-qc", "--input", &input, "--config", "min_snr=high"], 2, "number"),
    ] {
        let (found, text) = failure(shop.fw().args(["gear", "run"]).args(&arguments));
        assert_eq!(found, code, "{arguments:?}: {text}");
        assert!(text.contains(word), "{arguments:?}: {text}");
    }
    assert_eq!(json(shop.fw().args(["job", "ls"])), serde_json::json!([]));
}
