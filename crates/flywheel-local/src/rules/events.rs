//! From what happened to files to jobs: the rules of a project are asked about each file that came or changed.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use super::{condition::Conditions, table};
use crate::{
    error::ApiResult,
    jobs::{self, Asker, Order},
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        files::{self, FileRow},
        parse_doc,
    },
};

/// How many events one transaction looks at: a long batch of arrivals leaves room for other writes.
const AT_ONCE: usize = 100;

/// Asks the rules from now on, whenever the database notes an event. Ends with the site.
pub(crate) async fn run(state: AppState) {
    loop {
        let rung = state.store.bells().file_events.notified();
        settle(&state).await;
        rung.await;
    }
}

/// Asks the rules about every event there is. What goes wrong goes to the log: no caller can mend it.
pub(crate) async fn settle(state: &AppState) {
    loop {
        match state.store.write(drain).await {
            Ok(count) if count == AT_ONCE => {}
            Ok(_) => return,
            Err(error) => {
                tracing::error!(%error, "the gear rules could not be asked; they are at the next change");
                return;
            }
        }
    }
}

/// Asks the rules of a site, for tests that look at what comes of it.
#[cfg(test)]
pub(super) async fn settle_now(site: &crate::Site) {
    while site.store().write(drain).await.expect("the rules can be asked") > 0 {}
}

/// What a write did to a file, as far as rules mind.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    uuid: String,
    jobs: usize,
}

/// Whether the write that this runs in left rules to be asked about a version of a file.
pub(crate) fn noted(db: &Connection, file: &FileRow) -> ApiResult<Option<Noted>> {
    let uuid = file.text("_id");
    let sql = "SELECT 1 FROM file_events WHERE uuid = ? LIMIT 1";
    let any = db.prepare_cached(sql)?.query_row([uuid], |_| Ok(())).optional()?.is_some();
    if !any {
        return Ok(None);
    }
    Ok(Some(Noted { uuid: uuid.to_owned(), jobs: count(db, uuid)? }))
}

/// Asks the rules now and answers how many jobs came of it.
pub(crate) async fn spawned(state: &AppState, noted: Option<Noted>) -> usize {
    let Some(Noted { uuid, jobs }) = noted else { return 0 };
    settle(state).await;
    let now = state.store.read(move |db| count(db, &uuid)).await;
    now.unwrap_or(jobs).saturating_sub(jobs)
}

fn count(db: &Connection, uuid: &str) -> ApiResult<usize> {
    let sql = "SELECT count(*) FROM rule_jobs WHERE uuid = ?";
    Ok(db.prepare_cached(sql)?.query_row([uuid], |row| row.get::<_, i64>(0))? as usize)
}

/// Has the rules asked about a version of a file as if it had come just now.
pub(crate) fn look_at(db: &Connection, file: &FileRow) -> ApiResult<()> {
    let sql = "INSERT INTO file_events (uuid, before) VALUES (?, NULL)";
    db.prepare_cached(sql)?.execute([file.text("_id")])?;
    Ok(())
}

/// Keeps the rules from being asked about a version of a file that this transaction wrote.
pub(crate) fn pass_over(db: &Connection, file: &FileRow) -> ApiResult<()> {
    db.prepare_cached("DELETE FROM file_events WHERE uuid = ?")?.execute([file.text("_id")])?;
    Ok(())
}

/// Something that happened to a version of a file.
struct Event {
    id: i64,
    uuid: String,
    before: Option<Doc>,
}

fn drain(db: &Connection) -> ApiResult<usize> {
    let events = oldest(db)?;
    for event in &events {
        if let Err(error) = consider(db, event) {
            tracing::error!(%error, file = event.uuid, "the gear rules could not be asked about a file");
        }
        db.prepare_cached("DELETE FROM file_events WHERE id = ?")?.execute([event.id])?;
    }
    Ok(events.len())
}

fn oldest(db: &Connection) -> ApiResult<Vec<Event>> {
    let sql = "SELECT id, uuid, before FROM file_events ORDER BY id LIMIT ?";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([AT_ONCE as i64])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let before: Option<String> = row.get(2)?;
        let before = before.map(|text| parse_doc(&text)).transpose()?;
        events.push(Event { id: row.get(0)?, uuid: row.get(1)?, before });
    }
    Ok(events)
}

/// Asks the rules of the project about a file, and about its neighbours where a rule looks at those.
fn consider(db: &Connection, event: &Event) -> ApiResult<()> {
    let sql = "SELECT parent_id FROM files WHERE uuid = ? AND current";
    let parent: Option<String> =
        db.prepare_cached(sql)?.query_row([&event.uuid], |row| row.get(0)).optional()?;
    let Some(container) = parent.map_or(Ok(None), |id| containers::find(db, &id))? else { return Ok(()) };
    let Some(project) = container.ancestor(Kind::Project) else { return Ok(()) };
    let rules = table::active(db, project)?;
    if rules.is_empty() {
        return Ok(());
    }
    let files = files::of_container(db, &container.id)?;
    let is_the_one = |file: &FileRow| file.text("_id") == event.uuid;
    let now: Vec<&Doc> = files.iter().map(|file| &file.doc).collect();
    let then: Vec<&Doc> = files
        .iter()
        .filter_map(|file| if is_the_one(file) { event.before.as_ref() } else { Some(&file.doc) })
        .collect();
    for rule in &rules {
        let conditions = match Conditions::of(rule) {
            Ok(conditions) => conditions,
            Err(error) => {
                tracing::warn!(error, rule = text(rule, "_id"), "a gear rule cannot be read");
                continue;
            }
        };
        for file in files.iter().filter(|file| is_the_one(file) || conditions.mind_siblings()) {
            let before = if is_the_one(file) { event.before.as_ref() } else { Some(&file.doc) };
            let held = before.is_some_and(|before| conditions.hold(before, &then));
            if !held && conditions.hold(&file.doc, &now) {
                act(db, rule, file, &container)?;
            }
        }
    }
    Ok(())
}

/// Makes the job of a rule for a version of a file, unless the rule made it before. A rule that cannot goes to the log.
fn act(db: &Connection, rule: &Doc, file: &FileRow, container: &Container) -> ApiResult<()> {
    let (uuid, id) = (file.text("_id"), text(rule, "_id"));
    let sql = "SELECT 1 FROM rule_jobs WHERE uuid = ? AND rule_id = ?";
    if db.prepare_cached(sql)?.query_row([uuid, id], |_| Ok(())).optional()?.is_some() {
        return Ok(());
    }
    db.execute_batch("SAVEPOINT rule")?;
    let role = rule.get("role_id").and_then(Value::as_str);
    let asker = Asker::Rule { rule: id, role, project: text(rule, "project_id") };
    match jobs::enqueue(db, asker, order(rule, file, container)) {
        Ok(job) => {
            let sql = "INSERT INTO rule_jobs (uuid, rule_id, job_id) VALUES (?, ?, ?)";
            db.prepare_cached(sql)?.execute([uuid, id, &job.id])?;
            db.execute_batch("RELEASE rule")?;
        }
        Err(error) => {
            db.execute_batch("ROLLBACK TO rule; RELEASE rule")?;
            let name = text(rule, "name");
            tracing::warn!(%error, rule = id, name, file = file.file_id(), "a gear rule made no job");
        }
    }
    Ok(())
}

/// The job that a rule asks for: the file and the fixed inputs go in, outputs go where the file is.
fn order(rule: &Doc, file: &FileRow, container: &Container) -> Order {
    let mut inputs = Doc::new();
    for fixed in rule.get("fixed_inputs").and_then(Value::as_array).into_iter().flatten() {
        let input = fixed.get("input").and_then(Value::as_str).unwrap_or_default();
        let reference = json!({"file_id": fixed.get("file_id"), "version": fixed.get("version")});
        inputs.insert(input.to_owned(), reference);
    }
    let trigger = json!({"file_id": file.file_id(), "version": file.version()});
    inputs.insert(text(rule, "triggering_input").to_owned(), trigger);
    let own = |key: &str| rule.get(key).and_then(Value::as_str).map(str::to_owned);
    let tags = rule.get("tags").and_then(Value::as_array).into_iter().flatten();
    Order {
        gear_id: text(rule, "gear_id").to_owned(),
        inputs,
        destination: Some(container.reference()),
        config: rule.get("config").and_then(Value::as_object).cloned().unwrap_or_default(),
        tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
        priority: own("priority"),
        compute_provider_id: own("compute_provider_id"),
        ..Order::default()
    }
}

fn text<'a>(doc: &'a Doc, key: &str) -> &'a str {
    doc.get(key).and_then(Value::as_str).unwrap_or_default()
}
