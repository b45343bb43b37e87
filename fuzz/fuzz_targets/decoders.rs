//! Answers of the API: JSON of any shape, and whole documents with values from nowhere put into them.
//!
//! The first byte chooses the model. When the second is even, the rest is the document. Otherwise each line of the rest
//! changes the document that the tests of the crate keep of this model: two bytes choose a place, the others are the JSON
//! (or the text) that stands there then.
#![no_main]

use flywheel_api::support::decode::{self, Decoded, Undecodable};
use flywheel_api::types;
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A model and the document that is known of it.
struct Family {
    model: &'static str,
    known: &'static str,
    check: fn(&[u8]),
}

macro_rules! families {
    ($($file:literal: $($model:ident),+;)+) => {
        const FAMILIES: &[Family] = &[$($(Family {
            model: stringify!($model),
            known: include_str!(concat!("../../crates/flywheel-api/corpus/", $file, ".json")),
            check: check::<types::$model>,
        }),+),+];
    };
}

families! {
    "acquisitions": AcquisitionOutput, AcquisitionListOutput;
    "analyses": AnalysisOutput, AnalysisListOutput;
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
    "site": ConfigOut, AuthSessionOutput, ModalityOutput, Provider;
    "subjects": SubjectOutput, SubjectOutputForList;
    "tasks": ReaderTask, ValidProtocolOrWipProtocol;
    "transfers": DownloadTicketStub, UploadTicketOutput, SignedUrlUploadOutput;
    "users": UserOutput, CurrentUserOutput, RoleOutput;
    "views": ViewOutput, DataViewExecution;
}

fuzz_target!(|data: &[u8]| {
    let Some((&[model, form], rest)) = data.split_first_chunk::<2>() else { return };
    let Some(family) = FAMILIES.get(usize::from(model) % FAMILIES.len()) else { return };
    if form % 2 == 0 { (family.check)(rest) } else { (family.check)(&changed(family, rest)) }
});

fn check<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    whole(bytes, decode::document::<T>(bytes));
    if let Ok(rows) = decode::listing::<T>(bytes) {
        let written = serde_json::to_vec(&rows.value).expect("rows can be written");
        let back = decode::listing::<T>(&written).expect("rows that were written are read");
        assert_eq!(back.value.items.len(), rows.value.items.len());
    }
}

/// What was kept is read again as it is, and what was set aside is what stood at its place.
fn whole<T: DeserializeOwned + Serialize>(bytes: &[u8], decoded: Result<Decoded<T>, Undecodable>) {
    let Decoded { value, odd } = match decoded {
        Ok(decoded) => decoded,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let written = serde_json::to_vec(&value).expect("a model can be written");
    let back = decode::document::<T>(&written).expect("a model that was written is read");
    assert!(back.odd.is_empty(), "what was written does not fit: {:?}", back.odd);
    assert_eq!(serde_json::to_vec(&back.value).expect("a model can be written"), written);
    if !odd.is_empty() {
        let sent: Value = serde_json::from_slice(bytes).expect("oddities are found in JSON");
        for odd in &odd {
            assert_eq!(sent.pointer(odd.place()), Some(odd.value()), "{odd:?}");
        }
    }
}

/// The known document with the changes of an input.
fn changed(family: &Family, input: &[u8]) -> Vec<u8> {
    let mut documents: Value = serde_json::from_str(family.known).expect("the kept documents are JSON");
    let mut document = documents[family.model].take();
    assert!(!document.is_null(), "no document of {} is kept", family.model);
    for line in input.split(|byte| *byte == b'\n').take(8) {
        let Some((&place, value)) = line.split_first_chunk::<2>() else { continue };
        let places = places(&document);
        let Some(place) = places.get(usize::from(u16::from_le_bytes(place)) % places.len().max(1)) else {
            continue;
        };
        let text = String::from_utf8_lossy(value);
        let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
        if let Some(target) = document.pointer_mut(place) {
            *target = value;
        }
    }
    serde_json::to_vec(&document).expect("JSON can be written")
}

/// The JSON pointers of everything in a document, the whole of it first.
fn places(document: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut at = 0;
    while let Some(place) = found.get(at).cloned() {
        at += 1;
        match document.pointer(&place) {
            Some(Value::Object(members)) => {
                found.extend(
                    members
                        .keys()
                        .map(|name| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))),
                );
            }
            Some(Value::Array(items)) => {
                found.extend((0..items.len()).map(|index| format!("{place}/{index}")))
            }
            _ => {}
        }
    }
    found
}
