//! A tour of what can be written on things: files, tags, notes, free metadata, classification, permissions, who may run a gear.
//!
//! ```text
//! cargo run -p flywheel-sdk --example metadata_tour
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Source, gear::Permitted};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let mut project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    let mut session = project.add_subject("sub-01").await?.add_session("baseline").await?;
    let scan = session.add_acquisition("T1w").await?;

    let mut files = scan
        .upload_all([
            Source::bytes("t1.nii.gz", "pretend this is a volume"),
            Source::bytes("notes.txt", "calm"),
        ])
        .await?;
    files.sort_by(|one, other| one.name().cmp(other.name()));
    for file in &files {
        let kind = file.file_type().unwrap_or("unknown");
        writeln!(out, "file {} ({kind}, {} bytes)", file.name(), file.size())?;
    }

    let mut volume = scan.file("t1.nii.gz").await?;
    volume.update().modality("MR").await?;
    volume.classification().add([("Intent", ["Structural"]), ("Measurement", ["T1"])]).await?;
    writeln!(out, "classification {}", json!(volume.classification))?;

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

    fw.add_user("jo@example.org").set("firstname", "Jo").set("lastname", "Doe").await?;
    project.permissions().add("jo@example.org", ["read-only"]).await?;
    let permission = project.permissions().get("jo@example.org").await?;
    for id in permission.role_ids.unwrap_or_default() {
        let role = fw.roles().get(&id).await?;
        writeln!(out, "permission of jo@example.org: {}", role.label())?;
    }

    let gear = fw
        .add_gear(json!({
            "name": "smooth", "label": "Smooth", "description": "Smooths an image.", "version": "1.0.0",
            "author": "Jo", "license": "MIT", "url": "", "source": "", "config": {}, "inputs": {},
        }))
        .await?;
    gear.access().restrict(true).await?;
    let series = gear.access().add(Permitted::Users, "jo@example.org").await?;
    let users = series.permissions.and_then(|permissions| permissions.users).unwrap_or_default();
    writeln!(out, "gear {} is open to {}", gear.name(), users.join(", "))?;
    Ok(())
}
