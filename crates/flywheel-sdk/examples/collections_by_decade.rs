//! Makes many collections by queries: for each decade of age, the structural scans and the functional scans of the whole
//! site, without the short reference scans that look like them.
//!
//! ```text
//! cargo run -p flywheel-sdk --example collections_by_decade
//! ```

mod common;
#[path = "common/scans.rs"]
mod scans;

use std::fmt::Write as _;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use common::Failure;
use flywheel::{Age, Kind};

/// What the scans are for, and how they measure it.
const SORTS: [(&str, &str); 2] = [("Structural", r#""T1""#), ("Functional", r#""T2*", "BOLD""#)];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let lab = fw.add_group("neuro", "Neuro Lab").await?;
    let people = [("sub-01", 23.4), ("sub-02", 28.0), ("sub-03", 41.7)];
    scans::fill(&lab.add_project("Color Study").await?, &people).await?;
    let people = [("m-01", 29.9), ("m-02", 30.1), ("m-03", 66.0)];
    scans::fill(&lab.add_project("Motion Study").await?, &people).await?;

    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["Collection", "Scans", "From"]);
    for decade in [20, 30, 40, 50, 60] {
        let [from, to] = [decade, decade + 10].map(|years| Age::from_years(f64::from(years)).seconds());
        for (intent, measurements) in SORTS {
            let query = format!(
                "session.age >= {from} AND session.age < {to} \
                 AND file.classification.Measurement IN [{measurements}] \
                 AND file.classification.Intent = {intent} AND NOT acquisition.label CONTAINS SBRef"
            );
            // All data of the site, not only what the caller was let into, as administrators may.
            let search = fw.search(query).all_data(true);
            let hits = search.find_hits(Kind::Acquisition).await?;
            if hits.is_empty() {
                continue;
            }
            let collection = fw.add_collection(format!("{intent}, age {decade} to {}", decade + 9)).await?;
            let added = search.add_to(&collection, Kind::Acquisition).await?;
            let from: Vec<String> = hits.iter().map(|hit| hit.path()).collect();
            table.add_row([collection.label(), &added.members.to_string(), &from.join("\n")]);
        }
    }
    writeln!(out, "{table}")?;
    Ok(())
}
