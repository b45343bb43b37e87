//! What a search asks for, read from its body and checked.

use flywheel_core::query::{self, Place};
use serde_json::Value;

use super::{filters, level::Level, node::Node};
use crate::{
    auth::Caller,
    body::{self, Field, Shape, TEXT, may, must},
    error::{ApiError, ApiResult},
    query::Params,
    store::Doc,
};

/// How many results when nobody says.
const USUAL: usize = 100;

/// The most results that a number may ask for.
const MOST: i64 = 10_000;

/// The most tests in one search: a statement holds no more.
const TESTS: usize = 500;

/// The longest text of a query, in bytes.
const LONGEST: usize = 1 << 20;

const CONDITIONS: [Field; 4] = [
    must("return_type", Shape::OneOf(Level::RETURNED)),
    may("structured_query", TEXT),
    may("search_string", TEXT),
    may("filters", Shape::List(&Shape::Any)),
];

/// The body of a search.
pub(super) const SEARCH: &[Field] = &[
    CONDITIONS[0],
    CONDITIONS[1],
    CONDITIONS[2],
    CONDITIONS[3],
    may("all_data", Shape::Bool),
    may("sort", Shape::Object(&[must("field", TEXT), must("order", Shape::OneOf(&["asc", "desc"]))])),
    may("size", Shape::Either(&Shape::Int, &Shape::OneOf(&["all"]))),
];

/// The body of a deletion by search.
pub(super) const DELETION: &[Field] = &CONDITIONS;

/// A search as it was asked for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) returned: Level,
    /// What must hold; nothing was asked when it is empty.
    pub(super) node: Node,
    pub(super) all_data: bool,
    /// Field, and whether it descends.
    pub(super) sort: Option<(String, bool)>,
    pub(super) limit: Option<usize>,
}

impl Request {
    /// Reads a body of these fields; `size` in it goes before the parameter of the same name.
    ///
    /// # Errors
    /// 422 for a body that is none or a query that cannot be read, 400 for a size or a filter that cannot be, 403 for
    /// `all_data` by anybody but site administrators and devices.
    pub(super) fn read(body: Value, fields: &[Field], params: &Params, caller: &Caller) -> ApiResult<Self> {
        let body = body::check(body, fields)?;
        let returned = text(&body, "return_type").and_then(Level::parse);
        let returned = returned.ok_or_else(|| ApiError::internal("a return type without a level"))?;
        let node = conditions(&body)?;
        let all_data = body.get("all_data").and_then(Value::as_bool).unwrap_or(false);
        if all_data && !caller.is_superuser() {
            let message = "all_data is for site administrators: leave it out to search what you may see";
            return Err(ApiError::forbidden(message).with("reason", "permission_denied"));
        }
        let sort = body.get("sort").and_then(Value::as_object).map(|sort| {
            let field = text(sort, "field").unwrap_or_default();
            (field.to_owned(), text(sort, "order") == Some("desc"))
        });
        Ok(Self { returned, node, all_data, sort, limit: limit(&body, params)? })
    }

    /// Whether it asks for anything less than everything.
    pub(super) fn is_narrow(&self) -> bool {
        self.node.count() > 0
    }
}

fn text<'a>(body: &'a Doc, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn conditions(body: &Doc) -> ApiResult<Node> {
    let mut all = Vec::new();
    if let Some(node) = text(body, "structured_query").map(structured).transpose()?.flatten() {
        all.push(node);
    }
    if let Some(string) = text(body, "search_string").map(str::trim).filter(|string| !string.is_empty()) {
        all.push(Node::Text(string.to_owned()));
    }
    if let Some(clauses) = body.get("filters").and_then(Value::as_array) {
        all.push(filters::of_clauses(clauses)?);
    }
    let node = Node::All(all);
    if node.count() > TESTS {
        return Err(ApiError::bad_request(format!(
            "A search makes at most {TESTS} tests: use IN for lists of values"
        )));
    }
    Ok(node)
}

/// What a query in the query language asks for; nothing when it is empty.
///
/// # Errors
/// 422 with a line `line:pos - message` for each error.
pub(super) fn structured(text: &str) -> ApiResult<Option<Node>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.len() > LONGEST {
        return Err(ApiError::bad_request(format!("A query has at most {LONGEST} bytes")));
    }
    let query = query::parse(text).map_err(|errors| {
        let line = |error: &query::ParseError| {
            let Place { line, pos, .. } = query::place(error);
            format!("{line}:{pos} - {}", error.message)
        };
        ApiError::unprocessable(errors.iter().map(line).collect::<Vec<_>>().join("\n"))
    })?;
    Node::of_query(&query).map(Some)
}

fn limit(body: &Doc, params: &Params) -> ApiResult<Option<usize>> {
    let parameter = params.get("size").map(|text| text.parse::<i64>().map_or(Value::from(text), Value::from));
    let size = body.get("size").filter(|size| !size.is_null()).cloned().or(parameter);
    match size {
        None => Ok(Some(USUAL)),
        Some(Value::String(all)) if all == "all" => Ok(None),
        Some(size) => match size.as_i64() {
            Some(size) if size != 0 && size <= MOST => Ok(Some(usize::try_from(size.max(1)).unwrap_or(1))),
            _ => Err(ApiError::bad_request(format!(
                "The size {size} is no number from 1 to {MOST}, nor \"all\""
            ))),
        },
    }
}
