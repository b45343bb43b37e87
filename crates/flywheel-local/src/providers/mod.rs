//! Where bytes lie and jobs run: `/site/providers`. A local site has one of each of its own; further ones are recorded
//! and not used. Credentials are neither kept nor shown.

mod choice;

#[cfg(test)]
mod tests;

pub(crate) use self::choice::computing;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::Need::{Login, SiteAdmin},
    body::{JsonBody, LABEL, Shape, check, check_change, may, must},
    error::{ApiError, ApiResult},
    files::PROVIDER as STORAGE,
    filter_sql::Condition,
    guard::{Guard, require_object_id},
    jobs::PROVIDER as COMPUTE,
    list::{self, List, Rows, doc_row},
    query::ListQuery,
    route::{Route, delete, get, nothing, post, put},
    state::AppState,
    store::{Doc, new_id, now, records},
};

/// The kind under which providers are recorded.
const RECORD: &str = "provider";

const CLASS: Shape = Shape::OneOf(&["compute", "storage"]);
const TYPE: Shape = Shape::OneOf(&["local", "static", "aws", "azure", "gc", "s3_compat", "exchange"]);
const ACCESS: Shape = Shape::OneOf(&["read-only", "read-write", "read-write-no-delete"]);

/// Every route of providers.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/site/providers/{id}";
    vec![
        get("/site/providers", Login, all),
        post("/site/providers", SiteAdmin, add),
        get(one, Login, show),
        put(one, SiteAdmin, modify),
        delete(one, SiteAdmin, remove),
        get(&format!("{one}/config"), SiteAdmin, config),
    ]
}

/// Records the site's own storage and machine when they are not there yet.
pub(crate) fn ensure_built_in(db: &Connection) -> ApiResult<()> {
    for (id, label, class) in [(STORAGE, "Local storage", "storage"), (COMPUTE, "Local site", "compute")] {
        if records::get(db, RECORD, id)?.is_none() {
            let kind = if class == "storage" { "local" } else { "static" };
            put_new(
                db,
                id,
                json!({"label": label, "provider_class": class, "provider_type": kind, "config": {}}),
            )?;
        }
    }
    Ok(())
}

fn put_new(db: &Connection, id: &str, said: Value) -> ApiResult<()> {
    let time = now();
    let mut doc = Doc::from_iter([("_id".to_owned(), Value::from(id))]);
    doc.extend(said.as_object().cloned().unwrap_or_default());
    doc.insert("created".into(), time.clone().into());
    doc.insert("modified".into(), time.into());
    records::put(db, RECORD, id, &doc)
}

fn find(db: &Connection, id: &str) -> ApiResult<Doc> {
    require_object_id(id)?;
    records::get(db, RECORD, id)?.ok_or_else(|| ApiError::not_found(format!("No provider {id} found")))
}

fn refuse_own(id: &str) -> ApiResult<()> {
    if [STORAGE, COMPUTE].contains(&id) {
        return Err(ApiError::conflict("The site's own providers stay as they are"));
    }
    Ok(())
}

/// `GET /site/providers?class=`
async fn all(_guard: Guard, State(state): State<AppState>, query: ListQuery) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let list = List::records(RECORD, &query);
        let list = match query.params.get("class").filter(|class| !class.is_empty()) {
            None => list,
            Some(class) => {
                let value = vec![class.to_owned().into()];
                list.and(Condition::new("r.doc ->> '$.provider_class' = ?", value))
            }
        };
        let Rows { rows, total } = list.run(db, doc_row)?;
        Ok(Rows { rows: rows.into_iter().map(Value::Object).collect(), total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `POST /site/providers`
async fn add(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        must("label", LABEL),
        must("provider_class", CLASS),
        must("provider_type", TYPE),
        must("creds", Shape::Any),
        must("config", Shape::Any),
        may("access_type", ACCESS),
    ];
    let mut said = check(body, &fields)?;
    said.shift_remove("creds");
    let id = new_id();
    let made = id.clone();
    state.store.write(move |db| put_new(db, &made, said.into())).await?;
    Ok(Json(json!({"_id": id})))
}

/// `GET /site/providers/{id}`
async fn show(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| find(db, &id)).await.map(|doc| Json(doc.into()))
}

/// `GET /site/providers/{id}/config`
async fn config(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| Ok(find(db, &id)?.remove("config").unwrap_or_default());
    state.store.read(work).await.map(Json)
}

/// `PUT /site/providers/{id}`
async fn modify(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change =
        check_change(body, &[may("label", LABEL), may("creds", Shape::Any), may("config", Shape::Any)])?;
    let work = move |db: &Connection| {
        let mut provider = find(db, &id)?;
        refuse_own(&id)?;
        provider.extend(change.into_iter().filter(|(key, value)| key != "creds" && !value.is_null()));
        provider.insert("modified".into(), now().into());
        records::put(db, RECORD, &id, &provider)?;
        Ok(provider.into())
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /site/providers/{id}`
async fn remove(_guard: Guard, State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        find(db, &id)?;
        refuse_own(&id)?;
        records::remove(db, RECORD, &id)
    };
    state.store.write(work).await?;
    Ok(nothing())
}
