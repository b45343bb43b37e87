//! Who is behind the files of a container: what `join=origin` adds to it.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    error::ApiResult,
    query::Params,
    store::{
        Doc,
        records::{self, AccountKind},
    },
};

/// Whether a request asks for the origins.
pub(crate) fn wanted(params: &Params) -> bool {
    params.all("join").any(|value| value == "origin")
}

/// Puts the people and devices that the files of a document come from into its `join-origin`, by id.
pub(crate) fn join(db: &Connection, doc: &mut Doc) -> ApiResult<()> {
    let (users, devices) = (ids(doc, AccountKind::User), ids(doc, AccountKind::Device));
    let mut joined = json!({"user": {}, "device": {}, "job": {}});
    for id in users {
        let user = records::account(db, AccountKind::User, &id)?.unwrap_or_default();
        let name = |field: &str| user.get(field).cloned().unwrap_or_else(|| "".into());
        joined["user"][&id] = json!({"firstname": name("firstname"), "lastname": name("lastname")});
    }
    for id in devices {
        let device = records::account(db, AccountKind::Device, &id)?.unwrap_or_default();
        joined["device"][&id] = json!({"name": device.get("name")});
    }
    doc.insert("join-origin".into(), joined);
    Ok(())
}

/// The ids of one kind among the origins of a document's files.
fn ids(doc: &Doc, kind: AccountKind) -> BTreeSet<String> {
    let lists = ["files", "inputs"].into_iter().filter_map(|list| doc.get(list).and_then(Value::as_array));
    let origins = lists.flatten().filter_map(|file| file.get("origin"));
    origins
        .filter(|origin| origin.get("type").is_some_and(|name| name == kind.name()))
        .filter_map(|origin| origin.get("id").and_then(Value::as_str))
        .map(str::to_owned)
        .collect()
}
