//! Free metadata: `PATCH` and, for older clients, `POST /{kind}/{id}/info` with `set` and `delete`, or `replace`.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::Value;

use super::change::modified;
use crate::{
    body::{JsonBody, Shape, TEXT, check, may},
    error::{ApiError, ApiResult},
    guard::Guard,
    state::AppState,
    store::{Doc, containers},
};

/// A change of free metadata.
pub(crate) struct Delta {
    set: Doc,
    delete: Vec<String>,
    replace: Option<Doc>,
}

impl Delta {
    /// Reads the body of an info call.
    ///
    /// # Errors
    /// 400 when it says nothing, or `replace` together with the others; 422 for other keys.
    pub(crate) fn read(body: Value) -> ApiResult<Self> {
        if body.is_null() || body.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(ApiError::bad_request("The body is empty: use set and delete, or replace"));
        }
        let fields =
            [may("set", Shape::Info), may("delete", Shape::List(&TEXT)), may("replace", Shape::Info)];
        let mut doc = check(body, &fields)?;
        let mut object = |key: &str| match doc.remove(key) {
            Some(Value::Object(map)) => Some(map),
            _ => None,
        };
        let (set, replace) = (object("set"), object("replace"));
        let delete = match doc.remove("delete") {
            Some(Value::Array(keys)) => {
                Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            _ => None,
        };
        if replace.is_some() && (set.is_some() || delete.is_some()) {
            return Err(ApiError::bad_request("replace cannot be combined with set or delete"));
        }
        if replace.is_none() && set.is_none() && delete.is_none() {
            return Err(ApiError::bad_request("The body says nothing: use set and delete, or replace"));
        }
        Ok(Self { set: set.unwrap_or_default(), delete: delete.unwrap_or_default(), replace })
    }

    /// Sets these keys and leaves the others.
    pub(crate) fn setting(set: Doc) -> Self {
        Self { set, delete: Vec::new(), replace: None }
    }

    /// Leaves nothing but these keys.
    pub(crate) fn replacing(all: Doc) -> Self {
        Self { set: Doc::new(), delete: Vec::new(), replace: Some(all) }
    }

    /// Applies it to the `info` of a document. `set` replaces whole top-level keys; deleting what is not there is fine.
    pub(crate) fn apply(self, doc: &mut Doc) {
        let mut info = match (self.replace, doc.remove("info")) {
            (Some(replace), _) => replace,
            (None, Some(Value::Object(info))) => info,
            (None, _) => Doc::new(),
        };
        for key in self.delete {
            info.shift_remove(&key);
        }
        info.extend(self.set);
        doc.insert("info".into(), info.into());
    }
}

/// `PATCH` and `POST /{kind}/{id}/info`
pub(crate) async fn change(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let delta = Delta::read(body)?;
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        delta.apply(&mut container.doc);
        containers::save(db, &mut container)
    };
    state.store.write(work).await?;
    Ok(modified())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn applied(info: Value, body: Value) -> Value {
        let mut doc = Doc::from_iter([("info".to_owned(), info)]);
        Delta::read(body).unwrap().apply(&mut doc);
        doc.remove("info").unwrap()
    }

    #[test]
    fn set_replaces_whole_keys_and_delete_ignores_missing_ones() {
        let info = json!({"a": {"x": 1}, "b": 2, "c": 3});
        let change = json!({"set": {"a": {"y": 2}}, "delete": ["b", "zzz"]});
        assert_eq!(applied(info, change), json!({"a": {"y": 2}, "c": 3}));
    }

    #[test]
    fn replace_swaps_everything_even_for_nothing() {
        assert_eq!(applied(json!({"a": 1}), json!({"replace": {}})), json!({}));
    }

    #[test]
    fn keys_become_storable() {
        assert_eq!(applied(json!({}), json!({"set": {"a.b": {"$c": 1}}})), json!({"a_b": {"-c": 1}}));
    }

    #[test]
    fn a_body_that_contradicts_itself_or_says_nothing_is_a_bad_request() {
        for body in [json!({}), Value::Null, json!({"set": null}), json!({"set": {}, "replace": {}})] {
            assert_eq!(Delta::read(body).err().unwrap().status(), 400);
        }
        assert_eq!(Delta::read(json!({"sett": {}})).err().unwrap().status(), 422);
    }
}
