//! Reads what a segmentation left in its CSV files, over all sessions of a project, through one data view: volumes of brain
//! regions beside the age at the visit, and their means by sex, which the site works out.
//!
//! ```text
//! cargo run -p flywheel-sdk --example read_csv_results
//! ```
//!
//! It starts a site of its own in this process and fills it with a small study first.

mod common;

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use common::Failure;
use flywheel::{
    Age, Kind, Project, Source, View,
    view::{Accumulator, Column, ColumnType, Match},
};
use futures::TryStreamExt;
use serde::Deserialize;

/// A row of the view, as this program wants it.
#[derive(Deserialize)]
struct Row {
    subject: String,
    age: Option<f64>,
    region: String,
    volume: f64,
}

/// A row of the view of means.
#[derive(Deserialize)]
struct Mean {
    sex: String,
    region: String,
    scans: u64,
    volume: f64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Aging Study").await?;
    fill(&project).await?;

    let volume = || Column::new("file_data.volume_mm3").named("volume").typed(ColumnType::Float);
    let rows = View::builder()
        .column(Column::new("subject.label").named("subject"))
        .column(Column::new("session.age_years").named("age"))
        .column(Column::new("file_data.region").named("region"))
        .column(volume())
        .files(Kind::Session, "volumes.csv")
        .analysis_label("segmentation*")
        // Of several runs on one session, the newest counts.
        .file_match(Match::Newest)
        .include_ids(false)
        .include_labels(false)
        .error_column(false)
        .build()?;
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["Subject", "Age", "Region", "Volume (mm³)"]);
    align_right(&mut table, &[1, 3]);
    let mut found = fw.views().run(&rows, &project).rows::<Row>();
    while let Some(row) = found.try_next().await? {
        let age = row.age.map(|age| format!("{age:.1}")).unwrap_or_default();
        table.add_row([row.subject, age, row.region, format!("{:.0}", row.volume)]);
    }
    writeln!(out, "{table}\n")?;

    let means = View::builder()
        .group_by(flywheel::view::GroupColumn::new("subject.sex").named("sex"))
        .group_by(flywheel::view::GroupColumn::new("file_data.region").named("region"))
        .column(Column::new("file_data.region").named("scans").accumulated(Accumulator::Count))
        .column(volume().accumulated(Accumulator::Mean))
        .files(Kind::Session, "volumes.csv")
        .analysis_label("segmentation*")
        .file_match(Match::Newest)
        .build()?;
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["Sex", "Region", "Scans", "Mean volume (mm³)"]);
    align_right(&mut table, &[2, 3]);
    let found: Vec<Mean> = fw.views().run(&means, &project).rows().try_collect().await?;
    for mean in found {
        table.add_row([mean.sex, mean.region, mean.scans.to_string(), format!("{:.0}", mean.volume)]);
    }
    writeln!(out, "{table}")?;
    Ok(())
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Four people with one visit each, whose segmentation left a table; that of the first was run again.
async fn fill(project: &Project) -> Result<(), Failure> {
    for (n, (sex, years)) in
        [("female", 62.5), ("male", 71.0), ("female", 68.2), ("male", 59.9)].into_iter().enumerate()
    {
        let subject = project.add_subject(format!("sub-{:02}", n + 1)).sex(sex).await?;
        let session = subject.add_session("baseline").age(Age::from_years(years).seconds()).await?;
        let runs: &[f64] = if n == 0 { &[0.5, 1.0] } else { &[1.0] };
        for (run, scale) in runs.iter().enumerate() {
            let analysis = session.add_analysis(format!("segmentation run {}", run + 1)).await?;
            let (left, right) = (4100.0 - 60.0 * n as f64, 4210.0 - 55.0 * n as f64);
            let text = format!(
                "region,volume_mm3\nleft hippocampus,{}\nright hippocampus,{}\n",
                left * scale,
                right * scale
            );
            analysis.upload(Source::bytes("volumes.csv", text)).await?;
        }
    }
    Ok(())
}
