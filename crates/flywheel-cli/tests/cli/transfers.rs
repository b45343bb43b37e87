//! Listing, uploads and downloads.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Lab, failure, interrupt, json, stdout, texts};

const ACQUISITION: &str = "fw://lab/Study/sub-01/ses-01/T1w";

#[test]
fn a_path_is_listed_level_by_level() {
    let lab = Lab::new();
    assert_eq!(stdout(lab.admin().arg("ls")), "");
    lab.study();
    let labels = |path: &str| {
        let listed = json(lab.admin().args(["ls", path]));
        let children = listed["children"].as_array().unwrap().clone();
        children
            .iter()
            .map(|child| format!("{} {}", child["kind"], child["label"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(labels(""), ["group lab"].map(|_| "group Lab"));
    assert_eq!(labels("lab"), ["project Study"]);
    assert_eq!(labels("fw://lab/Study/"), ["subject sub-01"]);
    assert_eq!(
        labels("lab/Study/sub-01/ses-01"),
        ["acquisition T1w"]
            .map(String::from)
            .into_iter()
            .chain(["acquisition T1w ../x".into()])
            .collect::<Vec<_>>()
    );
    let lines = stdout(lab.admin().args(["ls", "lab/Study/sub-01"]));
    assert!(lines.starts_with("session\tses-01\t"), "{lines}");
    let (code, text) = failure(lab.admin().args(["ls", "lab/Other"]));
    assert_eq!(code, 4);
    assert!(text.contains("hint:"), "{text}");
}

#[test]
fn a_listing_is_filtered_and_sorted_and_a_mistake_is_pointed_at() {
    let lab = Lab::new();
    lab.study();
    lab.run(async |client| {
        let project = client.projects().find_one().await?;
        for label in ["sub-02", "pilot-01", "sub-03"] {
            project.add_subject(label).await?;
        }
        Ok(())
    });
    let labels = |arguments: &[&str]| {
        let listed = json(lab.admin().arg("ls").args(arguments));
        let children = listed["children"].as_array().unwrap().clone();
        children.iter().map(|child| child["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let newest = ["lab/Study", "--filter", "label=~^sub-", "--sort", "label:desc"];
    assert_eq!(labels(&newest), ["sub-03", "sub-02", "sub-01"]);
    assert_eq!(labels(&["--filter", "label=Nobody"]), [""; 0]);
    assert_eq!(labels(&["lab/Study/sub-01/ses-01", "--sort", "label:desc"]), ["T1w ../x", "T1w"]);
    for (arguments, message) in [
        (["lab/Study", "--filter", "label~sub"], "this clause has no operator"),
        (["lab/Study", "--sort", "label:down"], "unknown order"),
        (["lab/Study/files", "--filter", "name=x"], "--filter and --sort are for"),
        (["lab//Study", "--filter", "label=x"], "an empty segment stands between these slashes"),
    ] {
        let (code, text) = failure(lab.admin().arg("ls").args(arguments));
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(message), "{text}");
    }
    let (_, text) = failure(lab.admin().args(["ls", "--filter", "label=x,created>2024-01-01,age"]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1].find("age"), lines[2].find("^^^"), "{text}");
}

#[test]
fn files_go_up_and_come_back_with_what_was_said_of_them() {
    let lab = Lab::new();
    lab.study();
    let content: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let scan = lab.file("t1.nii.gz", &content);
    let notes = lab.file("notes ü.txt", "some notes");
    let metadata = r#"{"modality": "MR", "classification": {"Intent": ["Structural"]}, "info": {"snr": 3}, "tags": ["a"]}"#;
    let stored = json(lab.admin().arg("upload").arg(&scan).arg(ACQUISITION).args(["--metadata", metadata]));
    assert_eq!(
        (&stored[0]["type"], &stored[0]["modality"], &stored[0]["size"]),
        (&"nifti".into(), &"MR".into(), &3_000_000.into())
    );
    stdout(lab.admin().arg("upload").arg(&scan).arg(&notes).arg("lab/Study"));
    stdout(lab.admin().arg("upload").arg(&notes).arg("lab/Study/files/renamed.txt"));

    let out = lab.path("out");
    let printed = stdout(lab.admin().args(["download", "lab/Study", "-o"]).arg(&out));
    assert!(printed.starts_with("4 files downloaded") && printed.contains("all hashes checked"), "{printed}");
    assert_eq!(fs::read(out.join("Study/sub-01/ses-01/T1w/t1.nii.gz")).unwrap(), content);
    assert_eq!(fs::read(out.join("Study/t1.nii.gz")).unwrap(), content);
    for name in ["notes ü.txt", "renamed.txt"] {
        assert_eq!(fs::read_to_string(out.join("Study").join(name)).unwrap(), "some notes");
    }
    // What is there already stays; what was changed is fetched again.
    fs::write(out.join("Study/t1.nii.gz"), vec![0; content.len()]).unwrap();
    let printed = stdout(lab.admin().args(["download", "lab/Study", "-o"]).arg(&out));
    assert!(printed.starts_with("1 file downloaded") && printed.contains("3 unchanged"), "{printed}");
    assert_eq!(fs::read(out.join("Study/t1.nii.gz")).unwrap(), content);
}

#[test]
fn one_file_is_downloaded_to_a_folder_to_a_pipe_and_in_part() {
    let lab = Lab::new();
    lab.study();
    let archive = lab.path("results.zip");
    let mut writer = zip::ZipWriter::new(fs::File::create(&archive).unwrap());
    writer.start_file("sub-01/stats/aseg.stats", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(b"# stats\n").unwrap();
    writer.finish().unwrap();
    stdout(lab.admin().arg("upload").arg(&archive).arg(ACQUISITION));
    let path = format!("{ACQUISITION}/files/results.zip");
    stdout(lab.admin().args(["download", &path, "-o"]).arg(lab.path("one")));
    assert_eq!(fs::read(lab.path("one/results.zip")).unwrap(), fs::read(&archive).unwrap());
    let output = lab.admin().args(["download", &path, "-o", "-"]).output().unwrap();
    assert_eq!(output.stdout, fs::read(&archive).unwrap());
    let member = ["--member", "sub-01/stats/aseg.stats"];
    assert_eq!(stdout(lab.admin().args(["download", &path, "-o", "-"]).args(member)), "# stats\n");
    stdout(lab.admin().args(["download", &path, "-o"]).arg(lab.path("one")).args(member));
    assert_eq!(fs::read(lab.path("one/aseg.stats")).unwrap(), b"# stats\n");
    assert_eq!(failure(lab.admin().args(["download", "lab/Study", "-o", "-"])).0, 2);
}

#[test]
fn a_dry_run_downloads_nothing() {
    let lab = Lab::new();
    lab.study();
    let (scan, notes) = (lab.file("t1.nii.gz", "x"), lab.file("notes.txt", "y"));
    stdout(lab.admin().arg("upload").arg(scan).arg(notes).arg(ACQUISITION));
    let planned = json(
        lab.admin().args(["download", "lab", "--type", "nifti", "--dry-run", "-o"]).arg(lab.path("out")),
    );
    assert_eq!(planned.as_array().unwrap().len(), 1);
    assert!(
        planned[0]["path"].as_str().unwrap().ends_with("out/Lab/Study/sub-01/ses-01/T1w/t1.nii.gz"),
        "{planned}"
    );
    assert!(!lab.path("out").exists());
}

#[test]
fn names_of_a_site_never_lead_out_of_the_folder() {
    let lab = Lab::new();
    lab.study();
    lab.run(async |client| {
        let mut acquisitions = client.acquisitions().filter("label=T1w ../x").await?;
        let acquisition = acquisitions.pop().unwrap();
        for name in ["..\\..\\evil.txt", "C:evil.txt", "a?b.txt"] {
            acquisition.upload(flywheel::Source::bytes(name, "x")).await?;
        }
        Ok(())
    });
    let out = lab.path("deep/out");
    stdout(lab.admin().args(["download", "lab/Study", "-o"]).arg(&out));
    let inside: Vec<_> = walkdir::WalkDir::new(&out)
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file())
        .collect();
    assert_eq!(inside.len(), 3);
    assert_eq!(
        walkdir::WalkDir::new(lab.path("deep"))
            .into_iter()
            .filter(|e| e.as_ref().unwrap().file_type().is_file())
            .count(),
        3
    );
    assert!(inside.iter().all(|entry| entry.path().parent().unwrap().ends_with("T1w .._x")));
}

/// The program, left to run by itself.
fn start(lab: &Lab, key: &str, arguments: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("fw"))
        .env("FLYWHEEL_API_KEY", key)
        .env("HOME", lab.folder.path())
        .args(arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn who_interrupts_a_command_is_told_what_is_left() {
    let lab = Lab::new();
    // A site that takes a question and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let key = format!("{}:__force_insecure:k", silent.local_addr().unwrap());
    let scan = lab.file("t1.nii.gz", "voxels");
    let scan = scan.to_str().unwrap();
    let cases: [(&[&str], Option<&str>); 4] = [
        (&["download", "lab/Study", "-o", "out"], Some("the same command goes on from there")),
        (&["upload", scan, "lab/Study"], Some("look with \"fw ls\"")),
        (&["job", "ls"], Some("look with \"fw job ls\"")),
        (&["ls", "lab"], None),
    ];
    for (arguments, hint) in cases {
        let child = start(&lab, &key, arguments);
        let (mut asking, _) = silent.accept().unwrap();
        asking.read_exact(&mut [0]).unwrap();
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        let text = texts(&output).1;
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {text}");
        assert!(text.contains("interrupted"), "{text}");
        match hint {
            Some(hint) => assert!(text.contains("hint:") && text.contains(hint), "{text}"),
            None => assert!(!text.contains("hint:"), "{text}"),
        }
    }
}

#[test]
fn an_interrupted_upload_leaves_nothing_on_the_site() {
    let lab = Lab::with(|site| site.signed_uploads(true));
    lab.study();
    // The site takes this in two parts.
    let scan = lab.path("big.dat");
    fs::File::create(&scan).unwrap().set_len(130 << 20).unwrap();
    let whole_parts = || {
        let blobs = walkdir::WalkDir::new(lab.path("site/blobs")).into_iter().flatten();
        blobs.filter(|e| e.file_type().is_file() && !e.path().parent().unwrap().ends_with("tmp")).count()
    };
    let mut child = start(&lab, &lab.key, &["upload", scan.to_str().unwrap(), "lab/Study"]);
    while whole_parts() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    interrupt(&child);
    // On a fast machine it may be there whole.
    let left = match child.wait().unwrap().code() {
        Some(130) => 0,
        Some(0) => 1,
        code => panic!("{code:?}"),
    };
    let begun = Instant::now();
    while whole_parts() != left && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(whole_parts(), left);
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let lab = Lab::new();
    lab.study();
    let content: Vec<u8> = (0..40_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let scan = lab.file("big.dat", &content);
    stdout(lab.admin().arg("upload").arg(&scan).arg("lab/Study"));
    let out = lab.path("out");
    let path = out.to_str().unwrap();
    let mut child = start(&lab, &lab.key, &["download", "lab/Study/files/big.dat", "-o", path]);
    // Stopped as soon as bytes have come, or, on a fast machine, when all of them have.
    let has_bytes = || {
        let files = walkdir::WalkDir::new(&out).into_iter().flatten().filter(|e| e.file_type().is_file());
        files.into_iter().any(|file| file.metadata().is_ok_and(|metadata| metadata.len() > 0))
    };
    while !has_bytes() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    interrupt(&child);
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(130 | 0)), "{code:?}");
    stdout(lab.admin().args(["download", "lab/Study/files/big.dat", "-o"]).arg(&out));
    assert!(fs::read(out.join("big.dat")).unwrap() == content);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn what_cannot_be_uploaded_is_found_out_before_anything_is() {
    let lab = Lab::new();
    lab.study();
    let file = lab.file("a.txt", "a");
    assert_eq!(failure(lab.admin().arg("upload").arg(&file).arg(lab.path("gone")).arg("lab/Study")).0, 4);
    assert_eq!(failure(lab.admin().arg("upload").arg(&file).arg(lab.folder.path()).arg("lab/Study")).0, 2);
    assert_eq!(failure(lab.admin().arg("upload").arg(&file).arg(&file).arg("lab/Study/files/one.txt")).0, 2);
    assert_eq!(
        failure(lab.admin().arg("upload").arg(&file).arg("lab/Study").args(["--metadata", "[]"])).0,
        2
    );
    let (code, text) = failure(lab.admin().arg("upload").arg(&file).arg("lab"));
    assert_eq!(code, 1);
    assert!(text.contains("a group holds no files"), "{text}");
    assert_eq!(json(lab.admin().args(["ls", "lab/Study/files"]))["children"], serde_json::json!([]));
}

#[test]
fn a_key_without_the_right_gets_its_own_code() {
    let lab = Lab::new();
    lab.study();
    let (file, guest) = (lab.file("a.txt", "a"), lab.guest());
    let (code, text) =
        failure(lab.fw().env("FLYWHEEL_API_KEY", guest).arg("upload").arg(&file).arg("lab/Study"));
    assert!(matches!(code, 4 | 5), "{code} {text}");
}

#[test]
fn colours_are_for_terminals_or_for_whoever_asks() {
    let lab = Lab::new();
    let error = |arguments: &[&str]| texts(&lab.admin().args(arguments).output().unwrap()).1;
    assert!(!error(&["ls", "nowhere"]).contains('\x1b'));
    assert!(error(&["ls", "nowhere", "--color", "always"]).contains('\x1b'));
}
