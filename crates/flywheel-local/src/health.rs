//! How the site is, for those who watch over it: `GET /system`, `/system/ready` and `/metrics`.

use std::fmt::Write;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{error::ApiResult, guard::Guard, kind::Kind, state::AppState, system::RELEASE};

/// `GET /system`: the site answers.
pub(crate) async fn system(State(state): State<AppState>) -> Json<Value> {
    Json(json!({"status": "ok", "release": RELEASE, "started": state.started}))
}

/// `GET /system/ready`: its database does, too.
pub(crate) async fn ready(State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| Ok(db.query_row("SELECT count(*) FROM accounts", [], |_| Ok(()))?);
    state.store.read(work).await?;
    Ok(Json(json!({"status": "ok", "ready": true})))
}

/// `GET /metrics`: what there is, in the text format of Prometheus.
pub(crate) async fn metrics(_guard: Guard, State(state): State<AppState>) -> ApiResult<Response> {
    let text = state.store.read(written).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn written(db: &Connection) -> ApiResult<String> {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: Vec<(String, i64)>| {
        let lines = values.iter().map(|(labels, value)| format!("{name}{labels} {value}\n"));
        let lines: String = lines.collect();
        write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{lines}")
    };
    let count = |sql: &str| -> ApiResult<i64> { Ok(db.query_row(sql, [], |row| row.get(0))?) };
    let mut containers = Vec::new();
    for kind in Kind::ALL {
        let sql = format!("SELECT count(*) FROM containers WHERE kind = {} AND deleted IS NULL", kind.code());
        containers.push((format!("{{kind=\"{kind}\"}}"), count(&sql)?));
    }
    let mut jobs = Vec::new();
    let mut statement = db.prepare("SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state")?;
    let found = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for row in found {
        let (state, count) = row?;
        jobs.push((format!("{{state=\"{state}\"}}"), count));
    }
    let one = |value: i64| vec![(String::new(), value)];
    let users = count("SELECT count(*) FROM accounts WHERE kind = 'user'")?;
    let files = count("SELECT count(*) FROM files WHERE current")?;
    let pages = count("PRAGMA page_count")? * count("PRAGMA page_size")?;
    let written = gauge("flywheel_containers", "Live containers by kind.", containers)
        .and_then(|()| gauge("flywheel_files", "Current files.", one(files)))
        .and_then(|()| gauge("flywheel_jobs", "Jobs by state.", jobs))
        .and_then(|()| gauge("flywheel_users", "Users.", one(users)))
        .and_then(|()| gauge("flywheel_database_bytes", "Size of the database.", one(pages)));
    written.map_err(crate::error::ApiError::internal)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;
    use http::{Request, header::AUTHORIZATION};

    use crate::tests::{Api, Person};

    #[tokio::test]
    async fn a_site_says_that_it_is_there_and_ready_to_anybody() {
        let api = Api::new().await;
        for path in ["/system", "/system/ready"] {
            assert_eq!(api.get_as(&Person::Anonymous, path).await.ok()["status"], "ok", "{path}");
        }
    }

    #[tokio::test]
    async fn metrics_count_what_is_there() {
        let api = Api::new().await;
        let [.., acquisition] = api.tree().await;
        api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.ok();
        let request = Request::get("/api/metrics").header(AUTHORIZATION, "scitran-user root");
        let text = api.text(request.body(Body::empty()).unwrap()).await;
        for line in ["flywheel_containers{kind=\"session\"} 1", "flywheel_files 1", "flywheel_users 1"] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }
}
