//! Curates a collection by one query: structural T1 scans of people in their twenties, without the reference scans.
//!
//! ```text
//! cargo run -p flywheel-sdk --example curate_by_query
//! ```
//!
//! The same with finders is the example `curate_by_finders`; for many decades at once, `collections_by_decade`.

mod common;
#[path = "common/scans.rs"]
mod scans;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Age, Kind, search::field};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    let people = [("sub-01", 23.4), ("sub-02", 28.0), ("sub-03", 30.0), ("sub-04", 19.9)];
    scans::fill(&project, &people).await?;

    let [from, to] = [20.0, 30.0].map(|years| Age::from_years(years).seconds());
    let query = field("session.age").gte(from)
        & field("session.age").lt(to)
        & field("file.classification.Measurement").eq("T1")
        & field("file.classification.Intent").eq("Structural")
        & !field("acquisition.label").contains("SBRef");
    writeln!(out, "{query}")?;

    let search = fw.search(query);
    let found = search.find_hits(Kind::Acquisition).await?;
    writeln!(out, "Matching acquisitions: {}", found.len())?;
    if found.is_empty() {
        return Ok(());
    }

    let collection = fw.add_collection("Structural, twenties").await?;
    search.add_to(&collection, Kind::Acquisition).await?;
    writeln!(out, "\n{}", collection.label())?;
    for scan in collection.acquisitions().sort("created").await? {
        writeln!(out, "  {} {}", scan.subject().await?.label(), scan.label())?;
    }
    Ok(())
}
