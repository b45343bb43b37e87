//! Launches a reconstruction for each subject with all the structural scans there are: up to five T1 and one T2, most of which
//! are optional inputs of the gear.
//!
//! ```text
//! cargo run -p flywheel-sdk --example launch_gear
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, Gear, Project, Source, field};
use futures::TryStreamExt;
use serde_json::{Map, json};

/// The inputs for T1 scans, in the order in which they are filled.
const T1: [&str; 5] =
    ["anatomical", "t1w_anatomical_2", "t1w_anatomical_3", "t1w_anatomical_4", "t1w_anatomical_5"];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Color Study").cast().await?;
    let gear: Gear = fw.lookup("gears/recon-all").cast().await?;

    let mut subjects = project.subjects().sort("label").iter();
    while let Some(subject) = subjects.try_next().await? {
        let scans = |kind: &str| {
            let wanted = field("type").eq("nifti") & field("classification.Measurement").eq(kind);
            subject.all_files().filter(wanted & field("classification.Intent").eq("Structural")).sort("name")
        };
        let (t1, t2) = (scans("T1").limit(T1.len()).await?, scans("T2").limit(1).await?);
        if t1.is_empty() {
            writeln!(out, "{}: no T1, not launched", subject.label())?;
            continue;
        }
        let mut launch = gear.invoke().destination(&subject).label("Reconstruction").tag("night");
        launch = launch.config("license", "of the lab");
        for (input, file) in T1.into_iter().zip(&t1).chain(["t2w_anatomical"].into_iter().zip(&t2)) {
            launch = launch.input(input, file);
        }
        let job = launch.run().await?.job().await?.ok_or("every run has a job")?;
        let state = job.state().map_or("unknown", |state| state.as_str());
        writeln!(out, "{}: {} {state}", subject.label(), job.gear_name())?;
        for (input, file) in job.inputs.iter().flatten() {
            writeln!(out, "  {input:<18} {}", file.name.as_deref().unwrap_or_default())?;
        }
        writeln!(out, "  with {}", json!(job.config.as_ref().and_then(|config| config.config.as_ref())))?;
    }
    Ok(())
}

/// A gear with one required and five optional inputs, and subjects with some of the scans it takes.
async fn fill(fw: &Client) -> Result<(), Failure> {
    let mut inputs = Map::new();
    for name in T1.into_iter().chain(["t2w_anatomical"]) {
        let optional = name != "anatomical";
        inputs.insert(
            name.to_owned(),
            json!({"base": "file", "type": {"enum": ["nifti"]}, "optional": optional}),
        );
    }
    fw.add_gear(json!({"category": "analysis", "gear": {
        "name": "recon-all", "label": "Reconstruction", "description": "Finds surfaces.", "version": "1.0.0",
        "author": "Jo", "license": "MIT", "url": "", "source": "", "inputs": inputs,
        "config": {"license": {"type": "string"}, "hemispheres": {"type": "string", "default": "both"}},
    }, "exchange": {"git-commit": "local", "rootfs-hash": "sha384:0", "rootfs-url": "docker://none"}}))
        .await?;
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    for (label, scans) in [
        ("sub-01", &[("T1w", "T1"), ("T1w_again", "T1"), ("T2w", "T2")][..]),
        ("sub-02", &[("T1w", "T1")]),
        ("sub-03", &[("T2w", "T2")]),
        (
            "sub-04",
            &[
                ("T1w", "T1"),
                ("T1w_2", "T1"),
                ("T1w_3", "T1"),
                ("T1w_4", "T1"),
                ("T1w_5", "T1"),
                ("T1w_6", "T1"),
            ],
        ),
    ] {
        let session = project.add_subject(label).await?.add_session("baseline").await?;
        for (scan, measurement) in scans {
            let acquisition = session.add_acquisition(*scan).await?;
            let volume = Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume");
            let mut file = acquisition.upload(volume).await?;
            file.update().modality("MR").await?;
            file.classification()
                .replace([("Measurement", [*measurement]), ("Intent", ["Structural"])])
                .await?;
        }
    }
    Ok(())
}
