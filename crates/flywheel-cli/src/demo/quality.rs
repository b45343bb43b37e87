//! The quality report: a table of measures, with a flag on every scan that is not good enough.

use std::path::Path;

use serde::Serialize;
use serde_json::Value as Json;

use crate::printer::{Cell, Table, Tone};

/// Below this, noise hides activation.
const LEAST_FUNCTIONAL_SNR: f64 = 1.0;
/// Mean framewise displacement above which a run is lost to motion. Millimetres.
const MOST_DISPLACEMENT: f64 = 2.5;
/// Below this, tissue borders cannot be told apart.
const LEAST_ANATOMICAL_SNR: f64 = 6.0;

/// The measures of one acquisition and what they say of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Assessment {
    pub(crate) subject: String,
    pub(crate) session: String,
    pub(crate) acquisition: String,
    pub(crate) file: String,
    /// What the scan measures, such as T1 or T2*.
    pub(crate) measurement: String,
    pub(crate) snr: Option<f64>,
    /// Mean framewise displacement in millimetres; functional runs only.
    pub(crate) mean_fd: Option<f64>,
    /// Tags that the acquisition should get.
    #[serde(serialize_with = "joined")]
    pub(crate) flags: Vec<&'static str>,
}

fn joined<S: serde::Serializer>(flags: &[&str], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&flags.join(" "))
}

/// Measures and flags.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Measures {
    pub(crate) snr: Option<f64>,
    pub(crate) mean_fd: Option<f64>,
    pub(crate) flags: Vec<&'static str>,
}

/// Judges the measures in a file's `info` by what the scan measures. `None` where there are no rules for it.
pub(crate) fn judge(measurement: &[String], info: &Json) -> Option<Measures> {
    let number = |key: &str| info.get(key).and_then(Json::as_f64);
    let has = |value: &str| measurement.iter().any(|own| own == value);
    let mut measures = Measures::default();
    if has("T2*") {
        measures.snr = number("snr");
        measures.mean_fd = number("fd_mean");
        measures.flag("qc-low-snr", measures.snr.is_some_and(|snr| snr < LEAST_FUNCTIONAL_SNR));
        measures.flag("qc-motion", measures.mean_fd.is_some_and(|fd| fd > MOST_DISPLACEMENT));
    } else if has("T1") {
        measures.snr = number("snr_total");
        measures.flag("qc-low-snr", measures.snr.is_some_and(|snr| snr < LEAST_ANATOMICAL_SNR));
    } else {
        return None;
    }
    Some(measures)
}

impl Measures {
    fn flag(&mut self, flag: &'static str, raised: bool) {
        if raised {
            self.flags.push(flag);
        }
    }
}

/// All assessments; flagged ones stand out.
pub(crate) fn table(assessments: &[Assessment]) -> Table {
    let mut table = Table::report(["Subject", "Session", "Acquisition", "Scan", "SNR", "Mean FD", "Flags"])
        .numeric([4, 5]);
    let shown = |value: Option<f64>| value.map_or("NA".to_owned(), |value| format!("{value:.2}"));
    for row in assessments {
        let tone = if row.flags.is_empty() { Tone::Plain } else { Tone::Bad };
        let verdict = if row.flags.is_empty() { "ok".to_owned() } else { row.flags.join(" ") };
        let texts = [&row.subject, &row.session, &row.acquisition, &row.measurement];
        let numbers = [shown(row.snr), shown(row.mean_fd), verdict];
        table.row(texts.into_iter().cloned().chain(numbers).map(|text| Cell::toned(text, tone)));
    }
    table
}

/// # Errors
/// The file cannot be written.
pub(crate) fn save(assessments: &[Assessment], path: &Path) -> csv::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    for row in assessments {
        writer.serialize(row)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn flags(measurement: &[&str], info: Json) -> Option<Vec<&'static str>> {
        let measurement: Vec<_> = measurement.iter().map(ToString::to_string).collect();
        judge(&measurement, &info).map(|measures| measures.flags)
    }

    #[test]
    fn each_kind_of_scan_has_its_own_bounds() {
        assert_eq!(
            flags(&["T2*", "BOLD"], json!({"snr": 0.9, "fd_mean": 2.6})).unwrap(),
            ["qc-low-snr", "qc-motion"]
        );
        assert!(flags(&["T2*"], json!({"snr": 5.0, "fd_mean": 2.5})).unwrap().is_empty());
        assert_eq!(flags(&["T1"], json!({"snr_total": 5.9})).unwrap(), ["qc-low-snr"]);
        assert!(flags(&["T1"], json!({"snr": 0.1})).unwrap().is_empty());
        assert_eq!(flags(&["T2"], json!({"snr": 0.1})), None);
    }
}
