//! The search (`/dataexplorer`): finding containers and files by what they and everything above them hold.
//!
//! There is no index to wait for: a search reads the tables that every other call writes, so it sees what was
//! acknowledged a moment before.
//!
//! | module | what it does |
//! |---|---|
//! | `request`, `filters` | the body, its query and its clauses, as one condition |
//! | `node`, `pattern`, `check` | the condition: tests on fields, and what they mean for a value |
//! | `level`, `compile`, `above`, `containing`, `finder`, `run` | the condition as SQL, and the way to the rows that meet it |
//! | `functions` | what the SQL calls |
//! | `answer` | results as the wire shows them |
//! | `values`, `fields`, `suggest` | facets, aggregates, names of fields, completions |
//! | `saved` | searches that are kept |

mod above;
mod answer;
mod check;
mod compile;
mod containing;
mod fields;
mod filters;
mod finder;
pub(crate) mod functions;
mod level;
mod node;
mod pattern;
mod request;
mod run;
mod saved;
mod suggest;
#[cfg(test)]
mod tests;
mod values;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use flywheel_core::query;
use http::header::CONTENT_TYPE;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use self::{
    answer::{Hit, Shelf},
    level::Level,
    request::{DELETION, Request, SEARCH},
    run::{Search, Sight},
};
use crate::{
    access::{self, Action, Need::Login},
    auth::Caller,
    body::{Field, JsonBody, TEXT, check, may, must},
    containers::remove,
    error::{ApiError, ApiResult},
    files,
    guard::Guard,
    query::Params,
    route::{Route, delete, get, post, put},
    state::AppState,
    store::containers,
    words::FEW,
};

/// The routes of the search. What a caller finds is limited to what the caller may see.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        post("/dataexplorer/search", Login, search),
        delete("/dataexplorer/search", Login, delete_found),
        post("/dataexplorer/search/parse", Login, parse),
        post("/dataexplorer/search/suggest", Login, suggest),
        get("/dataexplorer/search/status", Login, status),
        post("/dataexplorer/search/fields", Login, search_fields),
        post("/dataexplorer/search/fields/aggregate", Login, aggregate),
        post("/dataexplorer/search/nodes", Login, nodes),
        get("/dataexplorer/mapped_fields", Login, mapped_fields),
        post("/dataexplorer/facets", Login, facets),
        get("/dataexplorer/queries", Login, saved::all),
        post("/dataexplorer/queries", Login, saved::post),
        get("/dataexplorer/queries/{sid}", Login, saved::get),
        put("/dataexplorer/queries/{sid}", Login, saved::put),
        delete("/dataexplorer/queries/{sid}", Login, saved::delete),
    ]
}

/// How many results facets are counted over.
const COUNTED: usize = 10_000;

/// The ids of what a request finds.
fn found(
    db: &Connection,
    caller: &Caller,
    request: &Request,
    limit: Option<usize>,
) -> ApiResult<Vec<String>> {
    let sight = Sight::of(db, caller, request.all_data)?;
    let sort = request.sort.as_ref().map(|(field, descending)| (field.as_str(), *descending));
    Search { returned: request.returned, node: &request.node, sort, limit, few: FEW }.run(db, &sight)
}

fn hits(shelf: &mut Shelf<'_>, level: Level, ids: &[String]) -> ApiResult<Vec<Hit>> {
    let mut hits = Vec::new();
    for id in ids {
        hits.extend(shelf.hit(level, id)?);
    }
    Ok(hits)
}

/// `POST /dataexplorer/search`: the sources alone when `simple`, a table when `csv`, otherwise `{results, facets?}`.
async fn search(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let request = Request::read(body, SEARCH, &params, &guard.caller)?;
    let work = move |db: &Connection| {
        let level = request.returned;
        let mut shelf = Shelf::new(db, &guard.caller);
        let ids = found(db, &guard.caller, &request, request.limit)?;
        let mut sources = Vec::new();
        for id in &ids {
            if let Some(hit) = shelf.hit(level, id)? {
                sources.push((hit.id.clone(), shelf.source(level, &hit)?));
            }
        }
        if params.flag("csv") {
            let sources: Vec<Map<String, Value>> = sources.into_iter().map(|(_, source)| source).collect();
            return Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], answer::csv(&sources)).into_response());
        }
        if params.flag("simple") {
            let typed = |(_, source)| {
                let mut simple = Map::from_iter([("return_type".to_owned(), Value::from(level.name()))]);
                simple.extend(source);
                Value::Object(simple)
            };
            return Ok(Json(sources.into_iter().map(typed).collect::<Value>()).into_response());
        }
        let result = |(id, source)| json!({"_id": id, "_source": Value::Object(source)});
        let mut answer = json!({"results": sources.into_iter().map(result).collect::<Vec<_>>()});
        if params.flag("facets") {
            answer["facets"] = facets_of(db, &guard.caller, &request)?;
        }
        Ok(Json(answer).into_response())
    };
    state.store.read(work).await
}

fn facets_of(db: &Connection, caller: &Caller, request: &Request) -> ApiResult<Value> {
    let mut shelf = Shelf::new(db, caller);
    let ids = found(db, caller, request, Some(COUNTED))?;
    let hits = hits(&mut shelf, request.returned, &ids)?;
    values::facets(&mut shelf, &hits)
}

/// `POST /dataexplorer/facets`
async fn facets(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let request = Request::read(body, SEARCH, &params, &guard.caller)?;
    let work = move |db: &Connection| Ok(json!({"facets": facets_of(db, &guard.caller, &request)?}));
    state.store.read(work).await.map(Json)
}

/// `POST /dataexplorer/search/nodes`: everything found, in the form that a download takes.
async fn nodes(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let sized = body.get("size").is_some() || params.get("size").is_some();
    let request = Request::read(body, SEARCH, &params, &guard.caller)?;
    let work = move |db: &Connection| {
        let limit = request.limit.filter(|_| sized);
        let ids = found(db, &guard.caller, &request, limit)?;
        let level = request.returned.name();
        Ok(json!({"nodes": ids.iter().map(|id| json!({"level": level, "_id": id})).collect::<Vec<_>>()}))
    };
    state.store.read(work).await.map(Json)
}

const QUERY: &[Field] = &[must("structured_query", TEXT)];

fn query_of(body: Value) -> ApiResult<String> {
    let body = check(body, QUERY)?;
    Ok(body.get("structured_query").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// `POST /dataexplorer/search/parse`
async fn parse(_guard: Guard, JsonBody(body): JsonBody) -> ApiResult<Json<Value>> {
    let text = query_of(body)?;
    let errors =
        if text.trim().is_empty() { Vec::new() } else { query::parse(&text).err().unwrap_or_default() };
    let shown = |error: &query::ParseError| {
        let query::Place { line, pos, offset } = query::place(error);
        json!({"line": line, "pos": pos, "offset": offset, "message": error.message})
    };
    let errors: Vec<Value> = errors.iter().map(shown).collect();
    Ok(Json(json!({"valid": errors.is_empty(), "errors": errors})))
}

/// `POST /dataexplorer/search/suggest`
async fn suggest(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let text = query_of(body)?;
    let work = move |db: &Connection| {
        let sight = Sight::of(db, &guard.caller, false)?;
        suggest::suggestions(db, &sight, &text)
    };
    state.store.read(work).await.map(Json)
}

/// `GET /dataexplorer/search/status`
async fn status(_guard: Guard) -> Json<Value> {
    Json(json!({"status": "up-to-date"}))
}

/// `POST /dataexplorer/search/fields`
async fn search_fields(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let body = check(body, &[must("field", TEXT)])?;
    let wanted = body.get("field").and_then(Value::as_str).unwrap_or_default().to_owned();
    let work = move |db: &Connection| {
        let sight = Sight::of(db, &guard.caller, false)?;
        Ok(fields::listed(&fields::all(db, &sight)?, &wanted).into())
    };
    state.store.read(work).await.map(Json)
}

/// `GET /dataexplorer/mapped_fields?path=`
async fn mapped_fields(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let path = params.get("path").unwrap_or_default().to_owned();
    let work = move |db: &Connection| {
        let sight = Sight::of(db, &guard.caller, false)?;
        Ok(fields::below(&fields::all(db, &sight)?, &path))
    };
    state.store.read(work).await.map(Json)
}

/// `POST /dataexplorer/search/fields/aggregate`
async fn aggregate(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let body = check(body, &[must("field_name", TEXT), may("search_string", TEXT)])?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (field, wanted) = (text("field_name"), text("search_string").to_lowercase());
    let work = move |db: &Connection| {
        let sight = Sight::of(db, &guard.caller, false)?;
        let passes = |value: &str| wanted.is_empty() || value.to_lowercase().contains(&wanted);
        Ok(values::of_field(db, &sight, &field, passes)?.summary())
    };
    state.store.read(work).await.map(Json)
}

/// `DELETE /dataexplorer/search`: everything found is deleted, or nothing when the caller may not delete some of it.
async fn delete_found(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    remove::check_reason(&params)?;
    let request = Request::read(body, DELETION, &params, &guard.caller)?;
    if !request.is_narrow() {
        return Err(ApiError::bad_request(
            "Say what to delete: this search has no condition and would find everything",
        ));
    }
    let work = move |db: &Connection| {
        let ids = found(db, &guard.caller, &request, None)?;
        for id in &ids {
            if request.returned == Level::File {
                files::deleting::of_search(db, &guard, id)?;
            } else if let Some(container) = containers::find(db, id)? {
                access::authorize(db, &guard.caller, &container, Action::ContainersDeleteHierarchy)?;
                remove::remove(db, &guard.caller, &container)?;
            }
        }
        Ok(json!({"deleted": ids.len(), "not_found": 0, "delete_scheduled": 0}))
    };
    files::making_room(&state, work).await.map(Json)
}
