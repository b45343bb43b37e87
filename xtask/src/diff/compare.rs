//! Finds the changes between two surfaces and tells which of them break a caller.
//!
//! A caller breaks when something it used is gone, when something it must now send is new, or when what it reads
//! has another type or may be missing. New operations, optional additions and new enum values do not break one:
//! enums are open and answers are read tolerantly.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Kind, Part};
use super::surface::{Member, Operation, Shape, Surface};

/// All changes, in no particular order.
pub(crate) fn compare(old: &Surface, new: &Surface) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.operations(old, new);
    for (name, before, after) in pairs(&old.types, &new.types) {
        match (before, after) {
            (Some(_), None) => changes.push(true, Part::Type, Kind::Removed, name, None, String::new()),
            (None, Some(_)) => changes.push(false, Part::Type, Kind::Added, name, None, String::new()),
            (Some(before), Some(after)) => {
                let sent = old.sent.contains(name) || new.sent.contains(name);
                let read = old.read.contains(name) || new.read.contains(name) || !sent;
                changes.shapes(name, before, after, Use { sent, read });
            }
            (None, None) => {}
        }
    }
    changes.found
}

/// How callers use a type.
#[derive(Debug, Clone, Copy)]
struct Use {
    sent: bool,
    read: bool,
}

/// Both maps by key.
fn pairs<'a, T>(
    old: &'a BTreeMap<String, T>,
    new: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().map(|name| (name, old.get(name), new.get(name)))
}

#[derive(Debug, Default)]
struct Changes {
    found: Vec<Change>,
}

impl Changes {
    fn push(
        &mut self,
        breaking: bool,
        part: Part,
        kind: Kind,
        name: &str,
        member: Option<&str>,
        detail: String,
    ) {
        let member = member.map(str::to_owned);
        self.found.push(Change { breaking, part, kind, name: name.to_owned(), member, detail });
    }

    fn operations(&mut self, old: &Surface, new: &Surface) {
        for (name, before, after) in pairs(&old.operations, &new.operations) {
            match (before, after) {
                (Some(before), None) => {
                    let detail = match renamed(before, old, new) {
                        Some(id) => format!("{}, now called {id}", before.place),
                        None => before.place.clone(),
                    };
                    self.push(true, Part::Operation, Kind::Removed, name, None, detail);
                }
                (None, Some(after)) => {
                    self.push(false, Part::Operation, Kind::Added, name, None, after.place.clone());
                }
                (Some(before), Some(after)) => self.operation(name, before, after),
                (None, None) => {}
            }
        }
    }

    fn operation(&mut self, name: &str, before: &Operation, after: &Operation) {
        let changed = |one: &str, other: &str| (one != other).then(|| format!("{one} -> {other}"));
        if let Some(detail) = changed(&shape(&before.place), &shape(&after.place)) {
            self.push(true, Part::Operation, Kind::Changed, name, None, detail);
        }
        if let Some(detail) = changed(&before.tags, &after.tags) {
            self.push(false, Part::Operation, Kind::Changed, name, None, format!("tag {detail}"));
        }
        if let Some(detail) = changed(&before.constants, &after.constants) {
            self.push(false, Part::Operation, Kind::Changed, name, None, format!("constants {detail}"));
        }
        if before.deprecated != after.deprecated {
            let detail = if after.deprecated { "deprecated" } else { "no longer deprecated" };
            self.push(false, Part::Operation, Kind::Changed, name, None, detail.to_owned());
        }
        for (parameter, one, other) in pairs(&before.parameters, &after.parameters) {
            self.member(Part::Parameter, name, Some(parameter), one, other, Use { sent: true, read: false });
        }
        self.member(
            Part::Body,
            name,
            None,
            before.body.as_ref(),
            after.body.as_ref(),
            Use { sent: true, read: false },
        );
        if let Some(detail) = changed(&before.answer, &after.answer) {
            self.push(true, Part::Answer, Kind::Changed, name, None, detail);
        }
    }

    /// Compares a parameter, a body or a field.
    fn member(
        &mut self,
        part: Part,
        name: &str,
        member: Option<&str>,
        before: Option<&Member>,
        after: Option<&Member>,
        usage: Use,
    ) {
        match (before, after) {
            (Some(before), None) => self.push(true, part, Kind::Removed, name, member, before.kind.clone()),
            (None, Some(after)) => {
                let detail =
                    if after.required { format!("{}, required", after.kind) } else { after.kind.clone() };
                self.push(after.required && usage.sent, part, Kind::Added, name, member, detail);
            }
            (Some(before), Some(after)) => self.members(part, name, member, before, after, usage),
            (None, None) => {}
        }
    }

    fn members(
        &mut self,
        part: Part,
        name: &str,
        member: Option<&str>,
        before: &Member,
        after: &Member,
        usage: Use,
    ) {
        if before.kind != after.kind {
            let detail = format!("{} -> {}", before.kind, after.kind);
            self.push(true, part, Kind::Changed, name, member, detail);
        }
        if before.required != after.required {
            let (detail, breaking) = if after.required {
                ("now required", usage.sent)
            } else {
                ("no longer required", usage.read)
            };
            self.push(breaking, part, Kind::Changed, name, member, detail.to_owned());
        }
        if before.default != after.default {
            let shown = |default: &Option<String>| {
                default.as_deref().map_or_else(|| "none".to_owned(), |text| format!("`{text}`"))
            };
            let detail = format!("default {} -> {}", shown(&before.default), shown(&after.default));
            self.push(false, part, Kind::Changed, name, member, detail);
        }
        if before.deprecated != after.deprecated {
            let detail = if after.deprecated { "deprecated" } else { "no longer deprecated" };
            self.push(false, part, Kind::Changed, name, member, detail.to_owned());
        }
    }

    fn shapes(&mut self, name: &str, before: &Shape, after: &Shape, usage: Use) {
        match (before, after) {
            (Shape::Object(before), Shape::Object(after)) => {
                for (field, one, other) in pairs(before, after) {
                    self.member(Part::Field, name, Some(field), one, other, usage);
                }
            }
            (Shape::Enum(before), Shape::Enum(after)) => {
                for value in before.difference(after) {
                    self.push(true, Part::Value, Kind::Removed, name, Some(value), String::new());
                }
                for value in after.difference(before) {
                    self.push(false, Part::Value, Kind::Added, name, Some(value), String::new());
                }
            }
            _ if before == after => {}
            _ => {
                let detail = format!("{} -> {}", outline(before), outline(after));
                self.push(true, Part::Type, Kind::Changed, name, None, detail);
            }
        }
    }
}

/// The id under which a removed operation lives on: the one new operation at its place.
fn renamed<'a>(gone: &Operation, old: &Surface, new: &'a Surface) -> Option<&'a str> {
    let place = shape(&gone.place);
    let mut candidates = new
        .operations
        .iter()
        .filter(|(id, operation)| !old.operations.contains_key(*id) && shape(&operation.place) == place);
    match (candidates.next(), candidates.next()) {
        (Some((id, _)), None) => Some(id),
        _ => None,
    }
}

/// Method and path without the names of path variables, which no server sees.
fn shape(place: &str) -> String {
    let mut out = String::with_capacity(place.len());
    let mut inside = false;
    for character in place.chars() {
        inside = (inside || character == '{') && character != '}';
        if !inside || character == '{' {
            out.push(character);
        }
    }
    out
}

fn outline(shape: &Shape) -> String {
    match shape {
        Shape::Object(_) => "object".to_owned(),
        Shape::Enum(_) => "enum".to_owned(),
        Shape::Other(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::super::change::Report;
    use super::*;

    fn sample() -> Value {
        json!({
            "paths": {"/things/{id}": {"get": {
                "operationId": "get_thing", "tags": ["things"],
                "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 10}},
                ],
                "responses": {"2XX": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
            }, "put": {
                "operationId": "put_thing", "tags": ["things"],
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ThingInput"}}}},
                "responses": {"2XX": {"description": "Success"}},
            }}},
            "components": {"schemas": {
                "Thing": {"type": "object", "required": ["label"], "properties": {
                    "label": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"}}},
                "ThingInput": {"type": "object", "required": ["label"], "properties": {"label": {"type": "string"}}},
                "Kind": {"type": "string", "enum": ["a", "b"]},
            }},
        })
    }

    /// The lines of a report on one change of the sample, each with whether it breaks.
    fn lines(change: impl FnOnce(&mut Value)) -> Vec<(bool, String)> {
        let mut document = sample();
        change(&mut document);
        let changes = compare(&Surface::of(&sample()), &Surface::of(&document));
        changes.iter().map(|change| (change.breaking, change.to_string())).collect()
    }

    fn breaking(text: &str) -> Vec<(bool, String)> {
        vec![(true, text.to_owned())]
    }

    fn harmless(text: &str) -> Vec<(bool, String)> {
        vec![(false, text.to_owned())]
    }

    const GET: &str = "/paths/~1things~1{id}/get";

    #[test]
    fn the_same_description_has_no_changes() {
        assert_eq!(lines(|_| {}), []);
    }

    #[test]
    fn a_removed_operation_breaks_and_a_new_one_does_not() {
        let removed = lines(|d| {
            d["paths"]["/things/{id}"].as_object_mut().unwrap().remove("put");
        });
        assert_eq!(removed, breaking("put_thing: operation removed (PUT /things/{id})"));
        let added = lines(|d| d["paths"]["/more"] = json!({"get": {"operationId": "more", "responses": {}}}));
        assert_eq!(added, harmless("more: operation added (GET /more)"));
    }

    #[test]
    fn a_renamed_operation_is_recognised_by_its_place() {
        let found = lines(|d| d.pointer_mut(GET).unwrap()["operationId"] = json!("fetch_thing"));
        assert!(found.contains(&(
            true,
            "get_thing: operation removed (GET /things/{id}, now called fetch_thing)".into()
        )));
    }

    #[test]
    fn another_name_of_a_path_variable_is_only_a_parameter_change() {
        let found = lines(|d| {
            let item = d["paths"].as_object_mut().unwrap().remove("/things/{id}").unwrap();
            d["paths"]["/things/{thing_id}"] = item;
        });
        assert_eq!(found, []);
    }

    #[test]
    fn parameters_break_when_gone_required_or_of_another_type() {
        let parameter = |d: &mut Value, value: Value| d.pointer_mut(GET).unwrap()["parameters"][1] = value;
        let gone = lines(|d| {
            d.pointer_mut(GET).unwrap()["parameters"].as_array_mut().unwrap().pop();
        });
        assert_eq!(gone, breaking("get_thing: parameter limit (query) removed (integer)"));
        let required = lines(|d| {
            parameter(
                d,
                json!({"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "default": 10}}),
            );
        });
        assert_eq!(required, breaking("get_thing: parameter limit (query) changed (now required)"));
        let other = lines(|d| {
            parameter(d, json!({"name": "limit", "in": "query", "schema": {"type": "string", "default": 10}}))
        });
        assert_eq!(other, breaking("get_thing: parameter limit (query) changed (integer -> string)"));
        let default =
            lines(|d| parameter(d, json!({"name": "limit", "in": "query", "schema": {"type": "integer"}})));
        assert_eq!(default, harmless("get_thing: parameter limit (query) changed (default `10` -> none)"));
    }

    #[test]
    fn a_new_required_field_breaks_who_sends_and_not_who_reads() {
        let add = |d: &mut Value, name: &str| {
            let schema = &mut d["components"]["schemas"][name];
            schema["properties"]["more"] = json!({"type": "integer"});
            schema["required"].as_array_mut().unwrap().push(json!("more"));
        };
        assert_eq!(
            lines(|d| add(d, "ThingInput")),
            breaking("ThingInput: field more added (integer, required)")
        );
        assert_eq!(lines(|d| add(d, "Thing")), harmless("Thing: field more added (integer, required)"));
    }

    #[test]
    fn a_field_that_may_be_missing_breaks_who_reads_and_not_who_sends() {
        let relax = |d: &mut Value, name: &str| d["components"]["schemas"][name]["required"] = json!([]);
        assert_eq!(lines(|d| relax(d, "Thing")), breaking("Thing: field label changed (no longer required)"));
        assert_eq!(
            lines(|d| relax(d, "ThingInput")),
            harmless("ThingInput: field label changed (no longer required)")
        );
    }

    #[test]
    fn an_enum_value_breaks_when_it_goes_and_not_when_it_comes() {
        assert_eq!(
            lines(|d| d["components"]["schemas"]["Kind"]["enum"] = json!(["a", "c"])),
            [(true, "Kind: value b removed".to_owned()), (false, "Kind: value c added".to_owned())]
        );
    }

    #[test]
    fn a_type_that_turns_into_another_kind_breaks() {
        let found = lines(|d| d["components"]["schemas"]["Kind"] = json!({"type": "integer"}));
        assert_eq!(found, breaking("Kind: type changed (enum -> integer)"));
    }

    #[test]
    fn another_answer_breaks() {
        let found = lines(|d| {
            d.pointer_mut(GET).unwrap()["responses"] = json!({"2XX": {"content": {"application/json": {"schema":
                {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}});
        });
        assert_eq!(found, breaking("get_thing: answer changed (Thing -> list[Thing])"));
    }

    #[test]
    fn the_report_shows_breaking_changes_first_and_counts_both() {
        let mut document = sample();
        document["components"]["schemas"]["Kind"]["enum"] = json!(["a", "c"]);
        let report = Report::new(compare(&Surface::of(&sample()), &Surface::of(&document)));
        assert!(report.breaks());
        assert_eq!(
            report.to_string(),
            "Breaking: 1\n  Kind: value b removed\nOther: 1\n  Kind: value c added\n"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["breaking"], 1);
        assert_eq!(
            json["changes"][0],
            json!({"breaking": true, "part": "value", "kind": "removed", "name": "Kind", "member": "b"})
        );
    }
}
