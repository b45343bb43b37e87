//! Keeps a gear to some people and some projects, and opens it again.
//!
//! ```text
//! cargo run -p flywheel-sdk --example gear_permissions
//! ```

mod common;
#[path = "common/people.rs"]
mod people;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, Gear, gear::Permitted};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw, jo) = people::site_of_two("jo@example.org").await?;
    fill(&fw).await?;
    let gear: Gear = fw.lookup("gears/smooth").cast().await?;
    writeln!(out, "{}", told(&gear, &jo).await?)?;

    gear.access().restrict(true).await?;
    writeln!(out, "{}", told(&gear, &jo).await?)?;

    gear.access().add(Permitted::Users, "jo@example.org").await?;
    let project = fw.projects().filter("label=Color Study").find_one().await?;
    gear.access().add(Permitted::Projects, project.id()).await?;
    writeln!(out, "{}", told(&gear, &jo).await?)?;

    gear.access().remove(Permitted::Users, "jo@example.org").await?;
    writeln!(out, "{}", told(&gear, &jo).await?)?;

    gear.access().clear().await?;
    gear.access().restrict(false).await?;
    writeln!(out, "{}", told(&gear, &jo).await?)?;
    Ok(())
}

/// Whom a gear is open to, and whether somebody's list of gears has it.
async fn told(gear: &Gear, who: &Client) -> Result<String, Failure> {
    let series = gear.access().series().await?;
    let to = series.permissions.unwrap_or_default();
    let whom = match series.is_restricted {
        Some(true) => {
            format!(
                "{} user(s), {} project(s)",
                to.users.unwrap_or_default().len(),
                to.projects.unwrap_or_default().len()
            )
        }
        _ => "everybody".to_owned(),
    };
    let seen = who.gears().await?.iter().any(|listed| listed.name() == gear.name());
    Ok(format!("{} is open to {whom}; jo {} it", gear.name(), if seen { "sees" } else { "does not see" }))
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    let mut project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    project.permissions().add("jo@example.org", ["read-only"]).await?;
    fw.add_gear(json!({
        "name": "smooth", "label": "Smooth", "description": "Smooths an image.", "version": "1.0.0",
        "author": "Jo", "license": "MIT", "url": "", "source": "", "config": {}, "inputs": {},
    }))
    .await?;
    Ok(())
}
