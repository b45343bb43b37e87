//! Context inputs: values of `info.context`, from the nearest container that has them.

use rusqlite::Connection;
use serde_json::Value;

use super::order::Asker;
use crate::{
    access::Action,
    error::ApiResult,
    kind::Kind,
    store::containers::{self, Container},
};

/// A value, and the container that gives it.
pub(crate) struct Found {
    pub(crate) container: Container,
    pub(crate) value: Value,
}

/// Looks for a value from a container upwards. Containers that the asker may not read are passed over.
pub(crate) fn find(
    db: &Connection,
    asker: &Asker<'_>,
    from: &Container,
    name: &str,
) -> ApiResult<Option<Found>> {
    let above = Kind::LEVELS.into_iter().rev().filter(|kind| *kind != from.kind);
    let ids = above.filter_map(|kind| from.ancestor(kind)).map(str::to_owned);
    let ids: Vec<String> = std::iter::once(from.id.clone()).chain(ids).collect();
    for id in ids {
        let Some(container) = containers::find(db, &id)? else { continue };
        let value = container.doc.get("info").and_then(|info| info.get("context")?.get(name)).cloned();
        if let Some(value) = value
            && asker.may(db, &container, Action::ContainersViewMetadata)?
        {
            return Ok(Some(Found { container, value }));
        }
    }
    Ok(None)
}
