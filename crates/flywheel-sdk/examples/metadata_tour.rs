//! A tour of what can be written on things, containers and files: classification, tags, notes, free metadata, times.
//!
//! ```text
//! cargo run -p flywheel-sdk --example metadata_tour
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::Source;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    let mut session = project.add_subject("sub-01").await?.add_session("baseline").await?;
    let scan = session.add_acquisition("T1w").await?;

    // The words that scans of a modality are classified with, and those anybody may choose.
    for (aspect, words) in fw.modalities().get("MR").await?.words() {
        writeln!(out, "MR {aspect}: {} words", words.len())?;
    }
    let mut volume = scan.upload(Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
    volume.update().modality("MR").await?;
    volume.classification().add([("Intent", ["Structural"]), ("Measurement", ["T1"])]).await?;
    volume.classification().add([("Custom", ["read twice", "odd"])]).await?;
    volume.classification().delete([("Custom", ["odd"])]).await?;
    writeln!(out, "classification {}", json!(volume.classification))?;

    volume.info().merge(json!({"EchoTime": 2.9, "rows": 256})).await?;
    volume.info().delete(["rows"]).await?;
    volume.tags().set(["reviewed", "sharp"]).await?;
    writeln!(out, "of the file: info {}, tags {}", json!(volume.info), json!(volume.tags))?;

    session.tags().add(["qc-pas", "first"]).await?;
    session.tags().rename("qc-pas", "qc-pass").await?;
    session.tags().remove(["first"]).await?;
    writeln!(out, "tags {:?}", session.tags.clone().unwrap_or_default())?;

    let note = session.notes().add("Moved in run 2.").await?;
    session.notes().update(note.id.unwrap_or_default(), "Moved in run 3.").await?;
    for note in session.notes.iter().flatten() {
        writeln!(out, "note {}", note.text.as_deref().unwrap_or_default())?;
    }

    session.info().merge(json!({"qc": {"snr": 12.5, "rater": "Jo"}, "draft": true})).await?;
    session.info().delete(["draft"]).await?;
    writeln!(
        out,
        "info {}, of which the SNR is {}",
        json!(session.info),
        session.info_at::<f64>("/qc/snr")?.unwrap_or_default()
    )?;
    session.info().replace(json!({"splines": 34})).await?;
    writeln!(out, "info {}", json!(session.info))?;

    session.update().set("timestamp", "2020-06-01T13:00:21Z").set("timezone", "Europe/Berlin").await?;
    if let Some(moment) = session.recorded_at() {
        writeln!(
            out,
            "scanned at {} UTC, {} on the scanner's clock",
            moment.utc().time(),
            moment.original()?.time()
        )?;
    }
    Ok(())
}
