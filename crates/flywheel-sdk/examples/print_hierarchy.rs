//! Shows where a scan stands, from the group down to it, and what else stands below its project.
//!
//! ```text
//! cargo run -p flywheel-sdk --example print_hierarchy
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, Source};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;

    let scan = fw.acquisitions().filter("label=1 - Scout").find_one().await?;
    let (session, subject, project) = (scan.session().await?, scan.subject().await?, scan.project().await?);
    let group = project.group().await?;
    writeln!(out, "{:<12} {}", "group:", group.label())?;
    let below = [
        ("project:", project.label()),
        ("subject:", subject.label()),
        ("session:", session.label()),
        ("acquisition:", scan.label()),
    ];
    for (depth, (kind, label)) in below.into_iter().enumerate() {
        writeln!(out, "{kind:<12} {}└─> {label}", "    ".repeat(depth))?;
    }

    writeln!(out, "\n{}", project.tree().files(true).text().await?.trim_end())?;

    writeln!(out, "\nProjects of each group")?;
    for group in fw.groups().sort("label").await? {
        let projects = group.projects().sort("label").await?;
        let labels: Vec<&str> = projects.iter().map(|project| project.label()).collect();
        writeln!(out, "{:<8} {:<22} {}", group.id(), group.label(), labels.join(", "))?;
    }
    Ok(())
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    fw.add_group("mtsinai", "Mount Sinai").await?.add_project("Stroke").await?;
    let group = fw.add_group("scien", "Scientific Solutions").await?;
    group.add_project("Phantoms").await?;
    let project = group.add_project("COVID").await?;
    for (subject, visit, scans) in [
        ("sub-01", "2020-06-01 13_00_21", ["1 - Scout", "2 - T1w"]),
        ("sub-02", "2020-06-03 09_30_00", ["T1w", "T2w"]),
    ] {
        let session = project.add_subject(subject).await?.add_session(visit).await?;
        for scan in scans {
            let acquisition = session.add_acquisition(scan).await?;
            acquisition.upload(Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume")).await?;
        }
    }
    Ok(())
}
