//! The report of incomplete series: DICOM headers say how many images there should be.

use serde::Serialize;
use serde_json::Value as Json;

use crate::printer::{Cell, Table, Tone};

/// The tag of acquisitions whose series lacks images.
pub(crate) const INCOMPLETE: &str = "qc-incomplete";

/// The archive of one series, and how many images its header announces.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Count {
    pub(crate) subject: String,
    pub(crate) session: String,
    pub(crate) acquisition: String,
    pub(crate) images: u64,
    pub(crate) announced: u64,
}

impl Count {
    pub(crate) fn is_complete(&self) -> bool {
        self.images >= self.announced
    }
}

/// How many images the header of a series announces, where it does.
pub(crate) fn announced(info: &Json) -> Option<u64> {
    info.pointer("/header/dicom/ImagesInAcquisition")?.as_u64().filter(|count| *count > 0)
}

pub(crate) fn table(counts: &[Count]) -> Table {
    let mut table =
        Table::report(["Subject", "Session", "Acquisition", "Images", "Announced", "Flags"]).numeric([3, 4]);
    for row in counts {
        let (flag, tone) = if row.is_complete() { ("ok", Tone::Plain) } else { (INCOMPLETE, Tone::Bad) };
        let texts = [&row.subject, &row.session, &row.acquisition].map(ToString::to_string);
        let cells =
            texts.into_iter().chain([row.images.to_string(), row.announced.to_string(), flag.to_owned()]);
        table.row(cells.map(|text| Cell::toned(text, tone)));
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_positive_number_announces_images() {
        let of = |value: Json| announced(&json!({ "header": { "dicom": { "ImagesInAcquisition": value } } }));
        assert_eq!((of(json!(12)), of(json!(0)), of(json!("x"))), (Some(12), None, None));
        assert_eq!(announced(&json!({})), None);
    }
}
