//! The document of a rule: reading it, checking it against its gear, showing it.

use std::sync::LazyLock;

use flywheel_core::gear::{Base, ConfigError, Input, Manifest};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    condition::{Conditions, LISTS, TYPES},
    table::{self, SITE},
};
use crate::{
    access::{self, Action, roles},
    auth::Caller,
    body::{Field, Shape, TAG, TEXT, may, must},
    error::{ApiError, ApiResult},
    gears::store::{self as gears, Gear},
    kind::Kind,
    store::{
        Doc, containers,
        files::{self, FileRow},
        new_id, now, records,
    },
};

const CONDITIONS: Shape = Shape::List(&Shape::Object(&[
    must("type", Shape::OneOf(&TYPES)),
    must("value", Shape::Any),
    may("regex", Shape::Bool),
]));

/// A file named by its container, or by its id.
const FIXED: Shape = Shape::Either(
    &Shape::Object(&[
        must("file_id", Shape::Id),
        may("version", Shape::Int),
        must("input", Shape::Text(1, usize::MAX)),
    ]),
    &Shape::Object(&[
        must("type", TEXT),
        must("id", TEXT),
        must("name", TEXT),
        may("version", Shape::Int),
        may("group", TEXT),
        must("input", Shape::Text(1, usize::MAX)),
    ]),
);

/// The body of a new rule.
pub(super) const FIELDS: &[Field] = &[
    must("gear_id", Shape::Id),
    must("name", Shape::Text(1, 256)),
    may("project_id", TEXT),
    may("role_id", Shape::Id),
    may("config", Shape::Any),
    may("fixed_inputs", Shape::List(&FIXED)),
    may("priority", Shape::OneOf(&["low", "medium", "high", "critical"])),
    may("auto_update", Shape::Bool),
    may("any", CONDITIONS),
    may("all", CONDITIONS),
    may("not", CONDITIONS),
    may("disabled", Shape::Bool),
    may("compute_provider_id", TEXT),
    may("triggering_input", TEXT),
    may("tags", Shape::List(&TAG)),
];

/// The body of a change: the same fields, none of them required.
pub(super) static CHANGES: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let fields = FIELDS.iter().filter(|field| field.name != "project_id");
    fields.map(|field| Field { required: false, ..*field }).collect()
});

/// The document of a new rule.
///
/// # Errors
/// As [`checked`].
pub(super) fn create(db: &Connection, caller: &Caller, project: &str, given: Doc) -> ApiResult<Doc> {
    let time = now();
    let rule = json!({
        "_id": new_id(), "project_id": project, "gear_id": null, "role_id": null, "name": null, "config": {},
        "fixed_inputs": [], "priority": "medium", "auto_update": false, "any": [], "all": [], "not": [],
        "disabled": false, "triggering_input": null, "tags": [], "compute_provider_id": null,
        "revision": 0, "created": time, "modified": time,
    });
    checked(db, caller, rule.as_object().cloned().unwrap_or_default(), given)
}

/// A rule after a change.
///
/// # Errors
/// As [`checked`].
pub(super) fn change(db: &Connection, caller: &Caller, mut rule: Doc, given: Doc) -> ApiResult<Doc> {
    let other_gear = given.get("gear_id").is_some_and(|gear| rule.get("gear_id") != Some(gear));
    if other_gear && !given.contains_key("triggering_input") {
        rule.insert("triggering_input".into(), Value::Null);
    }
    checked(db, caller, rule, given)
}

/// Puts what is given into a rule and checks the whole.
///
/// # Errors
/// 404 for a gear, a role or a fixed input that is not there; 422 for conditions or a configuration that cannot be; 400
/// for what does not go together.
fn checked(db: &Connection, caller: &Caller, mut rule: Doc, given: Doc) -> ApiResult<Doc> {
    // A null says no more than a missing key: the default or what was there stays.
    let fields = given.into_iter().filter(|(key, value)| key != "project_id" && !value.is_null());
    rule.extend(fields);
    conditions(&rule)?;
    let manifest = manifest(db, &rule)?;
    let fixed = fixed_inputs(db, caller, &rule, &manifest)?;
    let automatic = rule.get("auto_update").and_then(Value::as_bool).unwrap_or(false);
    let config = rule.get("config").and_then(Value::as_object).cloned();
    let config =
        config.ok_or_else(|| ApiError::unprocessable("config is an object of the gear's settings"))?;
    if automatic && !(fixed.is_empty() && config.is_empty()) {
        return Err(ApiError::bad_request(
            "auto_update cannot stand beside config or fixed_inputs: the next version of the gear may not know them",
        ));
    }
    manifest.complete_config(&config).map_err(unfit)?;
    let input = triggering_input(&rule, &manifest, &fixed)?;
    keys(db, &rule, &manifest)?;
    rule.insert("fixed_inputs".into(), fixed.into());
    rule.insert("triggering_input".into(), input.into());
    table::touch(&mut rule, caller.origin());
    Ok(rule)
}

fn conditions(rule: &Doc) -> ApiResult<()> {
    Conditions::of(rule).map_err(ApiError::unprocessable)?;
    let empty = |key: &str| rule.get(key).and_then(Value::as_array).is_none_or(Vec::is_empty);
    match LISTS.into_iter().all(empty) {
        true => Err(ApiError::bad_request("A rule needs at least one condition in any, all or not")),
        false => Ok(()),
    }
}

/// The manifest of the rule's gear, when rules may run it.
fn manifest(db: &Connection, rule: &Doc) -> ApiResult<Manifest> {
    let gear: Gear = gears::get(db, rule.get("gear_id").and_then(Value::as_str).unwrap_or_default())?;
    let manifest = gear.manifest()?;
    if manifest.invalid().is_some() {
        return Err(ApiError::bad_request("Gear marked as invalid, will not run!"));
    }
    if gear.is_analysis() {
        return Err(ApiError::bad_request(
            "An analysis gear cannot be run by a rule: its outputs need an analysis",
        ));
    }
    Ok(manifest)
}

/// 422 in the form in which jobs tell it.
fn unfit(error: ConfigError) -> ApiError {
    ApiError::unprocessable(error.to_string())
        .with("reason", "config did not match manifest")
        .with("key", error.key)
        .with("error", error.error)
}

fn file_inputs(manifest: &Manifest) -> impl Iterator<Item = Input<'_>> {
    manifest.inputs().filter(|input| input.base() == Base::File)
}

/// The fixed inputs in full: container, name, id and version of each file.
fn fixed_inputs(db: &Connection, caller: &Caller, rule: &Doc, manifest: &Manifest) -> ApiResult<Vec<Value>> {
    let mut fixed: Vec<Value> = Vec::new();
    for given in rule.get("fixed_inputs").and_then(Value::as_array).into_iter().flatten() {
        let input = given.get("input").and_then(Value::as_str).unwrap_or_default();
        if !file_inputs(manifest).any(|file| file.name == input) {
            return Err(ApiError::bad_request(format!("The gear has no file input {input:?} to fix")));
        }
        if fixed.iter().any(|other| other.get("input") == given.get("input")) {
            return Err(ApiError::bad_request(format!("The input {input:?} is fixed twice")));
        }
        let file = file_of(db, given)?;
        let container = containers::find(db, file.parent_id())?
            .ok_or_else(|| ApiError::not_found(format!("The container of {} is gone", file.text("name"))))?;
        access::authorize(db, caller, &container, Action::FilesViewContents)?;
        let project = rule.get("project_id").and_then(Value::as_str);
        if project != Some(SITE) && container.ancestor(Kind::Project) != project {
            return Err(ApiError::bad_request(format!(
                "The file for the fixed input {input:?} is not in the rule's project: copy it there"
            )));
        }
        fixed.push(json!({
            "type": container.kind.singular(), "id": container.id, "name": file.text("name"),
            "file_id": file.file_id(), "version": file.version(), "input": input,
        }));
    }
    Ok(fixed)
}

fn file_of(db: &Connection, given: &Value) -> ApiResult<FileRow> {
    let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
    let version = given.get("version").and_then(Value::as_i64).unwrap_or(0);
    let file_id = match text("file_id") {
        "" => files::by_name(db, text("id"), text("name"))?.map(|file| file.file_id().to_owned()),
        id => Some(id.to_owned()),
    };
    let file = file_id.map_or(Ok(None), |id| files::by_id(db, &id, version))?;
    file.ok_or_else(|| ApiError::not_found(format!("There is no file for the fixed input {given}")))
}

/// The input that takes the triggering file: the one named, or the only file input that must be given and is not fixed.
fn triggering_input(rule: &Doc, manifest: &Manifest, fixed: &[Value]) -> ApiResult<String> {
    let is_fixed =
        |name: &str| fixed.iter().any(|input| input.get("input").is_some_and(|input| input == name));
    let open = file_inputs(manifest).filter(|input| input.is_required_file() && !is_fixed(input.name));
    let open: Vec<&str> = open.map(|input| input.name).collect();
    let named = rule.get("triggering_input").and_then(Value::as_str).filter(|name| !name.is_empty());
    let chosen = match (named, open.as_slice()) {
        (Some(name), _) => name,
        (None, [one]) => one,
        (None, _) => {
            return Err(ApiError::bad_request(format!(
                "A rule fills one required file input of its gear; it leaves these open: [{}]. Fix all but one in \
                 fixed_inputs, or name one in triggering_input",
                open.join(", ")
            )));
        }
    };
    if !file_inputs(manifest).any(|input| input.name == chosen) || is_fixed(chosen) {
        return Err(ApiError::bad_request(format!(
            "triggering_input {chosen:?} is no file input of the gear, or is fixed"
        )));
    }
    if let Some(other) = open.iter().find(|name| **name != chosen) {
        return Err(ApiError::bad_request(format!(
            "The input {other:?} must be given: fix it in fixed_inputs"
        )));
    }
    Ok(chosen.to_owned())
}

/// The role that a rule's jobs act with; gears that write through their key need one.
fn keys(db: &Connection, rule: &Doc, manifest: &Manifest) -> ApiResult<()> {
    if let Some(role) = rule.get("role_id").and_then(Value::as_str) {
        return match records::get(db, roles::RECORD, role)? {
            Some(_) => Ok(()),
            None => Err(ApiError::not_found(format!("Could not find resource role:{role}"))),
        };
    }
    let writes = |input: Input<'_>| input.base() == Base::ApiKey && !input.is_read_only();
    match manifest.inputs().any(writes) {
        true => Err(ApiError::bad_request(
            "The gear takes a key that may write: name in role_id the role that the rule's jobs act with",
        )),
        false => Ok(()),
    }
}

/// A rule as the wire shows it: fixed inputs by container in a project, by file for the site; no nulls.
pub(super) fn shown(mut rule: Doc) -> Value {
    let keys: &[&str] = match rule.get("project_id").is_some_and(|project| project == SITE) {
        true => &["file_id", "version", "input"],
        false => &["type", "id", "name", "version", "input"],
    };
    for input in rule.get_mut("fixed_inputs").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(input) = input.as_object_mut() {
            input.retain(|key, _| keys.contains(&key.as_str()));
        }
    }
    rule.retain(|_, value| !value.is_null());
    rule.into()
}
