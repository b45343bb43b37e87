//! Names of schemas: what Rust calls them, and which are second names of another.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use heck::ToPascalCase;
use serde_json::Value;

use crate::generate::document::{Document, reference, reference_to, rename_references};
use crate::generate::operations::identifier;

/// Gives every schema the name of its Rust type.
pub(crate) fn rename(document: &mut Document) -> anyhow::Result<usize> {
    let names = document.schemas().keys().map(|name| (name.clone(), name.to_pascal_case()));
    let names = names.collect::<BTreeMap<_, _>>();
    let schemas = std::mem::take(document.schemas_mut());
    for (name, schema) in schemas {
        let taken = document.schemas_mut().insert(names[&name].clone(), schema);
        ensure!(
            taken.is_none(),
            "two schemas become the type {}: rename one in openapi/overlay.yaml",
            names[&name]
        );
    }
    rename_references(&mut document.root, &mut |name| names.get(name).cloned());
    Ok(names.iter().filter(|(name, rust)| name != rust).count())
}

/// Sends what refers to an alias to the model behind it; the aliases are kept in `x-flywheel-aliases`.
pub(crate) fn resolve_aliases(document: &mut Document) -> anyhow::Result<usize> {
    let target = |schema: &Value| {
        let alias = schema.get("x-flywheel-alias-of")?;
        let named = alias.as_str().map(|name| name.rsplit('/').next().unwrap_or(name).to_pascal_case());
        named.or_else(|| reference(schema).map(str::to_owned))
    };
    let aliases =
        document.schemas().iter().filter_map(|(name, schema)| Some((name.clone(), target(schema)?)));
    let aliases = aliases.collect::<BTreeMap<_, _>>();
    let behind = |name: &str| {
        let mut seen = vec![name];
        while let Some(next) = aliases.get(*seen.last()?) {
            ensure_once(&seen, next)?;
            seen.push(next);
        }
        (seen.len() > 1).then(|| seen.last().map(|name| (*name).to_owned()))?
    };
    for name in aliases.keys() {
        let model = behind(name);
        let known = model.as_ref().is_some_and(|model| document.schemas().contains_key(model));
        ensure!(known, "{name} is an alias of nothing that exists");
        document.schemas_mut().shift_remove(name);
    }
    rename_references(&mut document.root, &mut |name| behind(name));
    let named = aliases.keys().filter_map(|name| Some((name.clone(), Value::from(behind(name)?))));
    document.root["x-flywheel-aliases"] = Value::Object(named.collect());
    document.root["x-flywheel-held"] =
        document.in_answers().union(&document.in_requests()).cloned().collect();
    Ok(aliases.len())
}

/// `None` where an alias would lead back to itself.
fn ensure_once(seen: &[&str], next: &str) -> Option<()> {
    (!seen.contains(&next)).then_some(())
}

/// Leaves out models that requests and answers held before the steps and hold no more: pages, and the members of
/// merged unions. What they never held stays, and so do enumerations, which headers hold as text.
pub(crate) fn unused(document: &mut Document) -> anyhow::Result<usize> {
    let held = document.root["x-flywheel-held"].as_array().cloned().unwrap_or_default();
    let mut holds = document.in_answers();
    holds.extend(document.in_requests());
    let before = document.schemas().len();
    document.schemas_mut().retain(|name, schema| {
        holds.contains(name) || schema.get("enum").is_some() || !held.contains(&Value::from(name.as_str()))
    });
    Ok(before - document.schemas().len())
}

/// Gives a model that is written where it is used a name, which says where that is.
pub(crate) fn inline_models(document: &mut Document) -> anyhow::Result<usize> {
    let mut total = 0;
    // A model that got its name can hold others.
    loop {
        let known = document.schemas().keys().cloned().collect::<Vec<_>>();
        let mut named = BTreeMap::<String, Value>::new();
        let mut clash = None;
        total += document.visit_schemas(|place, schema| {
            if schema.get("properties").is_none() || known.iter().any(|name| name == place) {
                return 0;
            }
            let model = std::mem::replace(schema, reference_to(place));
            let taken = named.insert(place.to_owned(), model.clone()).filter(|taken| *taken != model);
            clash = clash.take().or(taken.map(|_| place.to_owned()));
            1
        });
        ensure!(clash.is_none(), "two models without a name would be called {}", clash.unwrap_or_default());
        if named.is_empty() {
            return Ok(total);
        }
        document.schemas_mut().extend(named);
    }
}

/// What stands before the second of two field names that are one name in Rust; the generated code sends the name
/// behind it.
pub(crate) const PLAIN: &str = "plain-";

/// Tells fields apart whose names are the same in Rust (`_id` and `id`).
pub(crate) fn same_name_fields(document: &mut Document) -> anyhow::Result<usize> {
    let mut count = 0;
    for schema in document.schemas_mut().values_mut() {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        // `extra` is what the model does not know.
        let mut taken = BTreeSet::from([String::from("extra")]);
        let names = properties.keys().map(|name| {
            let free = taken.insert(identifier(name));
            (name.clone(), if free { name.clone() } else { format!("{PLAIN}{name}") })
        });
        let names = names.collect::<Vec<_>>();
        count += names.iter().filter(|(wire, rust)| wire != rust).count();
        let old = std::mem::take(properties);
        properties.extend(names.into_iter().zip(old).map(|((_, name), (_, property))| (name, property)));
    }
    Ok(count)
}
