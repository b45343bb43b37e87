//! Which containers a proposal speaks of, and the files that fit the gear's inputs there.

use flywheel_core::gear::{Base, Manifest};
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult},
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        files,
    },
};

/// What becomes of optional inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// They are left out.
    Ignored,
    /// They are taken where exactly one file fits; several are ambiguous.
    Flexible,
    /// They count as required.
    Required,
}

impl Policy {
    /// The policy of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Policy::Ignored, Policy::Flexible, Policy::Required].into_iter().find(|policy| policy.name() == name)
    }

    /// As documents write it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Policy::Ignored => "ignored",
            Policy::Flexible => "flexible",
            Policy::Required => "required",
        }
    }
}

/// What a gear finds in a container.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Match {
    /// One file for each input: references by the inputs' names.
    One(Doc),
    /// None for an input that needs one.
    None,
    /// Several for an input.
    Ambiguous,
}

/// Looks for the files of a container that fit the inputs of a gear.
pub(super) fn in_container(
    db: &Connection,
    manifest: &Manifest,
    policy: Policy,
    container: &Container,
) -> ApiResult<Match> {
    let files: Vec<Value> =
        files::of_container(db, &container.id)?.into_iter().map(|file| file.doc.into()).collect();
    Ok(among(manifest, policy, container, &files))
}

fn among(manifest: &Manifest, policy: Policy, container: &Container, files: &[Value]) -> Match {
    let (mut inputs, mut ambiguous) = (Doc::new(), false);
    for input in manifest.inputs().filter(|input| input.base() == Base::File) {
        if input.is_optional() && policy == Policy::Ignored {
            continue;
        }
        let needed = !input.is_optional() || policy == Policy::Required;
        let mut fitting = files.iter().filter(|file| input.accepts(file));
        match (fitting.next(), fitting.next()) {
            (None, _) if needed => return Match::None,
            (None, _) => {}
            (Some(file), None) => {
                let mut reference = container.reference();
                reference["name"] = file["name"].clone();
                inputs.insert(input.name.to_owned(), reference);
            }
            (Some(_), Some(_)) => ambiguous = true,
        }
    }
    if ambiguous { Match::Ambiguous } else { Match::One(inputs) }
}

/// The containers of a proposal's targets: all of one kind at, below or above them, each once.
///
/// # Errors
/// 400 for targets of several kinds, of kinds that have no jobs, or none; 404 when nothing is there; 403 when the caller may
/// not see a target.
pub(super) fn expand(
    db: &Connection,
    caller: &Caller,
    targets: &[Value],
    level: Kind,
    collection: Option<&str>,
) -> ApiResult<Vec<Container>> {
    let text =
        |target: &Value, key: &str| target.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let named = targets.first().map(|target| text(target, "type")).unwrap_or_default();
    if targets.iter().any(|target| text(target, "type") != named) {
        return Err(ApiError::bad_request("The targets of a batch must be of one type"));
    }
    let usable = [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition];
    let kind = Kind::parse(&named).filter(|kind| usable.contains(kind)).ok_or_else(|| {
        ApiError::bad_request("The targets of a batch are projects, subjects, sessions or acquisitions")
    })?;
    let mut found: Vec<Container> = Vec::new();
    for target in targets {
        let target = containers::get(db, kind, &text(target, "id"))?;
        access::authorize(db, caller, &target, Action::ContainersViewMetadata)?;
        for container in at_level(db, &target, level)? {
            let collected = collection.is_none_or(|id| is_collected(db, &container, id).unwrap_or(false));
            if collected && !found.iter().any(|known| known.id == container.id) {
                found.push(container);
            }
        }
    }
    if found.is_empty() {
        return Err(ApiError::not_found(format!("There are no {} below the targets", level.plural())));
    }
    Ok(found)
}

/// The containers of a kind below a target, or the one above it.
fn at_level(db: &Connection, target: &Container, level: Kind) -> ApiResult<Vec<Container>> {
    if let Some(id) = target.ancestor(level) {
        return Ok(containers::find(db, id)?.into_iter().collect());
    }
    let Some(column) = target.kind.column() else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT id, kind, doc FROM containers WHERE {column} = ? AND kind = ? AND deleted IS NULL ORDER BY id"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query((&target.id, level.code()))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Container::from_row(row)?);
    }
    Ok(found)
}

/// Whether a collection holds the container or an acquisition below it.
fn is_collected(db: &Connection, container: &Container, collection: &str) -> ApiResult<bool> {
    let Some(column) = container.kind.column() else { return Ok(false) };
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM collected k JOIN containers c ON c.id = k.acquisition_id
            WHERE k.collection_id = ? AND c.{column} = ? AND c.deleted IS NULL)"
    );
    Ok(db.prepare_cached(&sql)?.query_row((collection, &container.id), |row| row.get(0))?)
}

/// A container that a proposal found.
///
/// # Errors
/// 404 when it was deleted since.
pub(super) fn container(db: &Connection, id: &str) -> ApiResult<Container> {
    containers::find(db, id)?
        .ok_or_else(|| ApiError::not_found(format!("The container {id} of the batch is gone")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn found(policy: Policy, files: Value) -> Match {
        let manifest = Manifest::new(json!({
            "name": "x", "label": "", "description": "", "version": "1", "author": "", "license": "MIT", "url": "",
            "source": "", "config": {}, "inputs": {
                "image": {"base": "file", "type": {"enum": ["nifti"]}},
                "mask": {"base": "file", "optional": true, "type": {"enum": ["mask"]}},
                "key": {"base": "api-key"},
            },
        }));
        let container = Container { kind: Kind::Acquisition, id: "a".to_owned(), doc: Doc::new() };
        among(&manifest.unwrap(), policy, &container, files.as_array().unwrap())
    }

    fn one(inputs: &[(&str, &str)]) -> Match {
        let reference = |name: &str| json!({"type": "acquisition", "id": "a", "name": name});
        Match::One(inputs.iter().map(|(input, name)| ((*input).to_owned(), reference(name))).collect())
    }

    #[test]
    fn a_container_matches_when_each_input_finds_one_file() {
        use Policy::{Flexible, Ignored, Required};
        let file = |name: &str, kind: &str| json!({"name": name, "type": kind});
        let (n, other, m1, m2) =
            (file("n", "nifti"), file("o", "text"), file("m1", "mask"), file("m2", "mask"));
        for (policy, files, expected) in [
            (Ignored, json!([n, other]), one(&[("image", "n")])),
            (Ignored, json!([n, m1, m2]), one(&[("image", "n")])),
            (Ignored, json!([other]), Match::None),
            (Ignored, json!([n, n]), Match::Ambiguous),
            (Flexible, json!([n]), one(&[("image", "n")])),
            (Flexible, json!([n, m1]), one(&[("image", "n"), ("mask", "m1")])),
            (Flexible, json!([n, m1, m2]), Match::Ambiguous),
            (Required, json!([n]), Match::None),
            (Required, json!([n, m1]), one(&[("image", "n"), ("mask", "m1")])),
            (Required, json!([n, n]), Match::None),
        ] {
            assert_eq!(found(policy, files.clone()), expected, "{policy:?} {files}");
        }
    }
}
