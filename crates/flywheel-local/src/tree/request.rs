//! What a query of the tree asks for.

use flywheel_core::{filter::Filter, sort::Sort};
use serde_json::{Map, Value};

use super::graph::{Connection, Node};
use crate::{
    error::{ApiError, ApiResult, Detail},
    query::read_terms,
};

/// The files of a container, and what an analysis took in: joined by the names of their keys.
const EMBEDDED: [&str; 2] = ["files", "inputs"];

/// What is asked of one level.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) fields: Vec<String>,
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    pub(super) limit: Option<i64>,
    pub(super) join_origin: bool,
    pub(super) joined: Vec<(Connection, Spec)>,
    pub(super) embedded: Vec<Embedded>,
}

/// What is asked of the files of a container.
#[derive(Debug)]
pub(super) struct Embedded {
    pub(super) name: &'static str,
    pub(super) fields: Vec<String>,
}

/// Reads the body of `POST /tree`: one key, the level to begin at.
///
/// # Errors
/// 422 that says where; 400 for a filter that cannot be read.
pub(super) fn read(body: &Value) -> ApiResult<(Node, Spec)> {
    let given = body.as_object().into_iter().flatten().filter(|(_, spec)| !spec.is_null());
    let given: Vec<(&String, &Value)> = given.collect();
    let [(name, spec)] = given.as_slice() else {
        let message = "Name one level to begin at: groups, projects, subjects, sessions, acquisitions, analyses or jobs";
        return Err(wrong(&["body"], message, body));
    };
    let node = Node::parse(name).ok_or_else(|| wrong(&["body", name], "No such level", spec))?;
    Ok((node, read_spec(node, spec, &["body", name])?))
}

fn wrong(place: &[&str], message: impl Into<String>, input: &Value) -> ApiError {
    ApiError::invalid(vec![Detail::new(place, "value_error", message, input)])
}

fn read_spec(node: Node, spec: &Value, place: &[&str]) -> ApiResult<Spec> {
    let map = spec.as_object().ok_or_else(|| wrong(place, "Input should be a valid dictionary", spec))?;
    let text = |key: &str| -> ApiResult<&str> {
        match map.get(key) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(wrong(&[place, &[key]].concat(), "Input should be a valid string", other)),
        }
    };
    let (filter, sort) = read_terms(text("filter")?, text("sort")?)?;
    let mut read = Spec {
        fields: read_fields(map, place)?,
        filter,
        sort,
        limit: read_limit(map, place)?,
        join_origin: is_set(map, "join-origin"),
        joined: Vec::new(),
        embedded: Vec::new(),
    };
    for (key, inner) in map {
        let here = [place, &[key.as_str()]].concat();
        match key.as_str() {
            "fields" | "filter" | "sort" | "limit" | "join-origin" => {}
            _ if inner.is_null() => {}
            _ => match (EMBEDDED.into_iter().find(|name| name == key), node.connection(key)) {
                (Some(name), _) if node != Node::Job => {
                    let map = inner
                        .as_object()
                        .ok_or_else(|| wrong(&here, "Input should be a valid dictionary", inner))?;
                    read.join_origin |= is_set(map, "join-origin");
                    read.embedded.push(Embedded { name, fields: read_fields(map, &here)? });
                }
                (_, Some(connection)) => {
                    let inner = read_spec(connection.to, inner, &here)?;
                    read.joined.push((connection, inner));
                }
                (_, None) => {
                    let message = format!("{} have no connection {key}: see /tree/graph", node.plural());
                    return Err(wrong(&here, message, inner));
                }
            },
        }
    }
    Ok(read)
}

fn is_set(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn read_fields(map: &Map<String, Value>, place: &[&str]) -> ApiResult<Vec<String>> {
    let place = [place, &["fields"]].concat();
    match map.get("fields") {
        None => {
            let missing = Detail::new(&place, "missing", "Field required", &Value::Null);
            Err(ApiError::invalid(vec![missing]))
        }
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(other) => Err(wrong(&place, "Input should be a list of strings", other)),
    }
}

fn read_limit(map: &Map<String, Value>, place: &[&str]) -> ApiResult<Option<i64>> {
    match map.get("limit") {
        None | Some(Value::Null) => Ok(None),
        Some(given) => match given.as_i64() {
            Some(limit) if limit >= 0 => Ok(Some(limit).filter(|&limit| limit > 0)),
            _ => Err(wrong(
                &[place, &["limit"]].concat(),
                "Input should be a whole number that is not negative",
                given,
            )),
        },
    }
}
