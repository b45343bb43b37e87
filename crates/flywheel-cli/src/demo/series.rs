//! Synthetic MR series, a file a slice, valid DICOM written with `dicom-object`.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Duration};
use chrono_tz::Tz;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use super::subjects::Row;
use super::volume::Volume;

/// The root of this program's own identifiers: the branch for ids made from numbers without registration.
const UID_ROOT: &str = "2.25.70461903";

/// What a scanner would know of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    pub(crate) number: usize,
    pub(crate) description: &'static str,
    pub(crate) scanning_sequence: &'static str,
    pub(crate) acquisition_type: &'static str,
    /// Milliseconds.
    pub(crate) echo_time: f64,
    /// Milliseconds.
    pub(crate) repetition_time: f64,
}

/// Writes the slices of `volume` as files of `folder`.
///
/// # Errors
/// The folder or a file cannot be written.
pub(crate) fn write(
    folder: &Path,
    row: &Row,
    index: usize,
    zone: Tz,
    protocol: &Protocol,
    volume: &Volume,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let scanned = row.scanned_at(zone)?;
    for slice in 0..volume.shape[2] {
        let instance = format!("{UID_ROOT}.{}.{}.{}", index + 1, protocol.number, slice + 1);
        let mut object = InMemDicomObject::from_element_iter(patient(row, scanned));
        for element in
            series(row, index, protocol, scanned).into_iter().chain(image(volume, slice, &instance))
        {
            object.put(element);
        }
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
            .media_storage_sop_class_uid(uids::MR_IMAGE_STORAGE)
            .media_storage_sop_instance_uid(instance);
        object.with_meta(meta)?.write_to_file(folder.join(format!("IM{:04}.dcm", slice + 1)))?;
    }
    Ok(())
}

type Element = DataElement<InMemDicomObject>;

fn text(tag: Tag, vr: VR, value: impl Into<String>) -> Element {
    DataElement::new(tag, vr, PrimitiveValue::from(value.into()))
}

fn short(tag: Tag, value: u16) -> Element {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

fn patient(row: &Row, scanned: DateTime<Tz>) -> Vec<Element> {
    let born = scanned - Duration::days((row.age * 365.25) as i64);
    let sex = if row.sex == "female" { "F" } else { "M" };
    vec![
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        text(tags::PATIENT_NAME, VR::PN, format!("{}^{}", row.lastname, row.firstname)),
        text(tags::PATIENT_ID, VR::LO, row.id.as_str()),
        text(tags::PATIENT_BIRTH_DATE, VR::DA, born.format("%Y%m%d").to_string()),
        text(tags::PATIENT_SEX, VR::CS, sex),
        text(tags::PATIENT_AGE, VR::AS, format!("{:03}Y", row.age as u32)),
        text(tags::STUDY_DATE, VR::DA, scanned.format("%Y%m%d").to_string()),
        text(tags::STUDY_TIME, VR::TM, scanned.format("%H%M%S").to_string()),
        text(tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, scanned.format("%z").to_string()),
        text(tags::STUDY_DESCRIPTION, VR::LO, "Demonstration"),
    ]
}

fn series(row: &Row, index: usize, protocol: &Protocol, scanned: DateTime<Tz>) -> Vec<Element> {
    let started = scanned + Duration::minutes(5 * protocol.number as i64);
    let study = format!("{UID_ROOT}.{}", index + 1);
    vec![
        text(tags::STUDY_INSTANCE_UID, VR::UI, study.as_str()),
        text(tags::STUDY_ID, VR::SH, row.id.as_str()),
        text(tags::SERIES_INSTANCE_UID, VR::UI, format!("{study}.{}", protocol.number)),
        text(tags::SERIES_NUMBER, VR::IS, protocol.number.to_string()),
        text(tags::SERIES_DESCRIPTION, VR::LO, protocol.description),
        text(tags::PROTOCOL_NAME, VR::LO, protocol.description),
        text(tags::MODALITY, VR::CS, "MR"),
        text(tags::MANUFACTURER, VR::LO, "Synthetic"),
        text(tags::MAGNETIC_FIELD_STRENGTH, VR::DS, "3"),
        text(tags::SERIES_DATE, VR::DA, started.format("%Y%m%d").to_string()),
        text(tags::SERIES_TIME, VR::TM, started.format("%H%M%S").to_string()),
        text(tags::ACQUISITION_DATE, VR::DA, started.format("%Y%m%d").to_string()),
        text(tags::ACQUISITION_TIME, VR::TM, started.format("%H%M%S").to_string()),
        text(tags::SCANNING_SEQUENCE, VR::CS, protocol.scanning_sequence),
        text(tags::SEQUENCE_VARIANT, VR::CS, "NONE"),
        text(tags::MR_ACQUISITION_TYPE, VR::CS, protocol.acquisition_type),
        text(tags::ECHO_TIME, VR::DS, protocol.echo_time.to_string()),
        text(tags::REPETITION_TIME, VR::DS, protocol.repetition_time.to_string()),
    ]
}

fn image(volume: &Volume, slice: usize, instance: &str) -> Vec<Element> {
    let [columns, rows, slices, _] = volume.shape;
    let [width, height, thickness, _] = volume.spacing;
    let voxels: Vec<u16> = volume.slice(slice).iter().map(|&voxel| voxel as u16).collect();
    vec![
        text(tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE),
        text(tags::SOP_INSTANCE_UID, VR::UI, instance),
        text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\M"),
        text(tags::INSTANCE_NUMBER, VR::IS, (slice + 1).to_string()),
        text(tags::IMAGES_IN_ACQUISITION, VR::IS, slices.to_string()),
        text(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("0\\0\\{}", slice as f32 * thickness)),
        text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
        text(tags::PIXEL_SPACING, VR::DS, format!("{height}\\{width}")),
        text(tags::SLICE_THICKNESS, VR::DS, thickness.to_string()),
        short(tags::SAMPLES_PER_PIXEL, 1),
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        short(tags::ROWS, rows as u16),
        short(tags::COLUMNS, columns as u16),
        short(tags::BITS_ALLOCATED, 16),
        short(tags::BITS_STORED, 12),
        short(tags::HIGH_BIT, 11),
        short(tags::PIXEL_REPRESENTATION, 0),
        DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(voxels.into())),
    ]
}
