//! `POST /engine`: the outputs of a job, and its `.metadata.json`.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    ending::{check_ticket, require_running},
    metadata,
    store::{self, Job, OUTPUTS},
};
use crate::{
    error::{ApiError, ApiResult},
    files::{self, outputs},
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        containers::{self, Container},
        files::FileRow,
    },
};

/// What an upload of outputs says in its path.
#[derive(Debug, Clone)]
struct Target {
    level: Kind,
    id: String,
    job: Option<String>,
    ticket: Option<String>,
}

impl Target {
    fn read(params: &Params) -> ApiResult<Self> {
        let text = |name: &str| params.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let need = |name: &str| text(name).ok_or_else(|| ApiError::bad_request(format!("{name} is missing")));
        let level = need("level")?;
        let level = Kind::parse(&level).filter(|kind| !matches!(kind, Kind::Group | Kind::Collection));
        let level = level.ok_or_else(|| {
            ApiError::bad_request("level is project, subject, session, acquisition or analysis")
        })?;
        Ok(Self { level, id: need("id")?, job: text("job"), ticket: text("job_ticket") })
    }

    /// The container, and the job when one is named: it must run and write there.
    fn find(&self, db: &Connection) -> ApiResult<(Container, Option<Job>)> {
        let container = containers::get(db, self.level, &self.id)?;
        let Some(id) = &self.job else { return Ok((container, None)) };
        let job = store::get(db, id)?;
        require_running(&job)?;
        check_ticket(&job, self.ticket.as_deref())?;
        if job.inner("destination", "id") != container.id {
            let message =
                format!("Job {id} writes to {}, not to {}", job.inner("destination", "id"), container.id);
            return Err(ApiError::bad_request(message));
        }
        Ok((container, Some(job)))
    }
}

/// `POST /engine?level=&id=&job=&job_ticket=`
pub(super) async fn upload(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let target = Target::read(&params)?;
    let check = target.clone();
    state.store.read(move |db| check.find(db).map(drop)).await?;
    let received = outputs::receive(&state, &headers, body).await?;
    let said = metadata::Said::read(&received.metadata, target.level)?;
    let outputs = received.described_by(&state.blobs, &said.entries).await?;
    let origin = guard.caller.origin();
    let work = move |db: &Connection| {
        let (container, job) = target.find(db)?;
        let (origin, gear) = match &job {
            Some(job) => (json!({"type": "job", "id": job.id}), gear_of(job)),
            None => (origin, Value::Null),
        };
        let placed = outputs.place(db, &container, &origin, &gear)?;
        let names: Vec<&str> = placed.iter().map(|file| file.text("name")).collect();
        said.apply(db, &container, &names)?;
        if let Some(mut job) = job {
            record(&mut job, &placed, said.whole);
            store::save(db, &mut job)?;
        }
        Ok(Json(placed.into_iter().map(|file| files::shown(file.doc)).collect()))
    };
    state.store.write(work).await
}

/// What a file says of the gear that made it.
fn gear_of(job: &Job) -> Value {
    json!({"id": job.text("gear_id"), "name": job.gear("name"), "version": job.gear("version")})
}

/// Notes in a job what it handed in.
fn record(job: &mut Job, placed: &[FileRow], metadata: Value) {
    for (key, field) in [(OUTPUTS, "_id"), ("saved_files", "name")] {
        let list = job.doc.entry(key).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(placed.iter().map(|file| Value::from(file.text(field))));
        }
    }
    let size = placed.iter().filter_map(|file| file.doc.get("size")?.as_u64()).sum::<u64>();
    let profile = job.profile_mut();
    for (key, more) in [("total_output_files", placed.len() as u64), ("total_output_size_bytes", size)] {
        let known = profile.get(key).and_then(Value::as_u64).unwrap_or(0);
        profile.insert(key.into(), (known + more).into());
    }
    if !metadata.is_null() {
        job.doc.insert("produced_metadata".into(), metadata);
    }
}
