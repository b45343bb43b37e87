//! Runs one data view over every project of a site: echo time, repetition time and flip angle of the functional scans, as
//! one table on the screen and as one file, and as a file for each project.
//!
//! ```text
//! cargo run -p flywheel-sdk --example view_over_projects
//! ```
//!
//! It starts a site of its own in this process and fills it with two small studies first.

mod common;

use std::fmt::Write as _;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use common::Failure;
use flywheel::{
    Kind, Project, Source, View,
    folder::safe_name,
    view::{Column, ColumnType, Match, MissingData},
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let lab = fw.add_group("neuro", "Neuro Lab").await?;
    fill(&lab.add_project("Color Study").await?, 3, 0.030, 2.0).await?;
    fill(&lab.add_project("Motion Study").await?, 2, 0.0295, 1.35).await?;

    let number = |field: &str, name: &str| {
        Column::new(format!("file.info.{field}")).named(name).typed(ColumnType::Float)
    };
    let view = View::builder()
        .label("Functional scan parameters")
        .columns(["subject.label", "session.label", "acquisition.label"])
        .column(number("EchoTime", "Echo time (s)"))
        .column(number("RepetitionTime", "TR (s)"))
        .column(number("FlipAngle", "Flip angle (°)"))
        // Attributes of files, without opening them; scans that lack one are left out.
        .files(Kind::Acquisition, "*bold*.nii.gz")
        .file_match(Match::All)
        .process_files(false)
        .missing_data(MissingData::DropRow)
        .include_ids(false)
        .include_labels(false)
        .build()?;

    let projects = fw.projects().sort("label").await?;
    let run = fw.views().run_over(&view, &projects).origin_column("project");
    let rows = run.table().await?;
    let mut shown = Table::new();
    shown.load_style(UTF8_FULL_CONDENSED).set_header(rows.names());
    for row in rows.objects() {
        shown.add_row(row?.values().map(text));
    }
    writeln!(out, "{shown}")?;

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("scan parameters.csv");
    let bytes = rows.to_path(&path).await?;
    writeln!(out, "{} rows of {} projects, {bytes} bytes of CSV", rows.len(), projects.len())?;

    for project in &projects {
        let path = folder.path().join(safe_name(&format!("{} scan parameters.csv", project.label())));
        fw.views().run(&view, project).to_path(&path).await?;
        let lines = std::fs::read_to_string(&path)?.lines().count();
        writeln!(out, "{}: {lines} lines", path.file_name().unwrap_or_default().display())?;
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Subjects with one visit of an anatomical and two functional scans, the last of which nobody described.
async fn fill(project: &Project, subjects: usize, echo: f64, repetition: f64) -> Result<(), Failure> {
    for n in 1..=subjects {
        let session = project.add_subject(format!("sub-{n:02}")).await?.add_session("baseline").await?;
        for (scan, info) in [
            ("T1w", json!({"EchoTime": 0.003, "RepetitionTime": 2.3, "FlipAngle": 9})),
            ("task-rest_bold", json!({"EchoTime": echo, "RepetitionTime": repetition, "FlipAngle": 77})),
            ("task-faces_bold", json!({"EchoTime": echo})),
        ] {
            let acquisition = session.add_acquisition(scan).await?;
            let volume = Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume");
            let mut file = acquisition.upload(volume).await?;
            file.info().merge(info).await?;
        }
    }
    Ok(())
}
