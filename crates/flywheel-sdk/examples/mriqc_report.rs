//! Reports what the quality gear measured on each scan of a project as CSV, kept with the project, and tags the scans that
//! are not good enough.
//!
//! ```text
//! cargo run -p flywheel-sdk --example mriqc_report
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, Project, Source, field};
use futures::TryStreamExt;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Color Study").cast().await?;

    let mut report = csv::Writer::from_writer(Vec::new());
    report.write_record(["subject", "session", "acquisition", "SNR", "mean FD"])?;
    let mut sessions = project.sessions().sort("created").iter();
    while let Some(session) = sessions.try_next().await? {
        let subject = session.subject().await?;
        for mut scan in session.acquisitions().sort("label").full().await? {
            let Some(quality) = scan.loaded_files().into_iter().find(|file| file.name().contains("mriqc"))
            else {
                continue;
            };
            let measurements = quality.classification.as_ref().and_then(|words| words.get("Measurement"));
            let measures = |word: &str| measurements.is_some_and(|words| words.iter().any(|w| w == word));
            // Functional scans have a framewise displacement; structural ones have a signal over all tissues.
            let (snr, least, displacement) = if measures("T2*") {
                (quality.info_at::<f64>("/snr")?, 1.0, quality.info_at::<f64>("/fd_mean")?)
            } else if measures("T1") {
                (quality.info_at::<f64>("/snr_total")?, 6.0, None)
            } else {
                continue;
            };
            let mut tags = Vec::new();
            if snr.is_some_and(|snr| snr < least) {
                tags.push("bad-snr");
            }
            if displacement.is_some_and(|mean| mean > 2.5) {
                tags.push("bad-fd");
            }
            if !tags.is_empty() {
                scan.tags().add(tags).await?;
            }
            let cell = |value: Option<f64>| value.map_or("NA".to_owned(), |value| format!("{value:.2}"));
            let row = [subject.label(), session.label(), scan.label(), &cell(snr), &cell(displacement)];
            report.write_record(row)?;
        }
    }
    let file = project.upload(Source::bytes("qc_report.csv", report.into_inner()?)).await?;
    out.push_str(&String::from_utf8(file.download().bytes().await?.to_vec())?);

    for tag in ["bad-snr", "bad-fd"] {
        writeln!(out, "\nTagged {tag}")?;
        for scan in project.acquisitions().filter(field("tags").eq(tag)).sort("created").await? {
            writeln!(out, "  {} {}", scan.subject().await?.label(), scan.label())?;
        }
    }
    Ok(())
}

/// A good subject, and one whose scans are noisy and full of motion.
async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    for (label, total, snr, motion) in [("sub-01", 11.2, 4.8, 0.21), ("sub-02", 4.9, 0.7, 3.06)] {
        let session = project.add_subject(label).await?.add_session("Session 1").await?;
        for (scan, measurement, info) in [
            ("T1w", "T1", json!({"snr_total": total})),
            ("bold", "T2*", json!({"snr": snr, "fd_mean": motion})),
        ] {
            let acquisition = session.add_acquisition(scan).await?;
            acquisition.upload(Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume")).await?;
            let name = format!("{label}_{scan}_mriqc.html");
            let mut file = acquisition.upload(Source::bytes(name, "<p>pretend this is a report</p>")).await?;
            file.classification().modality("MR").add([("Measurement", [measurement])]).await?;
            file.info().merge(info).await?;
        }
    }
    Ok(())
}
