//! Curates collections by a query: for each decade of age, the structural T1 scans of the whole site, without the short
//! reference scans that look like them.
//!
//! ```text
//! cargo run -p flywheel-sdk --example curate_by_query
//! ```
//!
//! It starts a site of its own in this process and fills it with two small studies first.

mod common;

use std::fmt::Write as _;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use common::Failure;
use flywheel::{Age, Kind, Project, Source, search::field};

/// Scans of each visit: label, measurement, intent.
const SCANS: [(&str, &str, &str); 3] =
    [("T1w", "T1", "Structural"), ("T1w_SBRef", "T1", "Structural"), ("task-rest_bold", "T2*", "Functional")];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let lab = fw.add_group("neuro", "Neuro Lab").await?;
    fill(&lab.add_project("Color Study").await?, &[("sub-01", 23.4), ("sub-02", 28.0), ("sub-03", 41.7)])
        .await?;
    fill(&lab.add_project("Motion Study").await?, &[("m-01", 29.9), ("m-02", 30.1), ("m-03", 66.0)]).await?;

    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["Collection", "Scans", "From"]);
    for decade in [20, 30, 40, 50, 60] {
        let [from, to] = [decade, decade + 10].map(|years| Age::from_years(f64::from(years)).seconds());
        let query = field("session.age").gte(from)
            & field("session.age").lt(to)
            & field("file.classification.Measurement").eq("T1")
            & field("file.classification.Intent").eq("Structural")
            & !field("acquisition.label").contains("SBRef");
        let search = fw.search(query);
        let hits = search.find_hits(Kind::Acquisition).await?;
        if hits.is_empty() {
            continue;
        }
        let collection = fw.add_collection(format!("Structural, age {decade} to {}", decade + 9)).await?;
        let added = search.add_to(&collection, Kind::Acquisition).await?;
        let from: Vec<String> = hits.iter().map(|hit| hit.path()).collect();
        table.add_row([collection.label(), &added.members.to_string(), &from.join("\n")]);
    }
    writeln!(out, "{table}")?;
    Ok(())
}

/// A visit with all scans for each subject, of an age in years.
async fn fill(project: &Project, subjects: &[(&str, f64)]) -> Result<(), Failure> {
    for (label, years) in subjects {
        let subject = project.add_subject(*label).await?;
        let session = subject.add_session("baseline").age(Age::from_years(*years).seconds()).await?;
        for (scan, measurement, intent) in SCANS {
            let acquisition = session.add_acquisition(scan).await?;
            let volume = Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume");
            let mut file = acquisition.upload(volume).await?;
            file.update().modality("MR").await?;
            file.classification().replace([("Measurement", [measurement]), ("Intent", [intent])]).await?;
        }
    }
    Ok(())
}
