//! Reports what the quality gear measured on each scan of a project, and tags the scans that are not good enough.
//!
//! ```text
//! cargo run -p flywheel-sdk --example mriqc_report
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, Project, Source, field};
use futures::TryStreamExt;
use serde_json::{Value, json};

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
        for scan in session.acquisitions().sort("label").full().await? {
            let Some(mut quality) =
                scan.loaded_files().into_iter().find(|file| file.name().contains("mriqc"))
            else {
                continue;
            };
            // Functional scans have a framewise displacement; structural ones have a signal over all tissues.
            let measure =
                |key: &str| quality.info.as_ref().and_then(|info| info.get(key)).and_then(Value::as_f64);
            let displacement = measure("fd_mean");
            let (snr, least) = if displacement.is_some() { ("snr", 1.0) } else { ("snr_total", 6.0) };
            let snr = measure(snr);
            let mut tags = Vec::new();
            if snr.is_some_and(|snr| snr < least) {
                tags.push("bad-snr");
            }
            if displacement.is_some_and(|mean| mean > 2.5) {
                tags.push("bad-fd");
            }
            if !tags.is_empty() {
                quality.tags().add(tags).await?;
            }
            let cell = |value: Option<f64>| value.map_or("NA".to_owned(), |value| format!("{value:.2}"));
            let row = [subject.label(), session.label(), scan.label(), &cell(snr), &cell(displacement)];
            report.write_record(row)?;
        }
    }
    out.push_str(&String::from_utf8(report.into_inner()?)?);

    for tag in ["bad-snr", "bad-fd"] {
        writeln!(out, "\nTagged {tag}")?;
        for file in project.all_files().filter(field("tags").eq(tag)).sort("name").await? {
            writeln!(out, "  {}", file.name())?;
        }
    }
    Ok(())
}

/// A good subject, and one whose scans are noisy and full of motion.
async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    for (label, total, snr, motion) in [("sub-01", 11.2, 4.8, 0.21), ("sub-02", 4.9, 0.7, 3.06)] {
        let session = project.add_subject(label).await?.add_session("Session 1").await?;
        for (scan, info) in
            [("T1w", json!({"snr_total": total})), ("bold", json!({"snr": snr, "fd_mean": motion}))]
        {
            let acquisition = session.add_acquisition(scan).await?;
            acquisition.upload(Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume")).await?;
            let name = format!("{label}_{scan}_mriqc.html");
            let mut file = acquisition.upload(Source::bytes(name, "<p>pretend this is a report</p>")).await?;
            file.info().merge(info).await?;
        }
    }
    Ok(())
}
