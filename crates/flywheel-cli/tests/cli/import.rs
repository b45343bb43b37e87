//! DICOM folders: from headers to containers, there and back byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::support::{Lab, failure, json, stdout};

/// The real DICOM files, or nothing with a word about it where they are not at hand.
fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dicom");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder.canonicalize().unwrap())
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// A file's bytes as they should arrive: unpacked where it is a gzip file.
fn unpacked(name: &str, bytes: &[u8]) -> Vec<u8> {
    if !name.ends_with(".gz") {
        return bytes.to_vec();
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

/// The members of every archive beneath a folder.
fn members(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (name, bytes) in files(folder) {
        assert!(name.ends_with(".dicom.zip"), "{name}");
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        for index in 0..archive.len() {
            let mut member = Vec::new();
            archive.by_index(index).unwrap().read_to_end(&mut member).unwrap();
            all.push(member);
        }
    }
    all.sort();
    all
}

#[test]
fn every_file_arrives_bit_identical_or_is_named_with_its_reason() {
    let Some(data) = data() else { return };
    let lab = Lab::new();
    let report = json(lab.admin().args(["import", "dicom"]).arg(&data).arg("fw://lab/Archive"));
    assert!(
        report["series"].as_array().unwrap().iter().all(|series| series["outcome"] == "uploaded"),
        "{report}"
    );

    let skipped: BTreeMap<String, String> = report["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap().to_owned(), file["reason"].as_str().unwrap().to_owned()))
        .collect();
    assert!(skipped.values().all(|reason| !reason.is_empty()));
    let mut expected: Vec<_> = files(&data)
        .into_iter()
        .filter(|(name, _)| !skipped.contains_key(name))
        .map(|(name, bytes)| unpacked(&name, &bytes))
        .collect();
    expected.sort();

    stdout(lab.admin().args(["download", "lab/Archive", "-o"]).arg(lab.path("out")));
    assert!(members(&lab.path("out")) == expected, "the bytes that came back are not those that were sent");

    // Again: nothing is new.
    let again = json(lab.admin().args(["import", "dicom"]).arg(&data).arg("lab/Archive"));
    assert!(
        again["series"].as_array().unwrap().iter().all(|series| series["outcome"] == "unchanged"),
        "{again}"
    );
    assert_eq!(again["created"], serde_json::json!({ "subjects": 0, "sessions": 0, "acquisitions": 0 }));
}

#[test]
fn headers_become_metadata_of_containers_and_files() {
    let Some(data) = data() else { return };
    let lab = Lab::new();
    stdout(lab.admin().args(["import", "dicom"]).arg(data.join("siemens_dwi")).args([
        "lab/Dwi",
        "--timezone",
        "Europe/Berlin",
    ]));
    let (session, file) = lab.run(async |client| {
        let project: flywheel::Project = client.lookup("lab/Dwi").cast().await?;
        let acquisition = project.acquisitions().filter("label=301 - MPRAGE_S2").find_one().await?;
        let session = acquisition.session().await?;
        let file = acquisition.file("301 - MPRAGE_S2.dicom.zip").await?;
        Ok((session, file))
    });
    assert_eq!((session.timezone.as_deref(), session.weight), (Some("Europe/Berlin"), Some(100.0)));
    assert_eq!(session.recorded_at().unwrap().original().unwrap().to_rfc3339(), "2012-03-10T16:30:32+01:00");
    assert_eq!((file.file_type(), file.modality.as_deref()), (Some("dicom"), Some("MR")));
    let classification = serde_json::to_value(&file.classification).unwrap();
    assert_eq!(classification["Measurement"], serde_json::json!(["T1"]));
    let listed = json(lab.admin().args(["ls", "lab/Dwi/R3.2.2 Enhanced Dicom Phantom"]));
    assert_eq!(listed["children"][0]["timestamp"], "2012-03-10T16:30:32+01:00");
    let manufacturer: Option<String> = file.info_at("/header/dicom/Manufacturer").unwrap();
    assert_eq!(manufacturer.as_deref(), Some("Philips Medical Systems"));
}

#[test]
fn a_dry_run_needs_no_site() {
    let Some(data) = data() else { return };
    let lab = Lab::new();
    let plan =
        json(lab.fw().args(["import", "dicom", "--dry-run"]).arg(data.join("charsets")).arg("lab/Any"));
    let labels: Vec<_> = plan["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subject| subject["label"].as_str().unwrap())
        .collect();
    assert!(labels.contains(&"H31EXAMPLE"), "{labels:?}");
}

#[test]
fn archives_and_unreadable_files_are_told_apart() {
    let Some(data) = data() else { return };
    let lab = Lab::new();
    let scans = lab.path("scans");
    fs::create_dir_all(&scans).unwrap();
    let image = fs::read(data.join("single/CT_small.dcm")).unwrap();
    let mut writer = zip::ZipWriter::new(fs::File::create(scans.join("scans.zip")).unwrap());
    for (name, bytes) in
        [("../1.dcm", &image[..]), ("notes.txt", b"no image, and long enough to be read as if it were")]
    {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
    }
    writer.finish().unwrap();
    let archive = fs::read(scans.join("scans.zip")).unwrap();
    fs::write(scans.join("cut.zip"), &archive[..archive.len() / 2]).unwrap();
    fs::write(scans.join("empty.dcm"), b"").unwrap();
    let report = json(lab.admin().args(["import", "dicom"]).arg(&scans).arg("lab/Mixed"));
    let skipped: Vec<&str> =
        report["skipped"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(skipped, ["cut.zip", "empty.dcm", "scans.zip/notes.txt"]);
    stdout(lab.admin().args(["download", "lab/Mixed", "-o"]).arg(lab.path("out")));
    assert!(members(&lab.path("out")) == [image]);
}

#[test]
fn only_what_is_new_or_changed_is_uploaded_again() {
    let Some(data) = data() else { return };
    let lab = Lab::new();
    let scans = lab.path("scans");
    fs::create_dir_all(&scans).unwrap();
    let copy = |name: &str| fs::copy(data.join("single").join(name), scans.join(name)).unwrap();
    copy("MR_small.dcm");
    copy("CT_small.dcm");
    let import = || {
        let report = json(lab.admin().args(["import", "dicom"]).arg(&scans).arg("lab/Growing"));
        let outcome =
            |series: &Json| format!("{} {}", series["modality"], series["outcome"]).replace('"', "");
        report["series"].as_array().unwrap().iter().map(outcome).collect::<Vec<_>>()
    };
    assert_eq!(import(), ["CT uploaded", "MR uploaded"]);
    copy("MR_small_RLE.dcm");
    copy("rtplan.dcm");
    assert_eq!(import(), ["CT unchanged", "MR uploaded", "RTPLAN uploaded"]);
}

#[test]
fn a_wrong_project_or_folder_is_told_before_anything_is_read() {
    let lab = Lab::new();
    let folder = lab.folder.path();
    assert_eq!(failure(lab.admin().args(["import", "dicom"]).arg(folder).arg("lab")).0, 2);
    assert_eq!(failure(lab.admin().args(["import", "dicom"]).arg(folder.join("none")).arg("lab/x")).0, 4);
    assert_eq!(
        failure(lab.admin().args(["import", "dicom", "--timezone", "Mars/Base"]).arg(folder).arg("lab/x")).0,
        2
    );
    let (code, text) = failure(
        lab.fw().env("FLYWHEEL_API_KEY", lab.guest()).args(["import", "dicom"]).arg(folder).arg("other/x"),
    );
    assert_eq!(code, 5, "{text}");
}
