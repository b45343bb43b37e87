//! Writing made-up documents: one thread makes the next batch, and its words, while the database writes the last one.

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
        self, Doc,
        containers::{self, Container},
    },
};

/// How many documents one commit holds, about.
const COMMITTED: usize = 40_000;

/// How many batches wait for the database.
const WAITING: usize = 1;

/// How many MiB of the database the writer keeps in memory meanwhile: ids that are drawn go everywhere in their index.
const CACHED: u32 = 512;

/// Makes and writes everything.
pub(super) async fn run(state: &AppState, seed: &Seed, progress: impl FnMut(&Seeded)) -> ApiResult<Seeded> {
    state.store.write(|db| Ok(store::cache(db, CACHED)?)).await?;
    let done = fill(state, seed, progress).await;
    state.store.write(|db| Ok(store::cache(db, store::CACHED)?)).await?;
    done
}

async fn fill(state: &AppState, seed: &Seed, mut progress: impl FnMut(&Seeded)) -> ApiResult<Seeded> {
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

/// The triggers that would make the words of each document once more.
const TRIGGERS: &str = "type = 'trigger' AND name IN ('container_words_added', 'file_words_added')";

/// Writes a batch with its words.
fn write(db: &Connection, batch: &Batch) -> ApiResult<Seeded> {
    let sql = format!("SELECT group_concat(sql, ';') FROM sqlite_schema WHERE {TRIGGERS}");
    let triggers: String = db.query_row(&sql, [], |row| row.get(0))?;
    db.execute_batch("DROP TRIGGER container_words_added; DROP TRIGGER file_words_added")?;
    let mut counted = Seeded::default();
    insert_containers(db, batch, &mut counted)?;
    insert_files(db, batch)?;
    counted.files = batch.files.len() as u64;
    db.execute_batch(&triggers)?;
    Ok(counted)
}

fn insert_containers(db: &Connection, batch: &Batch, counted: &mut Seeded) -> ApiResult<()> {
    let mut add = db.prepare("INSERT INTO containers (id, kind, doc) VALUES (?, ?, ?)")?;
    let mut index = db.prepare("INSERT INTO container_words (rowid, words) VALUES (?, ?)")?;
    for container in &batch.containers {
        let row = add.insert((&container.id, container.kind.code(), &container.doc))?;
        index.execute((row, &container.words))?;
        match container.kind {
            Kind::Subject => counted.subjects += 1,
            Kind::Session => counted.sessions += 1,
            _ => counted.acquisitions += 1,
        }
    }
    Ok(())
}

fn insert_files(db: &Connection, batch: &Batch) -> ApiResult<()> {
    let mut add = db.prepare("INSERT INTO files (uuid, blob, doc) VALUES (?, ?, ?)")?;
    let mut index = db.prepare("INSERT INTO file_words (rowid, words) VALUES (?, ?)")?;
    for file in &batch.files {
        let row = add.insert((&file.uuid, &file.blob, &file.doc))?;
        index.execute((row, &file.words))?;
    }
    Ok(())
}
