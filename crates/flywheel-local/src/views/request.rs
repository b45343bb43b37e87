//! What a call asks for: which view on which container, filtered and ordered how, written in which format.

use axum::{extract::FromRequestParts, http::request::Parts};
use flywheel_core::{
    filter::Filter,
    sort::Sort,
    view::{OutputFormat, Plan, View},
};
use rusqlite::Connection;
use serde_json::Value;

use super::saved;
use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult, Detail},
    guard::require_object_id,
    kind::Kind,
    query::Params,
    store::containers::{self, Container},
};

/// The rows of a result that are wanted, and in which order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Order {
    pub(super) sort: Sort,
    pub(super) skip: u64,
    /// At most so many rows; none is all.
    pub(super) limit: Option<u64>,
}

/// The query of a call that runs a view.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// The container to run on.
    pub(super) container: String,
    /// The filter as it was written.
    pub(super) filter: String,
    /// The order as it was written.
    pub(super) sort: String,
    pub(super) order: Order,
    pub(super) format: OutputFormat,
    /// The name under which the data are offered, without an ending.
    pub(super) name: String,
}

/// What is run.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) plan: Plan,
    pub(super) target: Container,
    pub(super) order: Order,
}

impl Asked {
    fn read(params: &Params) -> ApiResult<Self> {
        let text = |name: &str| params.get(name).unwrap_or_default().to_owned();
        let sort = text("sort");
        let order = Order {
            sort: sort.parse().map_err(|error| {
                ApiError::unprocessable(format!("cannot parse the sort expression: {error}"))
            })?,
            skip: number(params, "skip")?.unwrap_or(0),
            limit: number(params, "limit")?.filter(|limit| *limit > 0),
        };
        let name = params.get("filename").filter(|name| !name.is_empty()).unwrap_or("view-data").to_owned();
        let format = format(params, "format")?;
        Ok(Self { container: text("containerId"), filter: text("filter"), sort, order, format, name })
    }

    /// Checks a view against the rest of the call.
    ///
    /// # Errors
    /// 400 for a filter or a view that cannot work, and for an order by a column that does not come out.
    pub(super) fn plan(&self, view: &View) -> ApiResult<Plan> {
        plan(view, &self.filter, &self.order.sort)
    }
}

/// As [`Asked::plan`], from the filter as it was written.
pub(super) fn plan(view: &View, filter: &str, sort: &Sort) -> ApiResult<Plan> {
    let more: Filter = filter.parse().map_err(|error| {
        ApiError::bad_request(format!("cannot parse {filter:?} as a filter expression: {error}"))
    })?;
    let plan = saved::plan(view, &more)?;
    if plan.own_fields_at.is_none() {
        let names: Vec<&str> = plan.columns.iter().map(|column| column.name.as_str()).collect();
        sort_places(sort, &names)?;
    }
    Ok(plan)
}

/// Where the columns stand by which a result is ordered.
///
/// # Errors
/// 400 for one that does not come out.
pub(super) fn sort_places(sort: &Sort, names: &[&str]) -> ApiResult<Vec<usize>> {
    let place = |path: &str| {
        names.iter().position(|name| *name == path).ok_or_else(|| {
            ApiError::bad_request(format!(
                "sort: no column is called {path:?}; there are {}",
                names.join(", ")
            ))
        })
    };
    sort.keys.iter().map(|key| place(&key.path)).collect()
}

/// The format that a parameter names.
///
/// # Errors
/// 422 for one that is none.
pub(super) fn format(params: &Params, name: &'static str) -> ApiResult<OutputFormat> {
    let Some(given) = params.get(name).filter(|given| !given.is_empty()) else {
        return Ok(OutputFormat::default());
    };
    OutputFormat::parse(given).ok_or_else(|| {
        let all: Vec<&str> = OutputFormat::ALL.into_iter().map(OutputFormat::name).collect();
        let message = format!("Input should be one of: {}", all.join(", "));
        ApiError::invalid(vec![Detail::new(&["query", name], "enum", message, &given.into())])
    })
}

fn number(params: &Params, name: &'static str) -> ApiResult<Option<u64>> {
    let Some(text) = params.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let message = "Input should be a whole number that is not negative";
        ApiError::invalid(vec![Detail::new(&["query", name], "int_parsing", message, &text.into())])
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        Self::read(&Params::from_request_parts(parts, state).await?)
    }
}

/// The container to run on: a project, or something in it.
///
/// # Errors
/// 422 when none is named, 404 when there is none, 400 for one that views cannot run on.
pub(super) fn find_target(db: &Connection, id: &str) -> ApiResult<Container> {
    if id.is_empty() {
        let missing = Detail::new(&["query", "containerId"], "missing", "Field required", &Value::Null);
        return Err(ApiError::invalid(vec![missing]));
    }
    match containers::find(db, id)? {
        None => {
            require_object_id(id)?;
            Err(ApiError::not_found(format!("Could not find resource container:{id}")))
        }
        Some(found) => match found.kind {
            Kind::Project | Kind::Subject | Kind::Session | Kind::Acquisition => Ok(found),
            kind => Err(ApiError::bad_request(format!(
                "A view cannot run on a {kind}: name a project, subject, session or acquisition"
            ))),
        },
    }
}

/// As [`find_target`], when the caller may see what the plan reads there.
///
/// # Errors
/// As [`find_target`], and 403 when the caller may not.
pub(super) fn target(db: &Connection, caller: &Caller, id: &str, plan: &Plan) -> ApiResult<Container> {
    let target = find_target(db, id)?;
    let mut actions = vec![Action::ContainersViewMetadata];
    if let Some(rule) = &plan.files {
        actions.push(if rule.records { Action::FilesViewContents } else { Action::FilesViewMetadata });
        if rule.analyses.is_some() {
            actions.push(Action::AnalysesViewMetadata);
        }
    }
    for action in actions {
        access::authorize(db, caller, &target, action)?;
    }
    Ok(target)
}
