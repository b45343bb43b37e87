//! Reports for each session whether a gear was run on it and how its newest run ended; the table is kept with the project.
//!
//! ```text
//! cargo run -p flywheel-sdk --example gear_status
//! ```

mod common;
#[path = "common/engine.rs"]
mod engine;

use common::Failure;
use engine::Engine;
use flywheel::{Client, JobState, Project, Source};
use futures::TryStreamExt;

const GEAR: &str = "container-export";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Color Study").cast().await?;

    let mut report = csv::Writer::from_writer(Vec::new());
    report.write_record(["subject", "session", "run", "status"])?;
    let mut sessions = project.sessions().sort("created").iter();
    while let Some(session) = sessions.try_next().await? {
        let subject = session.subject().await?;
        let mut newest = None;
        let mut analyses = session.analyses().iter();
        while let Some(analysis) = analyses.try_next().await? {
            let of_gear = analysis.job().await?.filter(|job| job.gear_name() == GEAR);
            newest = newest
                .max(of_gear.map(|job| (analysis.created_at().map(|at| at.utc()), job.state().cloned())));
        }
        let (run, status) = match &newest {
            Some((_, state)) => ("yes", state.as_ref().map_or("unknown", |state| state.as_str())),
            None => ("no", "NA"),
        };
        report.write_record([subject.label(), session.label(), run, status])?;
    }

    let name = format!("{GEAR} runs.csv");
    let file = project.upload(Source::bytes(name, report.into_inner()?)).await?;
    out.push_str(&String::from_utf8(file.download().bytes().await?.to_vec())?);
    Ok(())
}

/// Sessions with no run, one run, and one that failed first.
async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    let (engine, gear) = (Engine::new(fw).await?, engine::gear(fw, GEAR).await?);
    for (label, runs) in [
        ("sub-01", &[][..]),
        ("sub-02", &[JobState::Complete]),
        ("sub-03", &[JobState::Failed, JobState::Complete]),
        ("sub-04", &[JobState::Failed]),
    ] {
        let session = project.add_subject(label).await?.add_session("Session 1").await?;
        for end in runs {
            engine.run(&gear, &session, None, end).await?;
        }
    }
    Ok(())
}
