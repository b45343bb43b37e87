//! Finds the people of a project who are over forty, and how many of them are men and women.
//!
//! ```text
//! cargo run -p flywheel-sdk --example find_by_age
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Age, Client, Project, field};
use futures::TryStreamExt;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Aging Study").cast().await?;
    writeln!(out, "{} subjects total", project.subjects().count().await?)?;

    // This study keeps the age at enrolment, in years, in the free metadata of each subject.
    let over_40 = project.subjects().filter("info.age>40");
    writeln!(out, "{} over 40", over_40.count().await?)?;
    for sex in ["male", "female"] {
        let found =
            over_40.clone().filter(field("info.age").gt(40) & field("sex").eq(sex)).sort("label").await?;
        let labels: Vec<&str> = found.iter().map(|subject| subject.label()).collect();
        writeln!(out, "{} {sex} over 40: {}", found.len(), labels.join(", "))?;
    }

    // The age at each visit is a field of sessions, in seconds.
    let limit = Age::from_years(40.0).seconds();
    let mut visits = project.sessions().filter(field("age").gt(limit)).sort("age").iter();
    writeln!(out, "\nVisits of people over 40, youngest first")?;
    while let Some(visit) = visits.try_next().await? {
        let subject = visit.subject().await?;
        let years = visit.age_years().unwrap_or_default();
        writeln!(out, "{} {:<9} {years:.1} years", subject.label(), visit.label())?;
    }
    Ok(())
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Aging Study").await?;
    for (label, sex, years) in [
        ("sub-01", "male", 39.4),
        ("sub-02", "female", 62.5),
        ("sub-03", "male", 71.0),
        ("sub-04", "female", 40.2),
        ("sub-05", "female", 23.9),
    ] {
        let subject = project.add_subject(label).sex(sex).info(json!({"age": years})).await?;
        for (visit, later) in [("baseline", 0.0), ("follow-up", 1.0)] {
            subject.add_session(visit).age(Age::from_years(years + later).seconds()).await?;
        }
    }
    Ok(())
}
