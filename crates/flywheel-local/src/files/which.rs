//! Which file a route speaks of: by its container and name, or by its id.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    access::Action,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    store::{
        containers::{self, Container},
        files::{self, FileRow},
    },
};

/// The kinds of container that have analyses.
pub(crate) const ANALYSED: [Kind; 5] =
    [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Collection];

/// The file that a path names. Routes call their parameters `{file_id}`, or `{id}` (`{analysis}` below it) and `{name}`,
/// or `{input}` where only an input of an analysis is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// `/files/{file_id}…`
    ById(String),
    /// `/{containers}/{id}/files/{name}…`
    ByName {
        /// The container.
        container: String,
        /// The analysis of that container which holds the file, when one is named.
        analysis: Option<String>,
        /// The file's name.
        name: String,
        /// Whether it is among the inputs of an analysis, whatever else has this name.
        input: bool,
    },
}

/// A file and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The file.
    pub file: FileRow,
    /// The container that holds it, or the analysis whose input it is.
    pub container: Container,
    /// Whether it was found among the inputs of an analysis, which keep even what was deleted since.
    pub input: bool,
}

impl Which {
    /// The version (0 is the current one) of the file, when the caller may do to it what the route needs.
    ///
    /// # Errors
    /// 404 when there is no such file, 403 when the caller may not, 422 for ill-formed ids.
    pub(crate) fn find(&self, db: &Connection, guard: &Guard, version: i64) -> ApiResult<Found> {
        match self {
            Self::ById(file_id) => {
                let (file, container) = guard.file(db, file_id, version)?;
                Ok(Found { file, container, input: false })
            }
            Self::ByName { container, analysis, name, input } => {
                let container = holder(db, guard, container, analysis.as_deref(), None)?;
                in_container(db, container, name, version, *input)
            }
        }
    }
}

/// The container that a route's path names, or the analysis below it.
///
/// # Errors
/// 404, 403 and 422 as [`Guard::container`]; 404 for an analysis of something else.
pub(super) fn holder(
    db: &Connection,
    guard: &Guard,
    container: &str,
    analysis: Option<&str>,
    action: Option<Action>,
) -> ApiResult<Container> {
    let Some(analysis) = analysis else {
        return match action {
            Some(action) => guard.container_for(db, container, action),
            None => guard.container(db, container),
        };
    };
    let found = guard.container_of(db, Kind::Analysis, analysis)?;
    let parent = found.doc.get("parent").and_then(|parent| parent.get("id")).and_then(Value::as_str);
    if parent == Some(container) { Ok(found) } else { Err(containers::missing(Kind::Analysis, analysis)) }
}

fn in_container(
    db: &Connection,
    container: Container,
    name: &str,
    version: i64,
    input: bool,
) -> ApiResult<Found> {
    let current = if input { None } else { files::by_name(db, &container.id, name)? };
    let file = match current {
        Some(current) if version == 0 || version == current.version() => Some(current),
        Some(current) => files::by_id(db, current.file_id(), version)?,
        None => None,
    };
    if let Some(file) = file {
        return Ok(Found { file, container, input: false });
    }
    match inputs(db, &container, Some(name))?.into_iter().next() {
        Some(file) if version == 0 || version == file.version() => Ok(Found { file, container, input: true }),
        _ => Err(missing(&container, name)),
    }
}

fn missing(container: &Container, name: &str) -> ApiError {
    ApiError::not_found(format!("Could not find resource file:{name} in {} {}", container.kind, container.id))
}

/// The entries of what an analysis took in, of this name when one is given.
pub(super) fn input_entries<'a>(
    analysis: &'a Container,
    name: Option<&'a str>,
) -> impl Iterator<Item = &'a Value> {
    let inputs = analysis.doc.get("inputs").and_then(Value::as_array).into_iter().flatten();
    inputs.filter(move |input| name.is_none() || input.get("name").and_then(Value::as_str) == name)
}

/// The files that an analysis took in, in the versions it took, of this name when one is given.
pub(super) fn inputs(db: &Connection, analysis: &Container, name: Option<&str>) -> ApiResult<Vec<FileRow>> {
    let uuids = input_entries(analysis, name).filter_map(|input| input.get("_id")?.as_str());
    let rows = uuids.map(|uuid| files::by_uuid(db, uuid));
    rows.filter_map(Result::transpose).collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Which {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        if let Some(file_id) = parameter(parts, state, "file_id").await? {
            return Ok(Self::ById(file_id));
        }
        let (container, analysis) = container_of_path(parts, state).await?;
        let named = parameter(parts, state, "name").await?;
        let input = named.is_none();
        let name = if input { parameter(parts, state, "input").await? } else { named };
        Ok(Self::ByName { container, analysis, name: name.ok_or_else(unnamed)?, input })
    }
}

/// The container that a path names, and the analysis below it when it names one.
pub(super) async fn container_of_path<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> ApiResult<(String, Option<String>)> {
    let container = parameter(parts, state, "id").await?.ok_or_else(unnamed)?;
    Ok((container, parameter(parts, state, "analysis").await?))
}

async fn parameter<S: Send + Sync>(parts: &mut Parts, state: &S, wanted: &str) -> ApiResult<Option<String>> {
    let parameters = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|error| ApiError::bad_request(format!("The path cannot be read: {error}")))?;
    Ok(parameters.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()))
}

fn unnamed() -> ApiError {
    ApiError::internal("a file route without the parameters of one")
}
