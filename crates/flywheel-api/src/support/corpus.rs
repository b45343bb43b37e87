//! Tests: documents composed from what is known of the platform, decoded as they are and with every kind of surprise.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::decode::{self, Decoded, Undecodable};
use crate::models::{Odd, Timestamp};
use crate::types;

/// A document and the model it is decoded to.
struct Family {
    model: &'static str,
    document: Value,
    decode: fn(&Value) -> Result<Decoded<Value>, Undecodable>,
}

fn through<T: DeserializeOwned + Serialize>(document: &Value) -> Result<Decoded<Value>, Undecodable> {
    let decoded = decode::document::<T>(document.to_string().as_bytes())?;
    Ok(Decoded { value: serde_json::to_value(decoded.value).unwrap(), odd: decoded.odd })
}

macro_rules! families {
    ($($file:literal: $($model:ident),+;)+) => {
        fn families() -> Vec<Family> {
            let mut families = Vec::new();
            $({
                let text = include_str!(concat!("../../corpus/", $file, ".json"));
                let mut documents = serde_json::from_str::<Map<String, Value>>(text).unwrap();
                $({
                    let document = documents.shift_remove(stringify!($model)).unwrap();
                    families.push(Family { model: stringify!($model), document, decode: through::<types::$model> });
                })+
                assert!(documents.is_empty(), "{} holds models that no test reads", $file);
            })+
            families
        }
    };
}

families! {
    "acquisitions": AcquisitionOutput, AcquisitionListOutput;
    "analyses": AnalysisOutput, AnalysisListOutput;
    "answers": ModifiedResult, DeletedResult, InsertedId, Note, UsageSummaryItem;
    "audit": AuditTrailReport, ChangeLogDocument;
    "collections": CollectionOutput, CollectionWithStatsOrCollectionOutput;
    "files": FileOutput, FileVersionOutput, File, ZipfileInfo;
    "gears": GearDocument, GearRuleOutput;
    "groups": GroupOutput;
    "jobs": JobOutput, JobListOutput, JobDetail, JobLogRecord, Batch;
    "paths": ResolveOutput, AnyContainer;
    "projects": ProjectOutput, ProjectListOutput, CatalogListOutput;
    "search": SearchResponse, StructuredQuerySuggestions;
    "sessions": SessionOutput, SessionListOutput;
    "site": ConfigOut, Version, AuthSessionOutput, EgressDevice, ModalityOutput, Provider;
    "subjects": SubjectOutput, SubjectOutputForList;
    "tasks": ReaderTask, ValidProtocolOrWipProtocol;
    "transfers": DownloadTicketStub, UploadTicketOutput, SignedUrlUploadOutput;
    "users": UserOutput, CurrentUserOutput, RoleOutput;
    "views": ViewOutput, DataViewExecution;
}

/// The JSON pointers of everything in a document, below its root.
fn places(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, String::new(), &mut found);
    found
}

fn walk(value: &Value, place: String, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.replace('~', "~0").replace('/', "~1"), member))
            .collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (name, member) in below {
        let place = format!("{place}/{name}");
        found.push(place.clone());
        walk(member, place, found);
    }
}

fn with(document: &Value, place: &str, value: Value) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(place).unwrap() = value;
    document
}

fn without(document: &Value, place: &str) -> Value {
    let mut document = document.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(items) => drop(items.remove(name.parse().unwrap())),
        _ => {}
    }
    document
}

/// Makes sure that everything the server sent is in the decoded value or among what was set aside.
fn assert_nothing_lost(sent: &Value, kept: Option<&Value>, odd: &[Odd], place: &str, context: &str) {
    if odd.iter().any(|odd| odd.place() == place) {
        let aside = odd.iter().find(|odd| odd.place() == place).unwrap();
        assert_eq!(aside.value(), sent, "{context}: what was set aside at {place} is not what was sent");
        return;
    }
    if sent.is_null() {
        return;
    }
    let Some(kept) = kept else { panic!("{context}: {place} is lost") };
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                assert_nothing_lost(value, kept.get(name), odd, &place, context);
            }
        }
        (Value::Array(sent), Value::Array(kept)) => {
            let mut kept = kept.iter();
            for (index, value) in sent.iter().enumerate() {
                let place = format!("{place}/{index}");
                let aside = odd.iter().any(|odd| odd.place() == place);
                assert_nothing_lost(value, if aside { None } else { kept.next() }, odd, &place, context);
            }
        }
        (sent, kept) => assert!(same(sent, kept), "{context}: {place} changed"),
    }
}

/// Whether two values mean the same: numbers by value, moments by moment.
fn same(sent: &Value, kept: &Value) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let moment = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    sent == kept
        || number(sent).zip(number(kept)).is_some_and(|(sent, kept)| sent == kept)
        || moment(sent).zip(moment(kept)).is_some_and(|(sent, kept)| sent == kept)
}

fn check(family: &Family, document: &Value, change: &str) -> Decoded<Value> {
    let context = format!("{} with {change}", family.model);
    let decoded = (family.decode)(document).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_nothing_lost(document, Some(&decoded.value), &decoded.odd, "", &context);
    decoded
}

fn check_whole(family: &Family, document: &Value, change: &str) -> Decoded<Value> {
    let decoded = check(family, document, change);
    assert!(decoded.odd.is_empty(), "{} with {change}: {:?} was set aside", family.model, decoded.odd);
    decoded
}

#[test]
fn documents_decode_whole() {
    for family in families() {
        check_whole(&family, &family.document, "nothing changed");
    }
}

#[test]
fn unknown_fields_are_kept() {
    for family in families() {
        let objects = places(&family.document).into_iter().chain([String::new()]);
        for place in objects.filter(|place| family.document.pointer(place).is_some_and(Value::is_object)) {
            let mut document = family.document.clone();
            let object = document.pointer_mut(&place).unwrap().as_object_mut().unwrap();
            object.insert(String::from("brand_new"), json!({ "since": 24, "list": [null, "x"] }));
            // A map of one type takes an unknown member for one of its values.
            check(&family, &document, &format!("an unknown field in {place}"));
        }
    }
}

#[test]
fn null_is_read_anywhere() {
    for family in families() {
        for place in places(&family.document) {
            check(&family, &with(&family.document, &place, Value::Null), &format!("null at {place}"));
        }
    }
}

#[test]
fn missing_fields_are_read_as_absent() {
    for family in families() {
        for place in places(&family.document) {
            check_whole(&family, &without(&family.document, &place), &format!("{place} missing"));
        }
    }
}

#[test]
fn integers_are_read_from_floats_and_texts() {
    for family in families() {
        for place in places(&family.document) {
            let Some(number) = family.document.pointer(&place).and_then(Value::as_i64) else { continue };
            let float = with(&family.document, &place, json!(number as f64));
            check_whole(&family, &float, &format!("a float at {place}"));
            let text = with(&family.document, &place, json!(number.to_string()));
            check_whole(&family, &text, &format!("a number as text at {place}"));
        }
    }
}

#[test]
fn texts_not_known_yet_are_kept() {
    for family in families() {
        for place in places(&family.document) {
            if family.document.pointer(&place).is_some_and(Value::is_string) {
                let document = with(&family.document, &place, json!("a-value-of-release-99"));
                check(&family, &document, &format!("an unknown text at {place}"));
            }
        }
    }
}

#[test]
fn moments_are_read_with_and_without_a_zone() {
    for family in families() {
        for place in places(&family.document) {
            let text = family.document.pointer(&place).and_then(Value::as_str);
            if text
                .and_then(|text| text.parse::<Timestamp>().ok())
                .is_none_or(|_| text.is_some_and(|t| t.len() < 19))
            {
                continue;
            }
            for form in ["2020-05-05T01:22:06Z", "2020-05-05T01:22:06.229", "2020-05-05 01:22:06+05:30"] {
                let document = with(&family.document, &place, json!(form));
                check_whole(&family, &document, &format!("{form} at {place}"));
            }
        }
    }
}

#[test]
fn a_value_of_another_type_costs_that_value_alone() {
    for family in families() {
        for place in places(&family.document) {
            for other in [json!(true), json!(12.5), json!("text"), json!([["x"]]), json!({ "a": { "b": 1 } })]
            {
                let document = with(&family.document, &place, other.clone());
                let decoded = check(&family, &document, &format!("{other} at {place}"));
                assert!(decoded.odd.len() <= 1, "{}: {place} cost {:?}", family.model, decoded.odd);
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e12..1e12).prop_map(Value::from),
        "[a-z0-9:T+-]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_/~]{1,8}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_stands_anywhere_is_kept(
        family in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let families = families();
        let family = family.get(&families);
        let mut document = family.document.clone();
        for (place, value) in changes {
            let places = places(&document);
            if !places.is_empty() {
                document = with(&document, place.get::<String>(&places), value);
            }
        }
        check(family, &document, "values from nowhere");
    }
}
