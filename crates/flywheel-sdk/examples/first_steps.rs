//! First steps: who is logged in, what stands where, how things are found by path and by id, how they are changed, and what
//! a mistake looks like.
//!
//! ```text
//! cargo run -p flywheel-sdk --example first_steps
//! ```
//!
//! A program for a real site begins with `Client::from_env()?`, which takes the key from `FLYWHEEL_API_KEY` or from where
//! `fw login` has put it.

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, Project, Session};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let me = fw.me().await?;
    writeln!(out, "I am {}", me.email.or(me.id).unwrap_or_default())?;

    // What stands along a path, and what its end holds.
    let way = fw.resolve("neuro/Anxiety Study").await?;
    for node in &way.path {
        writeln!(out, "{:<8} {}", node.kind_name(), node.label())?;
    }
    for child in &way.children {
        writeln!(out, "  {} {}", child.kind_name(), child.label())?;
    }

    // One thing: by its path, by its id, by what is known of it.
    let by_path: Project = fw.lookup("neuro/Anxiety Study").cast().await?;
    let mut project: Project = fw.get(by_path.id()).cast().await?;
    let first = fw.projects().filter("label=Anxiety Study").find_first().await?;
    writeln!(out, "the same: {}", first.is_some_and(|first| first.id() == project.id()))?;

    // A change reaches the site and the value at hand; what was read before sees it after reload().
    project.update().label("Fear Study").description("Anxiety and its neighbours").await?;
    let mut again = by_path;
    writeln!(out, "{} was {}", project.label(), again.label())?;
    again.reload().await?;
    writeln!(out, "now {}: {}", again.label(), again.description.as_deref().unwrap_or_default())?;

    // Where a thing stands is part of it.
    let session: Session = fw.lookup("neuro/Fear Study/sub-01/baseline").cast().await?;
    let age = session.subject_age().ok_or("the visit has an age")?;
    writeln!(out, "{} of {}", session.label(), session.subject().await?.label())?;
    writeln!(
        out,
        "at {} seconds: {:.1} years, {:.0} months, {:.0} weeks, {:.0} days",
        age.seconds(),
        age.years(),
        age.months(),
        age.weeks(),
        age.days()
    )?;

    // A mistake says what failed, and how the site answered.
    match fw.lookup("neuro/No Such Study").await {
        Ok(node) => writeln!(out, "a {}", node.kind_name())?,
        Err(error) => {
            let status = error.status().unwrap_or_default();
            writeln!(out, "{} failed with status {status}: {}", error.operation(), error.message())?;
        }
    }
    if let Err(error) = fw.projects().filter("label==x").await {
        writeln!(out, "{}", error.message())?;
    }
    Ok(())
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Anxiety Study").await?;
    for label in ["sub-01", "sub-02"] {
        project.add_subject(label).await?.add_session("baseline").age(1_000_000_000).await?;
    }
    Ok(())
}
