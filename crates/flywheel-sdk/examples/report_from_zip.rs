//! Fetches one report out of the zipped results of a gear, from the newest successful run on each session, into a folder for
//! each person, without downloading the rest.
//!
//! ```text
//! cargo run -p flywheel-sdk --example report_from_zip
//! ```

mod common;
#[path = "common/engine.rs"]
mod engine;

use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};

use common::Failure;
use engine::Engine;
use flywheel::{Client, JobState, Project, folder::safe_name};
use futures::TryStreamExt;
use zip::{ZipWriter, write::SimpleFileOptions};

const GEAR: &str = "surfaces";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Color Study").cast().await?;
    let folder = tempfile::tempdir()?;

    let mut sessions = project.sessions().sort("created").iter();
    while let Some(session) = sessions.try_next().await? {
        let subject = session.subject().await?;
        let mut newest = None;
        let mut analyses = session.analyses().sort("created").iter();
        while let Some(analysis) = analyses.try_next().await? {
            let job = analysis.job().await?;
            if job.is_some_and(|job| job.gear_name() == GEAR && job.state() == Some(&JobState::Complete)) {
                newest = Some(analysis);
            }
        }
        let Some(analysis) = newest else {
            writeln!(out, "{}: no successful run", subject.label())?;
            continue;
        };
        let Some(results) = analysis.files().await?.into_iter().find(|file| file.name().ends_with(".zip"))
        else {
            continue;
        };
        let listing = results.zip().await?;
        let Some(member) = listing.members.iter().find(|member| member.path.ends_with("report.html")) else {
            continue;
        };
        // Labels may hold what no name of a folder can.
        let labels = [project.label(), subject.label(), session.label()].map(safe_name);
        let place = labels.iter().fold(folder.path().to_path_buf(), |place, label| place.join(label));
        std::fs::create_dir_all(&place)?;
        let path = place.join("report.html");
        results.zip_member(&member.path).to_path(&path).await?;
        let (shown, text) = (path.strip_prefix(folder.path())?, std::fs::read_to_string(&path)?);
        let members = listing.members.len();
        writeln!(out, "{}: {text} (one of {members} members)", shown.display())?;
    }
    Ok(())
}

/// Sessions with a success, a success and a later failure, two successes, and nothing but a failure.
async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    let (engine, gear) = (Engine::new(fw).await?, engine::gear(fw, GEAR).await?);
    let (complete, failed) = (JobState::Complete, JobState::Failed);
    for (label, runs) in [
        ("sub-01", &[&complete][..]),
        ("sub-02", &[&complete, &failed]),
        ("sub-03", &[&complete, &complete]),
        ("sub-04", &[&failed]),
    ] {
        let session = project.add_subject(label).await?.add_session("2024-07-01 13:00").await?;
        for (n, end) in runs.iter().enumerate() {
            let label = format!("run {}", n + 1);
            engine.run(&gear, &session, Some(("results.zip", zipped(&label)?)), end).await?;
        }
    }
    Ok(())
}

fn zipped(run: &str) -> Result<Vec<u8>, Failure> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in [("out/surface.gii", "pretend this is large"), ("out/report.html", run)] {
        archive.start_file(path, SimpleFileOptions::default())?;
        archive.write_all(text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
