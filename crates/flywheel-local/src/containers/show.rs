//! Showing containers: one by id, all of a kind, those inside another.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    error::{ApiError, ApiResult},
    filter_sql::Condition,
    guard::Guard,
    kind::Kind,
    list::{self, Rows},
    present::{self, Shape},
    query::{Features, ListQuery, Params},
    state::AppState,
    store::containers::Container,
};

/// `GET /{kind}/{id}`
pub(crate) async fn one(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    features: Features,
) -> ApiResult<Json<Value>> {
    let shape = Shape::full(&params, &features);
    show(guard, state, id, shape).await
}

/// `GET /containers/{id}`
pub(crate) async fn any(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    features: Features,
) -> ApiResult<Json<Value>> {
    let shape = Shape::full(&params, &features).typed();
    show(guard, state, id, shape).await
}

async fn show(guard: Guard, state: AppState, id: String, shape: Shape) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let container = guard.container(db, &id)?;
        present::container(db, &guard.caller, container, shape)
    };
    state.store.read(work).await.map(Json)
}

/// `GET /{kind}`
pub(crate) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection, query: &ListQuery| {
        let kind = guard.kind()?;
        if let (Kind::Collection | Kind::Session, Some(user)) = (kind, query.params.get("user_id")) {
            return shown(db, &guard, those_of(db, &guard, kind, user, query)?, query);
        }
        let scope = match (kind, query.params.get("collection_id")) {
            (Kind::Acquisition, Some(collection)) => Some(collected("c.id", collection)),
            _ => None,
        };
        let rows = list::visible_containers(db, &guard.caller, kind, query, scope)?;
        shown(db, &guard, rows, query)
    };
    list::in_pages(&state.store, query, work).await
}

/// `GET /{kind}/{id}/{children}`
pub(crate) async fn inside(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection, query: &ListQuery| {
        let parent = guard.container(db, &id)?;
        let rows = rows_inside(db, &guard, &parent, guard.child()?, query)?;
        shown(db, &guard, rows, query)
    };
    list::in_pages(&state.store, query, work).await
}

/// Within one project everything is governed alike, so what was checked for the parent holds for the rows. Below groups
/// and collections each row is checked.
fn rows_inside(
    db: &Connection,
    guard: &Guard,
    parent: &Container,
    kind: Kind,
    query: &ListQuery,
) -> ApiResult<Rows<Container>> {
    let source = list::Containers(kind);
    let list = list::List::containers(&source, query);
    let list = match (parent.kind, query.params.get("collection_id")) {
        (Kind::Project | Kind::Session, Some(collection)) => list.and(collected("c.id", collection)),
        _ => list,
    };
    match parent.kind {
        Kind::Collection => {
            let scope = match kind {
                Kind::Acquisition => collected("c.id", &parent.id),
                _ => Condition::new(
                    "c.id IN (SELECT q.session_id FROM collected k JOIN containers q ON q.id = k.acquisition_id
                        WHERE k.collection_id = ? AND q.deleted IS NULL)",
                    vec![parent.id.clone().into()],
                ),
            };
            let list = match query.params.get("session") {
                Some(session) => list.within("c.parent_id", session),
                None => list,
            };
            list.and(scope).visible_to(&guard.caller, list::Sight::of(kind))?.run(db, Container::from_row)
        }
        Kind::Group => {
            let list = list.within("c.parent_id", &parent.id);
            let everything = guard.caller.is_superuser() && query.exhaustive;
            let list = if everything { list } else { list.visible_to(&guard.caller, list::Sight::of(kind))? };
            list.run(db, Container::from_row)
        }
        _ => {
            let column =
                if kind.parent() == Some(parent.kind) { Some("parent_id") } else { parent.kind.column() };
            let column = column.ok_or_else(|| ApiError::internal("no column holds this ancestor"))?;
            list.within(&format!("c.{column}"), &parent.id).run(db, Container::from_row)
        }
    }
}

fn collected(column: &str, collection: &str) -> Condition {
    let sql = format!("{column} IN (SELECT acquisition_id FROM collected WHERE collection_id = ?)");
    Condition::new(sql, vec![collection.to_owned().into()])
}

/// Rows as lists show them.
pub(crate) fn shown(
    db: &Connection,
    guard: &Guard,
    rows: Rows<Container>,
    query: &ListQuery,
) -> ApiResult<Rows<Value>> {
    let total = rows.total;
    let bare = query.params.get("join_files").is_some() && !query.params.flag("join_files");
    let shape = if bare { Shape::list(query).without_files() } else { Shape::list(query) };
    let mut rows = present::containers(db, &guard.caller, rows.rows, shape)?;
    if query.params.flag("stats") || query.params.flag("counts") {
        for row in &mut rows {
            add_stats(db, guard.kind().ok(), row)?;
        }
    }
    Ok(Rows { rows, total })
}

/// `stats=true`: the counters of projects and collections.
fn add_stats(db: &Connection, kind: Option<Kind>, row: &mut Value) -> ApiResult<()> {
    let id = row.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let count =
        |sql: &str| -> ApiResult<i64> { Ok(db.prepare_cached(sql)?.query_row([&id], |row| row.get(0))?) };
    match kind {
        Some(Kind::Project) => row["stats"] = project_stats(db, &id)?,
        Some(Kind::Collection) => {
            let distinct = |column: &str| {
                count(&format!(
                    "SELECT count(DISTINCT c.{column}) FROM collected k JOIN containers c ON c.id = k.acquisition_id
                     WHERE k.collection_id = ? AND c.deleted IS NULL"
                ))
            };
            row["session_count"] = distinct("session_id")?.into();
            row["subject_count"] = distinct("subject_id")?.into();
            row["noncompliant_session_count"] = count(
                "SELECT count(DISTINCT s.id) FROM collected k JOIN containers c ON c.id = k.acquisition_id
                 JOIN containers s ON s.id = c.session_id
                 WHERE k.collection_id = ? AND c.deleted IS NULL AND s.doc ->> '$.satisfies_template' = 0",
            )?
            .into();
            row["attachment_count"] =
                count("SELECT count(*) FROM files WHERE parent_id = ? AND current")?.into();
        }
        _ => {}
    }
    Ok(())
}

/// What is in a project: how many of each kind, and what its files are.
pub(crate) fn project_stats(db: &Connection, id: &str) -> ApiResult<Value> {
    let count =
        |sql: &str| -> ApiResult<i64> { Ok(db.prepare_cached(sql)?.query_row([id], |row| row.get(0))?) };
    let of = |kind: Kind| {
        let code = kind.code();
        count(&format!(
            "SELECT count(*) FROM containers WHERE project_id = ? AND kind = {code} AND deleted IS NULL"
        ))
    };
    let judged = |satisfied: u8| {
        count(&format!(
            "SELECT count(*) FROM containers WHERE project_id = ? AND kind = 4 AND deleted IS NULL
             AND doc ->> '$.satisfies_template' = {satisfied}"
        ))
    };
    let words = |column: &str, from: &str| -> ApiResult<Vec<String>> {
        let sql = format!(
            "SELECT DISTINCT {column} FROM {from} WHERE files.project_id = ? AND current AND {column} IS NOT NULL
             ORDER BY 1"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let found = statement.query_map([id], |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    };
    Ok(json!({
        "number_of": {
            "subjects": of(Kind::Subject)?, "sessions": of(Kind::Session)?,
            "acquisitions": of(Kind::Acquisition)?, "analyses": of(Kind::Analysis)?,
            "jobs": count("SELECT count(*) FROM jobs WHERE project_id = ?")?,
            "files": count("SELECT count(*) FROM files WHERE project_id = ? AND current")?,
            "compliant_sessions": judged(1)?, "noncompliant_sessions": judged(0)?,
            "acquisition_files": count(
                "SELECT count(*) FROM files WHERE project_id = ? AND current
                 AND doc ->> '$.parent_ref.type' = 'acquisition'",
            )?,
        },
        "age_groups": [],
        "measurements": words("m.value", "files, json_each(files.doc, '$.classification.Measurement') AS m")?,
        "modalities": words("files.modality", "files")?,
        "file_types": words("files.type", "files")?,
    }))
}

/// `GET /projects/groups`: the groups of the projects that the caller may see.
pub(crate) async fn groups_of_projects(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let populated = "c.id IN (SELECT parent_id FROM containers WHERE kind = 2 AND deleted IS NULL)";
        let scope = Condition::new(populated, Vec::new());
        let rows = list::visible_containers(db, &guard.caller, Kind::Group, &query, Some(scope))?;
        shown(db, &guard, rows, &query)
    };
    state.store.read(work).await.map(list::answer)
}

/// `GET /users/{id}/{children}`: what a user is a member of; of another user only site administrators may ask.
pub(crate) async fn of_user(
    guard: Guard,
    State(state): State<AppState>,
    Path(user): Path<String>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let rows = those_of(db, &guard, guard.child()?, &user, &query)?;
        shown(db, &guard, rows, &query)
    };
    state.store.read(work).await.map(list::answer)
}

/// What a user is a member of.
///
/// # Errors
/// 403 about another user, unless an administrator of the site asks.
fn those_of(
    db: &Connection,
    guard: &Guard,
    kind: Kind,
    user: &str,
    query: &ListQuery,
) -> ApiResult<Rows<Container>> {
    if user != guard.caller.id() && !guard.caller.is_site_admin() {
        return Err(ApiError::forbidden("Only site administrators may ask this about another user"));
    }
    let column = if matches!(kind, Kind::Group | Kind::Collection) { "id" } else { "project_id" };
    let sql = format!("c.{column} IN (SELECT container_id FROM grants WHERE user_id = ?)");
    let source = list::Containers(kind);
    let list = list::List::containers(&source, query).and(Condition::new(sql, vec![user.to_owned().into()]));
    list.run(db, Container::from_row)
}
