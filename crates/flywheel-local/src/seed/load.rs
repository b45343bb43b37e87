//! Writing made-up documents: one thread makes the next batch while the database writes the last one.

use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Seed, Seeded,
    content::Shelf,
    study::{Batch, Maker},
};
use crate::{
    ADMIN,
    access::{Access, roles},
    error::{ApiError, ApiResult},
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
    },
};

/// How many documents one commit holds, about.
const COMMITTED: usize = 20_000;

/// How many batches wait for the database.
const WAITING: usize = 2;

/// Makes and writes everything.
pub(super) async fn run(
    state: &AppState,
    seed: &Seed,
    mut progress: impl FnMut(&Seeded),
) -> ApiResult<Seeded> {
    let mut maker = Maker::new(seed);
    let shelf = Shelf::fill(&state.blobs, &mut maker.rng).await?;
    let projects: Vec<(String, Doc)> = (0..seed.projects).map(|number| maker.project(number)).collect();
    let group = seed.group.clone();
    let parents = state.store.write(move |db| add_projects(db, &group, projects)).await?;
    let mut done = Seeded { projects: u64::from(seed.projects), ..Seeded::default() };
    let (sender, mut batches) = mpsc::channel(WAITING);
    let plan = seed.clone();
    let making = tokio::task::spawn_blocking(move || make(maker, &shelf, &plan, &parents, &sender));
    while let Some(batch) = batches.recv().await {
        let counted = state.store.write(move |db| write(db, &batch)).await?;
        done.subjects += counted.subjects;
        done.sessions += counted.sessions;
        done.acquisitions += counted.acquisitions;
        done.files += counted.files;
        progress(&done);
    }
    making.await.map_err(ApiError::internal)?;
    Ok(done)
}

/// Makes batches of whole subjects until nobody takes them any more.
fn make(mut maker: Maker, shelf: &Shelf, seed: &Seed, projects: &[Value], sender: &mpsc::Sender<Batch>) {
    let mut batch = Batch::default();
    for parents in projects {
        for number in 0..seed.subjects {
            maker.subject(seed, shelf, parents, number, &mut batch);
            if batch.len() >= COMMITTED && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
        }
    }
    if batch.len() > 0 {
        // Nobody takes it when the database has failed, which is told elsewhere.
        let _ = sender.blocking_send(batch);
    }
}

/// Adds the group, when it is not there, and its projects; answers the `parents` of what lies in each.
fn add_projects(db: &Connection, group: &str, projects: Vec<(String, Doc)>) -> ApiResult<Vec<Value>> {
    if containers::find(db, group)?.is_none() {
        let doc = json!({
            "label": "Made-up studies", "tags": [], "permissions": [{"_id": ADMIN, "access": "admin"}],
            "permissions_template": [],
        });
        add(db, Kind::Group, group, doc.as_object().cloned().unwrap_or_default())?;
    }
    let group = containers::get(db, Kind::Group, group)?;
    let permissions = json!([{"_id": ADMIN, "role_ids": [roles::built_in(db, Access::Admin)?]}]);
    let mut parents = Vec::new();
    for (id, mut doc) in projects {
        doc.insert("permissions".into(), permissions.clone());
        doc.insert("parents".into(), group.parents_of_child());
        parents.push(add(db, Kind::Project, &id, doc)?.parents_of_child());
    }
    Ok(parents)
}

fn add(db: &Connection, kind: Kind, id: &str, doc: Doc) -> ApiResult<Container> {
    let mut container = Container { kind, id: id.to_owned(), doc };
    containers::insert(db, &mut container)?;
    Ok(container)
}

/// Writes a batch, and its words at the end: written by triggers row by row they would be put on disk row by row.
fn write(db: &Connection, batch: &Batch) -> ApiResult<Seeded> {
    let triggers = "SELECT group_concat(sql, ';') FROM sqlite_schema
        WHERE type = 'trigger' AND name IN ('container_words_added', 'file_words_added')";
    let triggers: String = db.query_row(triggers, [], |row| row.get(0))?;
    let last = |table: &str| -> ApiResult<i64> {
        Ok(db.query_row(&format!("SELECT coalesce(max(row), 0) FROM {table}"), [], |row| row.get(0))?)
    };
    let (containers, files) = (last("containers")?, last("files")?);
    db.execute_batch("DROP TRIGGER container_words_added; DROP TRIGGER file_words_added")?;
    let counted = insert(db, batch)?;
    for (sql, behind) in [
        (
            "INSERT INTO container_words (rowid, words) SELECT row, words_of(kind, doc) FROM containers WHERE row > ?",
            containers,
        ),
        (
            "INSERT INTO file_words (rowid, words) SELECT row, words_of(0, doc) FROM files WHERE row > ?",
            files,
        ),
    ] {
        db.execute(sql, [behind])?;
    }
    db.execute_batch(&triggers)?;
    Ok(counted)
}

fn insert(db: &Connection, batch: &Batch) -> ApiResult<Seeded> {
    let mut counted = Seeded::default();
    let mut add = db.prepare_cached("INSERT INTO containers (id, kind, doc) VALUES (?, ?, ?)")?;
    for container in &batch.containers {
        add.execute((&container.id, container.kind.code(), &container.doc))?;
        match container.kind {
            Kind::Subject => counted.subjects += 1,
            Kind::Session => counted.sessions += 1,
            _ => counted.acquisitions += 1,
        }
    }
    let mut add = db.prepare_cached("INSERT INTO files (uuid, blob, doc) VALUES (?, ?, ?)")?;
    for file in &batch.files {
        add.execute((&file.uuid, &file.blob, &file.doc))?;
        counted.files += 1;
    }
    Ok(counted)
}
