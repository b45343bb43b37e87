//! Shows every scan of a project as a table, and which visits lack a scan that the protocol asks for.
//!
//! ```text
//! cargo run -p flywheel-sdk --example missing_acquisitions
//! ```

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use common::Failure;
use flywheel::{Client, Project};
use futures::TryStreamExt;

const EXPECTED: [&str; 4] = ["T1w", "inplaneT2", "task-balloon_run-01", "task-balloon_run-02"];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/BIDS-Sample").cast().await?;

    let mut scans: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut subjects = project.subjects().iter();
    while let Some(subject) = subjects.try_next().await? {
        let mut sessions = subject.sessions().iter();
        while let Some(session) = sessions.try_next().await? {
            let of_visit = scans.entry((subject.label().to_owned(), session.label().to_owned())).or_default();
            let mut acquisitions = session.acquisitions().iter();
            while let Some(acquisition) = acquisitions.try_next().await? {
                of_visit.insert(acquisition.label().to_owned());
            }
        }
    }

    let mut overview = Table::new();
    overview.load_style(UTF8_FULL_CONDENSED).set_header(["Subject", "Session", "Acquisitions"]);
    for ((subject, session), found) in &scans {
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        overview.add_row([subject, session, &found.join("\n")]);
    }
    writeln!(out, "{overview}")?;

    for ((subject, session), found) in &scans {
        let missing: Vec<&str> = EXPECTED.into_iter().filter(|label| !found.contains(*label)).collect();
        if !missing.is_empty() {
            writeln!(out, "\n{subject} {session} lacks:")?;
            missing.iter().try_for_each(|label| writeln!(out, "  {label}"))?;
        }
    }
    Ok(())
}

/// Three visits, of which the second and third lack one and two scans.
async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("BIDS-Sample").await?;
    for (subject, scans) in
        [("sub-01", &EXPECTED[..]), ("sub-13", &EXPECTED[..3]), ("sub-14", &EXPECTED[1..3])]
    {
        let session = project.add_subject(subject).await?.add_session("ses-01").await?;
        for scan in scans {
            session.add_acquisition(*scan).await?;
        }
    }
    Ok(())
}
