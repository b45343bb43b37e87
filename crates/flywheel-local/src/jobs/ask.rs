//! The queue as engines ask it: the next job that an engine can run, and how many there are.

use axum::{
    Json,
    extract::{Path, State},
};
use flywheel_core::gear::{Base, environment_name, environment_text};
use rusqlite::{Connection, params_from_iter, types::Value as Sql};
use serde_json::{Value, json};

use super::{
    lists::several,
    show,
    states::{self, State as JobState},
    store::{self, Job},
};
use crate::{
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    filter_sql::Condition,
    gears::store as gears,
    guard::Guard,
    query::Params,
    state::AppState,
    store::Doc,
};

const TEXTS: Shape = Shape::List(&TEXT);

const MATCH: Shape = Shape::Object(&[
    may("group", TEXTS),
    may("gear-name", TEXTS),
    may("tag", TEXTS),
    may("compute-provider", TEXTS),
    may("created-by", TEXTS),
]);

const FIELDS: [Field; 6] = [
    must("whitelist", MATCH),
    must("blacklist", MATCH),
    must("capabilities", TEXTS),
    may(
        "return",
        Shape::Object(&[
            may("jobs", Shape::Int),
            may("peek", Shape::Bool),
            may("states", Shape::Bool),
            may("encoded", Shape::Bool),
        ]),
    ),
    may("limit", Shape::Int),
    may("job_states", TEXTS),
];

/// Where each criterion of a list lies: whether any of its values is in the JSON list `?`.
const CRITERIA: [(&str, &str); 5] = [
    ("group", "j.doc ->> '$.parents.group' IN (SELECT value FROM json_each(?))"),
    ("gear-name", "j.doc ->> '$.gear_info.name' IN (SELECT value FROM json_each(?))"),
    (
        "tag",
        "EXISTS (SELECT 1 FROM json_each(j.doc, '$.tags') t WHERE t.value IN (SELECT value FROM json_each(?)))",
    ),
    ("compute-provider", "j.doc ->> '$.compute_provider_id' IN (SELECT value FROM json_each(?))"),
    ("created-by", "coalesce(j.asker, '') IN (SELECT value FROM json_each(?))"),
];

const CAPABLE: &str = "NOT EXISTS (SELECT 1 FROM json_each(j.doc, '$.gear_info.capabilities') k
    WHERE k.value NOT IN (SELECT value FROM json_each(?)))";

/// Which jobs an engine speaks of.
struct Criteria(Vec<Condition>);

impl Criteria {
    fn read(asked: &Doc) -> Self {
        let mut conditions = Vec::new();
        for (list, not) in [("whitelist", ""), ("blacklist", "NOT ")] {
            for (key, sql) in CRITERIA {
                let names = asked.get(list).and_then(|list| list.get(key)).and_then(Value::as_array);
                if let Some(names) = names.filter(|names| !names.is_empty()) {
                    conditions.push(condition(&format!("{not}{sql}"), &Value::from(names.clone())));
                }
            }
        }
        conditions.push(condition(CAPABLE, asked.get("capabilities").unwrap_or(&Value::Null)));
        Self(conditions)
    }

    fn with(&self, more: Condition) -> (String, Vec<Sql>) {
        let all = || std::iter::once(&more).chain(&self.0);
        let sql: Vec<&str> = all().map(|condition| condition.sql.as_str()).collect();
        (sql.join(" AND "), all().flat_map(|condition| condition.values.iter().cloned()).collect())
    }

    fn count(&self, db: &Connection, state: JobState) -> ApiResult<i64> {
        let (filter, values) = self.with(in_state(state));
        let sql = format!("SELECT count(*) FROM jobs j WHERE {filter}");
        Ok(db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?)
    }

    /// The job that is first in the queue: by priority, then the one that waits longest.
    fn next(&self, db: &Connection, peek: bool) -> ApiResult<Option<Job>> {
        let (filter, values) = self.with(in_state(JobState::Pending));
        let keyless = if peek { "AND NOT coalesce(j.doc ->> '$._keyed', 0)" } else { "" };
        let sql = format!(
            "SELECT j.id, j.doc FROM jobs j WHERE {filter} {keyless}
             ORDER BY j.rank DESC, j.modified, j.id LIMIT 1"
        );
        Ok(store::many(db, &sql, params_from_iter(values))?.pop())
    }
}

fn condition(sql: &str, list: &Value) -> Condition {
    let list = if list.is_array() { list.to_string() } else { "[]".to_owned() };
    Condition::new(sql, vec![list.into()])
}

fn in_state(state: JobState) -> Condition {
    Condition::new("j.state = ?", vec![state.name().to_owned().into()])
}

/// `POST /jobs/ask`
pub(super) async fn ask(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, &FIELDS)?;
    let wanted =
        |key: &str| asked.get("return").and_then(|wanted| wanted.get(key)).cloned().unwrap_or_default();
    let (jobs, states) = (wanted("jobs").as_i64().unwrap_or(0), wanted("states").as_bool().unwrap_or(false));
    let peek = wanted("peek").as_bool().unwrap_or(false);
    if jobs > 1 {
        return Err(ApiError::unprocessable("One call gives one job at most: return.jobs is 0 or 1"));
    }
    if jobs < 1 && !states {
        return Err(ApiError::unprocessable("Ask for jobs, for states, or for both in return"));
    }
    let work = move |db: &Connection| {
        let criteria = Criteria::read(&asked);
        let mut answer = json!({"jobs": []});
        if jobs == 1
            && let Some(mut job) = criteria.next(db, peek)?
        {
            if !peek {
                begin(db, &mut job)?;
            }
            answer["jobs"] = json!([show::asked(job)]);
        }
        if states {
            let mut counts = json!({});
            for state in JobState::ALL {
                counts[state.name()] = criteria.count(db, state)?.into();
            }
            answer["states"] = counts;
        }
        Ok(Json(answer))
    };
    state.store.write(work).await
}

/// `POST /jobs/ask/{state}`: how many such jobs there are.
pub(super) async fn count(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let (asked, of) = (check(body, &FIELDS)?, JobState::parse(&name)?);
    let work = move |db: &Connection| Ok(Json(json!({"count": Criteria::read(&asked).count(db, of)?})));
    state.store.read(work).await
}

/// `GET /jobs/next?tags=`: the older form, for engines that can do everything.
pub(super) async fn next(
    _guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let tags = several(&params, "tags");
    let work = move |db: &Connection| {
        let mut conditions = Vec::new();
        if !tags.is_empty() {
            conditions.extend(
                CRITERIA
                    .iter()
                    .filter(|(key, _)| *key == "tag")
                    .map(|(_, sql)| condition(sql, &Value::from(tags.clone()))),
            );
        }
        let job = Criteria(conditions).next(db, false)?;
        let mut job = job.ok_or_else(|| ApiError::bad_request("No jobs to process"))?;
        begin(db, &mut job)?;
        Ok(Json(show::plain(job)))
    };
    state.store.write(work).await
}

/// Gives a job to an engine: it runs from now on.
fn begin(db: &Connection, job: &mut Job) -> ApiResult<()> {
    let request = request(db, job)?;
    job.doc.insert("request".into(), request);
    states::change(db, job, JobState::Running)
}

/// What an engine fetches, runs and hands in.
pub(super) fn request(db: &Connection, job: &Job) -> ApiResult<Value> {
    let gear = gears::get(db, job.text("gear_id"))?;
    let manifest = gear.manifest()?;
    let image =
        gear.doc.get("exchange").and_then(|exchange| exchange.get("rootfs-url")).and_then(Value::as_str);
    let image = image.unwrap_or_default();
    let mut inputs = vec![
        match image.starts_with("file:") {
            true => json!({"type": "file", "uri": image, "location": "/flywheel/v0"}),
            false => json!({"type": "docker", "uri": image.trim_start_matches("docker://"), "location": "/"}),
        },
        json!({"type": "scitran", "uri": format!("/jobs/{}/config.json", job.id), "location": "/flywheel/v0"}),
    ];
    for (name, reference) in job.doc.get("inputs").and_then(Value::as_object).into_iter().flatten() {
        let file_id = reference.get("file_id").and_then(Value::as_str).unwrap_or_default();
        let version = reference.get("version").and_then(Value::as_i64).unwrap_or(0);
        inputs.push(json!({
            "type": "scitran",
            "uri": format!("/files/{file_id}/download?version={version}"),
            "location": format!("/flywheel/v0/input/{name}"),
        }));
    }
    let mut environment = json!({"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"});
    for (name, value) in manifest.environment() {
        environment[name] = value.into();
    }
    let config = job.doc.get("config").and_then(|config| config.get("config")).and_then(Value::as_object);
    for (key, value) in config.into_iter().flatten() {
        if let Some(name) = environment_name(key) {
            environment[name] = environment_text(value).into();
        }
    }
    let (kind, id) = (job.inner("destination", "type"), job.inner("destination", "id"));
    let number = |key: &str| manifest.custom(key).and_then(Value::as_i64).unwrap_or(0);
    Ok(json!({
        "inputs": inputs,
        "target": {
            "command": ["bash", "-c", manifest.command()], "env": environment, "dir": "/flywheel/v0",
            "uid": number("uid"), "gid": number("gid"),
        },
        "outputs": [{
            "type": "scitran", "uri": format!("/engine?level={kind}&id={id}&job={}", job.id),
            "location": "/flywheel/v0/output",
        }],
    }))
}

/// The inputs of a gear that are keys: their names, and whether the key may only read.
pub(super) fn key_inputs(db: &Connection, job: &Job) -> ApiResult<Vec<(String, bool)>> {
    let manifest = gears::get(db, job.text("gear_id"))?.manifest()?;
    let keys = manifest.inputs().filter(|input| input.base() == Base::ApiKey);
    Ok(keys.map(|input| (input.name.to_owned(), input.is_read_only())).collect())
}
