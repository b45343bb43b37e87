//! Curates a collection with finders: structural T1 scans of people in their twenties, without the reference scans.
//!
//! ```text
//! cargo run -p flywheel-sdk --example curate_by_finders
//! ```
//!
//! The same by one query is the example `curate_by_query`.

mod common;
#[path = "common/scans.rs"]
mod scans;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Age, field};
use futures::TryStreamExt;

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
    let twenties = fw.sessions().filter(field("age").gte(from) & field("age").lt(to)).sort("age");
    writeln!(out, "Matching sessions: {}", twenties.count().await?)?;

    let mut matching = Vec::new();
    let mut sessions = twenties.iter();
    while let Some(session) = sessions.try_next().await? {
        // What a list of acquisitions says of their files is enough.
        let scans = session.acquisitions().sort("label").await?;
        matching.extend(scans.into_iter().filter(|scan| {
            !scan.label().contains("SBRef")
                && scan.loaded_files().iter().any(|file| {
                    let has = |aspect: &str, word: &str| {
                        let values = file.classification.as_ref().and_then(|all| all.get(aspect));
                        values.is_some_and(|values| values.iter().any(|value| value == word))
                    };
                    has("Measurement", "T1") && has("Intent", "Structural")
                })
        }));
    }
    writeln!(out, "Matching acquisitions: {}", matching.len())?;
    if matching.is_empty() {
        return Ok(());
    }

    let collection = fw.add_collection("Structural, twenties").await?;
    collection.add_acquisitions(&matching).await?;
    writeln!(out, "\n{}", collection.label())?;
    for scan in collection.acquisitions().sort("created").await? {
        writeln!(out, "  {} {}", scan.subject().await?.label(), scan.label())?;
    }
    Ok(())
}
