//! Which provider computes a job: the one that is named, or that of the nearest place that has one.

use http::StatusCode;
use rusqlite::Connection;
use serde_json::Value;

use super::RECORD;
use crate::{
    error::{ApiError, ApiResult},
    jobs::PROVIDER,
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        records,
    },
    system,
};

/// The compute provider of a job in a project: the one that is named, else that of the project, of its group or of the
/// site's settings, else the site itself. What a place names that is not there any more counts as nothing.
///
/// # Errors
/// 412 when a provider is named that is none.
pub(crate) fn computing(db: &Connection, named: Option<&str>, project: Option<&str>) -> ApiResult<Doc> {
    if let Some(id) = named {
        return compute(db, id)?.ok_or_else(|| {
            ApiError::new(StatusCode::PRECONDITION_FAILED, format!("There is no compute provider {id}"))
        });
    }
    let project = project.map(|id| containers::find(db, id)).transpose()?.flatten();
    let group = project.as_ref().and_then(|project| project.ancestor(Kind::Group));
    let group = group.map(|id| containers::find(db, id)).transpose()?.flatten();
    let places = [project, group].into_iter().flatten().map(|place: Container| place.doc);
    for place in places.chain([system::stored_settings(db)?]) {
        let id = place.get("providers").and_then(|providers| providers.get("compute"));
        if let Some(found) = id.and_then(Value::as_str).map(|id| compute(db, id)).transpose()?.flatten() {
            return Ok(found);
        }
    }
    compute(db, PROVIDER)?.ok_or_else(|| ApiError::internal("the site lacks its own compute provider"))
}

fn compute(db: &Connection, id: &str) -> ApiResult<Option<Doc>> {
    let found = records::get(db, RECORD, id)?;
    Ok(found.filter(|provider| provider.get("provider_class").is_some_and(|class| class == "compute")))
}
