//! Shows which visits of a project lack a scan that the protocol asks for.
//!
//! ```text
//! cargo run -p flywheel-sdk --example missing_acquisitions
//! ```

mod common;

use std::{collections::BTreeSet, fmt::Write as _};

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

    let mut complete = 0;
    let mut subjects = project.subjects().sort("label").iter();
    while let Some(subject) = subjects.try_next().await? {
        let mut sessions = subject.sessions().sort("label").iter();
        while let Some(session) = sessions.try_next().await? {
            let scans = session.acquisitions().await?;
            let found: BTreeSet<&str> = scans.iter().map(|scan| scan.label()).collect();
            let missing: Vec<&str> = EXPECTED.into_iter().filter(|label| !found.contains(label)).collect();
            if missing.is_empty() {
                complete += 1;
            } else {
                writeln!(out, "{} {} lacks {}", subject.label(), session.label(), missing.join(", "))?;
            }
        }
    }
    writeln!(out, "visits with every scan: {complete}")?;
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
