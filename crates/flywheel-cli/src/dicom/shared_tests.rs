//! The real DICOM files of the shared data folder, in full.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::header::Header;
use super::pack::pack;
use super::plan::Plan;
use super::scan::scan;
use crate::demo::random::Random;

/// The folder, or nothing with a word about it where the data is not at hand.
fn data() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dicom");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn plan(folder: &str) -> Option<Plan> {
    Some(scan(&data()?.join(folder), 2, &|_, _| {}).plan(chrono_tz::UTC))
}

#[test]
fn names_of_every_character_set_are_decoded() {
    let Some(plan) = plan("charsets") else { return };
    let names: BTreeMap<_, _> = plan
        .subjects
        .iter()
        .filter_map(|subject| {
            let name =
                [subject.lastname.as_deref(), subject.firstname.as_deref()].map(Option::unwrap_or_default);
            Some((subject.label.as_str(), name.join(" ").trim().to_owned()))
                .filter(|(_, name)| !name.is_empty())
        })
        .collect();
    let expected = [
        ("2008-3", "김희중"),
        ("2008-4", "やまだ たろう"),
        ("H31EXAMPLE", "Yamada Tarou"),
        ("H32EXAMPLE", "ﾔﾏﾀﾞ ﾀﾛｳ"),
        ("I2EXAMPLE", "Hong Gildong"),
        ("SCSARAB", "قباني لنزار"),
        ("SCSFREN", "Buc Jérôme"),
        ("SCSGERM", "Äneas Rüdiger"),
        ("SCSGREEK", "Διονυσιος"),
        ("SCSHBRW", "שרון דבורה"),
        ("SCSRUSS", "Люкceмбypг"),
        ("X1EXAMPLE", "Wang XiaoDong"),
        ("X2EXAMPLE", "Wang XiaoDong"),
    ];
    assert_eq!(names, expected.into_iter().map(|(id, name)| (id, name.to_owned())).collect());
}

#[test]
fn ideographic_groups_of_a_name_arrive_in_the_header_fields() {
    let Some(plan) = plan("charsets") else { return };
    let name = |label: &str| {
        let subject = plan.subjects.iter().find(|subject| subject.label == label).unwrap();
        subject.sessions[0].acquisitions[0].file.info["header"]["dicom"]["PatientName"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(name("H31EXAMPLE"), "Yamada^Tarou=山田^太郎=やまだ^たろう");
    assert_eq!(name("H32EXAMPLE"), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
    assert_eq!(name("I2EXAMPLE"), "Hong^Gildong=洪^吉洞=홍^길동");
    assert_eq!(name("X1EXAMPLE"), "Wang^XiaoDong=王^小東=");
    assert_eq!(name("X2EXAMPLE"), "Wang^XiaoDong=王^小东=");
}

#[test]
fn every_file_is_packed_or_named_with_its_reason() {
    let Some(plan) = plan("") else { return };
    let temporary = tempfile::tempdir().unwrap();
    let mut packed = 0;
    for subject in &plan.subjects {
        for acquisition in subject.sessions.iter().flat_map(|session| &session.acquisitions) {
            let archive = pack(&acquisition.file.members, temporary.path()).unwrap();
            assert_eq!(archive.skipped, []);
            packed += archive.count;
        }
    }
    let files = walkdir::WalkDir::new(data().unwrap())
        .into_iter()
        .filter(|e| e.as_ref().unwrap().file_type().is_file());
    assert_eq!(packed as usize + plan.skipped.len(), files.count());
    assert!(plan.skipped.iter().all(|skipped| !skipped.reason.is_empty()));
    insta::assert_json_snapshot!("skipped_and_notes", (&plan.skipped, &plan.notes));
}

#[test]
fn damaged_copies_of_real_files_never_panic() {
    let Some(folder) = data() else { return };
    let mut random = Random::seeded(2024);
    for entry in
        walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file())
    {
        let whole = std::fs::read(entry.path()).unwrap();
        // What follows the first kilobytes is pixel data, which is not read.
        let whole = &whole[..whole.len().min(8 * 1024)];
        for _ in 0..20 {
            let mut bytes = whole[..random.below(whole.len() + 1)].to_vec();
            for _ in 0..random.below(6) {
                let at = random.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
            let _ = Header::read(&bytes[..]);
        }
    }
}
