//! Calls on many containers at once: moves with their conflicts, copies, deletions, tags. Each is all or nothing: one source
//! that is missing or forbidden refuses the whole call, except that deletions and tags count what is missing.
//!
//! | file | what it holds |
//! |---|---|
//! | `moves` | `/bulk/move/…` |
//! | `merge` | two containers of one label becoming one |
//! | `many` | `/bulk/copy/…`, `/bulk/delete/…`, `/bulk/add/tags`, `/bulk/remove/tags` |

mod many;
mod merge;
mod moves;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{
    access::Need::Login,
    error::{ApiError, ApiResult},
    route::{Route, post},
    store::Doc,
};

/// The routes of bulk calls.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        post("/bulk/move/sessions", Login, moves::sessions),
        post("/bulk/move/acquisitions", Login, moves::acquisitions),
        post("/bulk/move/subjects", Login, moves::subjects),
        post("/bulk/copy/{cname}", Login, many::copy),
        post("/bulk/delete/{cname}", Login, many::delete),
        post("/bulk/add/tags", Login, many::add_tags),
        post("/bulk/remove/tags", Login, many::remove_tags),
    ]
}

/// The texts of a list in a checked body.
fn texts(asked: &Doc, key: &str) -> Vec<String> {
    let list = asked.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Each source with its destination: the only one, or the one at the same place of the list.
fn pairs(asked: &Doc) -> ApiResult<Vec<(String, String)>> {
    let (sources, destinations) = (texts(asked, "sources"), texts(asked, "destinations"));
    match destinations.as_slice() {
        _ if sources.is_empty() => Err(ApiError::unprocessable("sources names nothing")),
        [only] => Ok(sources.into_iter().map(|source| (source, only.clone())).collect()),
        list if list.len() == sources.len() => Ok(sources.into_iter().zip(destinations).collect()),
        list => Err(ApiError::unprocessable(format!(
            "destinations has {} entries for {} sources: give one for all, or one for each",
            list.len(),
            sources.len()
        ))),
    }
}
