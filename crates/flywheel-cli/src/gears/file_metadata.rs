//! The gear `file-metadata`: what the header of a DICOM or NIfTI file says, as metadata of the file.

use std::io::Read;

use anyhow::{Context as _, bail};
use dicom_dictionary_std::tags;
use serde_json::{Map, Value as Json, json};
use zip::ZipArchive;

use super::nifti::Nifti;
use super::{Gear, Input};
use crate::dicom::classify::classify_mr;
use crate::dicom::header::Header;
use crate::dicom::info::file_info;

/// Reads the input and describes it.
///
/// # Errors
/// When it is neither, or cannot be read.
pub(super) fn run(gear: &Gear) -> anyhow::Result<()> {
    let input = gear.input("file")?;
    let classify = gear.flag("classify");
    let fields = match input.name.to_lowercase() {
        name if name.ends_with(".nii") || name.ends_with(".nii.gz") => nifti(&input)?,
        _ => dicom(&input, classify)?,
    };
    gear.describe(&input, fields)
}

fn nifti(input: &Input) -> anyhow::Result<Map<String, Json>> {
    let nifti = Nifti::open(&input.path).with_context(|| input.name.clone())?;
    let mut fields = Map::new();
    fields.insert("type".into(), "nifti".into());
    fields.insert("info".into(), json!({"header": {"nifti": nifti.header.info()}}));
    Ok(fields)
}

fn dicom(input: &Input, classify: bool) -> anyhow::Result<Map<String, Json>> {
    let header = first_header(input)?;
    let mut fields = Map::new();
    fields.insert("type".into(), "dicom".into());
    fields.insert("info".into(), file_info(&header.data));
    let modality = header.data.text(tags::MODALITY).filter(|_| classify);
    if let Some(modality) = modality {
        let words = if modality == "MR" { classify_mr(&header.data) } else { Default::default() };
        fields.insert("modality".into(), modality.into());
        if !words.is_empty() {
            fields.insert("classification".into(), json!(words));
        }
    }
    Ok(fields)
}

/// The header of the file, or of the first member of an archive that has one.
fn first_header(input: &Input) -> anyhow::Result<Header> {
    let open = || std::fs::File::open(&input.path).with_context(|| input.path.display().to_string());
    let Ok(mut archive) = ZipArchive::new(std::io::BufReader::new(open()?)) else {
        return Header::read(std::io::BufReader::new(open()?)).with_context(|| input.name.clone());
    };
    for index in 0..archive.len() {
        let member = archive.by_index(index).with_context(|| input.name.clone())?;
        if member.is_dir() {
            continue;
        }
        if let Ok(header) = Header::read(member.take(256 << 20)) {
            return Ok(header);
        }
    }
    bail!("no member of {} is a DICOM object", input.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use dicom_core::VR;

    use super::super::{
        nifti,
        tests::{gear, said},
    };
    use super::*;
    use crate::dicom::header::fixture;

    fn scan() -> Vec<u8> {
        fixture::file(&[
            (tags::MODALITY, VR::CS, "MR"),
            (tags::SERIES_DESCRIPTION, VR::LO, "t1_mprage_sag"),
            (tags::ECHO_TIME, VR::DS, "2.5"),
        ])
    }

    fn describe(name: &str, bytes: &[u8], classify: bool) -> Json {
        let (folder, gear) = gear("file-metadata", "file", name, bytes, json!({"classify": classify}));
        run(&gear).unwrap();
        said(folder.path())
    }

    #[test]
    fn a_dicom_header_becomes_info_modality_and_classification() {
        let said = describe("a.dcm", &scan(), true);
        assert_eq!(
            (&said["name"], &said["type"], &said["modality"]),
            (&json!("a.dcm"), &json!("dicom"), &json!("MR"))
        );
        assert_eq!(said["classification"]["Measurement"], json!(["T1"]));
        assert_eq!(said["info"]["header"]["dicom"]["SeriesDescription"], "t1_mprage_sag");
        assert_eq!(said["info"]["mine"]["kept"], 1);
    }

    #[test]
    fn the_first_object_of_an_archive_stands_for_it() {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in [("README", b"no object".to_vec()), ("1.dcm", scan())] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        let said = describe("a.dicom.zip", archive.finish().unwrap().get_ref(), false);
        assert_eq!(said["info"]["header"]["dicom"]["Modality"], "MR");
        assert_eq!((said.get("modality"), said.get("classification")), (None, None));
    }

    #[test]
    fn a_nifti_header_becomes_info() {
        let bytes = nifti::tests::file(&[4, 4, 2], &[1.0, 1.0, 2.0], &[0; 32], true);
        let said = describe("a.nii", &bytes, true);
        assert_eq!(said["info"]["header"]["nifti"]["shape"], json!([4, 4, 2]));
        assert_eq!(said["info"]["header"]["nifti"]["voxel_size_mm"], json!([1.0, 1.0, 2.0]));
        assert_eq!(said["type"], "nifti");
    }

    #[test]
    fn what_is_no_image_fails_with_its_name() {
        for name in ["a.dcm", "a.nii.gz"] {
            let (_folder, gear) = gear("file-metadata", "file", name, b"text", json!({}));
            assert!(format!("{:#}", run(&gear).unwrap_err()).contains(name));
        }
    }
}
