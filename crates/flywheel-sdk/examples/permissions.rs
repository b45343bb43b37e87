//! Lets a colleague into a project: a role, another role, none; and roles that every new project of a group begins with.
//!
//! ```text
//! cargo run -p flywheel-sdk --example permissions
//! ```

mod common;
#[path = "common/people.rs"]
mod people;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Client, ErrorKind, Project};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw, jo) = people::site_of_two("jo@example.org").await?;
    let mut group = fw.add_group("neuro", "Neuro Lab").await?;
    let mut project = group.add_project("Color Study").await?;
    writeln!(out, "before:          {}", what_may(&jo, &project).await?)?;

    project.permissions().add("jo@example.org", ["read-only"]).await?;
    writeln!(out, "as {:<13} {}", roles(&fw, &project).await?, what_may(&jo, &project).await?)?;

    project.permissions().set("jo@example.org", ["read-write"]).await?;
    writeln!(out, "as {:<13} {}", roles(&fw, &project).await?, what_may(&jo, &project).await?)?;

    project.permissions().remove("jo@example.org").await?;
    writeln!(out, "after:           {}", what_may(&jo, &project).await?)?;

    // A mistake in the name of a role is told with the names that there are.
    if let Err(mistake) = project.permissions().add("jo@example.org", ["reader"]).await {
        writeln!(out, "\n{}", mistake.message())?;
    }

    // Projects that are made from now on begin with what the group's template says.
    group.permission_template().add("jo@example.org", ["read-only"]).await?;
    let next = group.add_project("Motion Study").inherit_permissions(true).await?;
    writeln!(out, "\n{}: {}", next.label(), what_may(&jo, &next).await?)?;
    writeln!(out, "{}: {}", project.label(), what_may(&jo, &project).await?)?;
    Ok(())
}

/// The roles of the colleague in a project, by their names.
async fn roles(fw: &Client, project: &Project) -> Result<String, Failure> {
    let permission = project.clone().permissions().get("jo@example.org").await?;
    let mut names = Vec::new();
    for id in permission.role_ids.unwrap_or_default() {
        names.push(fw.roles().get(&id).await?.label().to_owned());
    }
    Ok(names.join(", "))
}

/// What somebody can do with a project: read it, and add a subject to it.
async fn what_may(who: &Client, project: &Project) -> Result<&'static str, Failure> {
    let Some(seen) = unless_denied(who.projects().get(project.id()).await)? else {
        return Ok("sees nothing");
    };
    let label = format!("of {}", project.label());
    let added = unless_denied(seen.add_subject(label).await)?;
    Ok(if added.is_some() { "reads and writes" } else { "reads" })
}

fn unless_denied<T>(outcome: flywheel::Result<T>) -> flywheel::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
