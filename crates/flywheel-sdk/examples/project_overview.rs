//! Shows every scan of a project, subject by subject, on one screen.
//!
//! ```text
//! cargo run -p flywheel-sdk --example project_overview
//! ```

mod common;

use std::fmt::Write as _;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use common::Failure;
use flywheel::{Client, Project};
use futures::TryStreamExt;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/BIDS-Sample").cast().await?;

    let mut overview = Table::new();
    overview.load_style(UTF8_FULL_CONDENSED).set_header(["Subject", "Session", "Acquisitions"]);
    let mut scans = 0;
    let mut subjects = project.subjects().sort("label").iter();
    while let Some(subject) = subjects.try_next().await? {
        let mut sessions = subject.sessions().sort("label").iter();
        while let Some(session) = sessions.try_next().await? {
            let found = session.acquisitions().sort("label").await?;
            let labels: Vec<&str> = found.iter().map(|scan| scan.label()).collect();
            overview.add_row([subject.label(), session.label(), &labels.join("\n")]);
            scans += found.len();
        }
    }
    writeln!(out, "{}: {scans} scans of {} people", project.label(), project.subjects().count().await?)?;
    writeln!(out, "{overview}")?;
    Ok(())
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("BIDS-Sample").await?;
    for (subject, visits) in [("sub-01", &["ses-01", "ses-02"][..]), ("sub-02", &["ses-01"])] {
        let subject = project.add_subject(subject).await?;
        for visit in visits {
            let session = subject.add_session(*visit).await?;
            for scan in ["T1w", "inplaneT2", "task-balloon_run-01"] {
                session.add_acquisition(scan).await?;
            }
        }
    }
    Ok(())
}
