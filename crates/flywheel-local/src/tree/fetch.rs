//! Answering a query of the tree.

use axum::{extract::State, response::Response};
use rusqlite::Connection as Database;
use serde_json::{Map, Value};

use super::{
    graph::{Connection, Node},
    request::{self, Spec},
};
use crate::{
    access,
    auth::Caller,
    body::JsonBody,
    error::{ApiError, ApiResult},
    filter_sql::Condition,
    guard::Guard,
    jobs,
    kind::Kind,
    list::{self, Containers, List, Rows, Sight},
    present::{self, Shape},
    query::ListQuery,
    state::AppState,
    store::containers::{self, Container},
};

/// `POST /tree`
pub(super) async fn fetch(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let (node, spec) = request::read(&body)?;
    let work = move |db: &Database| {
        let tree = Tree { db, caller: &guard.caller, info: query.all_info, exhaustive: query.exhaustive };
        let query = narrowed(&spec, query.clone());
        match node {
            Node::Container(kind) => {
                let rows = list::visible_containers(db, &guard.caller, kind, &query, None)?;
                Ok(Rows { rows: tree.show(kind, rows.rows, &spec)?, total: rows.total })
            }
            Node::Job => tree.jobs(None, &spec, &query),
        }
    };
    state.store.read(work).await.map(list::answer)
}

/// The query of the call with what the body adds to it for the first level.
fn narrowed(spec: &Spec, mut query: ListQuery) -> ListQuery {
    query.filter.clauses.extend(spec.filter.clauses.iter().cloned());
    if !spec.sort.keys.is_empty() {
        query.sort = spec.sort.clone();
    }
    query.limit = spec.limit.or(query.limit);
    query
}

/// What holds for every level of a query.
struct Tree<'a> {
    db: &'a Database,
    caller: &'a Caller,
    info: bool,
    exhaustive: bool,
}

impl Tree<'_> {
    /// Containers with the fields that are asked for, and what is joined to them.
    fn show(&self, kind: Kind, rows: Vec<Container>, spec: &Spec) -> ApiResult<Vec<Value>> {
        let files = !spec.embedded.is_empty() || spec.fields.iter().any(|field| first_key(field) == "files");
        let shape = Shape::picked(self.info, files || spec.join_origin, spec.join_origin);
        let whole = present::containers(self.db, self.caller, rows.clone(), shape)?;
        let mut shown = Vec::with_capacity(whole.len());
        for (container, whole) in rows.iter().zip(whole) {
            let mut picked = self.pick(&whole, &spec.fields);
            for embedded in &spec.embedded {
                let list = whole.get(embedded.name).and_then(Value::as_array).into_iter().flatten();
                let list: Vec<Value> = list.map(|file| self.pick(file, &embedded.fields).into()).collect();
                picked.insert(embedded.name.into(), list.into());
            }
            if let (true, Some(origins)) = (spec.join_origin, whole.get("join-origin")) {
                picked.insert("join-origin".into(), origins.clone());
            }
            for (connection, inner) in &spec.joined {
                picked.insert(connection.name.into(), self.join(kind, container, connection, inner)?);
            }
            shown.push(picked.into());
        }
        Ok(shown)
    }

    /// The id and these fields, as far as they are there. `info` is only given when all of it was asked for.
    fn pick(&self, doc: &Value, fields: &[String]) -> Map<String, Value> {
        let mut picked = Map::new();
        if let Some(id) = doc.get("_id") {
            picked.insert("_id".into(), id.clone());
        }
        for field in fields {
            if first_key(field) == "info" && !self.info {
                continue;
            }
            if let Some(value) = at(doc, field) {
                put(&mut picked, field, value.clone());
            }
        }
        picked
    }

    fn join(&self, kind: Kind, from: &Container, connection: &Connection, spec: &Spec) -> ApiResult<Value> {
        match connection.to {
            Node::Container(level) if connection.one => {
                let found = match from.ancestor(level) {
                    Some(id) => containers::find(self.db, id)?,
                    None => None,
                };
                let view = access::Action::ContainersViewMetadata;
                let seen = match found {
                    Some(found) if access::allowed(self.db, self.caller, &found, view)? => vec![found],
                    _ => Vec::new(),
                };
                Ok(self.show(level, seen, spec)?.pop().unwrap_or_default())
            }
            Node::Container(level) => {
                let query = self.query(spec);
                let source = Containers(level);
                let list = List::containers(&source, &query).and(below(kind, &from.id, level)?);
                let rows =
                    list.visible_to(self.caller, Sight::of(level))?.run(self.db, Container::from_row)?;
                self.show(level, rows.rows, spec).map(Value::from)
            }
            Node::Job => {
                let jobs = self.jobs(Some((kind, from)), spec, &self.query(spec))?.rows;
                Ok(if connection.one { jobs.into_iter().next().unwrap_or_default() } else { jobs.into() })
            }
        }
    }

    /// The jobs of a container, or all of them.
    fn jobs(&self, of: Option<(Kind, &Container)>, spec: &Spec, query: &ListQuery) -> ApiResult<Rows<Value>> {
        let condition = of.map(|(kind, from)| match kind {
            Kind::Analysis => Condition::new("j.id = ?", vec![from.text("job").to_owned().into()]),
            _ => Condition::new(
                format!(
                    "j.id IN (SELECT job_id FROM job_containers WHERE container_id = ?)
                     AND j.doc ->> '$.parents.{}' = ?",
                    kind.singular()
                ),
                vec![from.id.clone().into(), from.id.clone().into()],
            ),
        });
        let found = jobs::found(self.db, self.caller, query, condition)?;
        let rows = found.rows.iter().map(|job| {
            let id = job.get("_id").or_else(|| job.get("id")).cloned().unwrap_or_default();
            let mut picked = self.pick(job, &spec.fields);
            picked.shift_insert(0, "_id".into(), id);
            picked.into()
        });
        Ok(Rows { rows: rows.collect(), total: found.total })
    }

    fn query(&self, spec: &Spec) -> ListQuery {
        ListQuery {
            filter: spec.filter.clone(),
            sort: spec.sort.clone(),
            limit: spec.limit,
            exhaustive: self.exhaustive,
            ..ListQuery::default()
        }
    }
}

/// What lies somewhere below a container, by the columns that have indexes.
fn below(kind: Kind, id: &str, level: Kind) -> ApiResult<Condition> {
    let column = if level == Kind::Analysis || level.parent() == Some(kind) {
        "c.parent_id = ?".to_owned()
    } else if kind == Kind::Group {
        "c.project_id IN (SELECT id FROM containers WHERE parent_id = ? AND kind = 2 AND deleted IS NULL)"
            .into()
    } else {
        let column = kind.column().ok_or_else(|| ApiError::internal("no column holds this ancestor"))?;
        format!("c.{column} = ?")
    };
    Ok(Condition::new(column, vec![id.to_owned().into()]))
}

fn first_key(field: &str) -> &str {
    field.split('.').next().unwrap_or(field)
}

fn at<'a>(doc: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(doc, |value, key| value.get(key))
}

/// Puts a value at a path, making the objects on the way.
fn put(doc: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(doc.insert(path.into(), value)),
        Some((head, rest)) => {
            let inner = doc.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
