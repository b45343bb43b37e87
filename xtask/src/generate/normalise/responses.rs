//! Answers: which count, and which are lists or texts.

use serde_json::Value;

use super::unions::members;
use crate::generate::document::{Document, Kind, reference, rust_type};

/// Leaves out the answers that are no success.
pub(crate) fn drop_errors(document: &mut Document) -> anyhow::Result<usize> {
    let mut count = 0;
    for (_, _, operation) in document.operations_mut() {
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        let before = responses.len();
        responses.retain(|status, _| status.starts_with('2'));
        count += before - responses.len();
    }
    Ok(count)
}

/// Makes lists, pages and unions of them in answers a `Listing`.
pub(crate) fn listings(document: &mut Document) -> anyhow::Result<usize> {
    let before = document.clone();
    let mut count = 0;
    for schema in answers(document) {
        if let Some(listing) = listing(&before, schema) {
            *schema = listing;
            count += 1;
        }
    }
    Ok(count)
}

/// The JSON schemas of the answers themselves.
fn answers(document: &mut Document) -> impl Iterator<Item = &mut Value> {
    let responses = document.operations_mut().filter_map(|(_, _, operation)| operation.get_mut("responses"));
    let responses = responses.filter_map(Value::as_object_mut).flatten();
    responses.filter_map(|(_, response)| response.pointer_mut("/content/application~1json/schema"))
}

fn listing(document: &Document, schema: &Value) -> Option<Value> {
    let own = [schema.clone()];
    let parts = members(schema).unwrap_or(&own);
    let is_list = |part: &Value| document.kind(part) == Kind::Array || page_items(document, part).is_some();
    let is_untyped = |part: &Value| *document.resolve(part) == Value::Object(serde_json::Map::new());
    let (lists, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| is_list(part));
    let paged = lists.iter().any(|part| page_items(document, part).is_some());
    // Beside a page, "any object" is the same page once more.
    let others = others.into_iter().filter(|part| !(paged && is_untyped(part))).collect::<Vec<_>>();
    if lists.is_empty() || (!others.is_empty() && !paged) {
        return None;
    }
    let items = lists.iter().filter_map(|part| {
        let part = document.resolve(part);
        part.get("items").or_else(|| page_items(document, part))
    });
    let mut distinct = Vec::<Value>::new();
    for item in items.flat_map(|item| members(item).map_or_else(|| vec![item.clone()], <[Value]>::to_vec)) {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    // The untyped rows of a general page say nothing beside typed ones.
    if distinct.len() > 1 {
        distinct.retain(|item| !is_untyped(item));
    }
    let item = match distinct.as_slice() {
        [item] => item.clone(),
        _ => serde_json::json!({ "anyOf": distinct }),
    };
    let listing = rust_type("models::Listing", Some(Kind::Array), vec![item]);
    if others.is_empty() {
        return Some(listing);
    }
    let mut parts = vec![listing];
    parts.extend(others.into_iter().cloned());
    Some(serde_json::json!({ "anyOf": parts }))
}

/// The schema of the rows of a page: an object with `results` and a count of them.
fn page_items<'a>(document: &'a Document, schema: &'a Value) -> Option<&'a Value> {
    reference(schema).or_else(|| schema.get("properties").map(|_| ""))?;
    let properties = document.resolve(schema).get("properties")?;
    let counted = ["total", "count"].iter().any(|name| properties.get(name).is_some());
    let results = properties.get("results").filter(|_| counted)?;
    document.resolve(results).get("items")
}

/// Marks answers that are one text.
pub(crate) fn plain_text(document: &mut Document) -> anyhow::Result<usize> {
    let texts = |schema: &&mut Value| schema["type"] == "string" && schema.get("format").is_none();
    Ok(answers(document).filter(texts).map(|schema| schema["x-flywheel-plain"] = true.into()).count())
}
