//! The files that a job hands in, and what it says of files that are there already.

use axum::body::Body;
use http::HeaderMap;
use rusqlite::Connection;
use serde_json::Value;

use super::{
    classification,
    document::{self, Arrival},
    form::Form,
    metadata::Metadata,
    unclaimed::Unclaimed,
    upload,
};
use crate::{
    blobs::{BlobStore, Stored},
    error::{ApiError, ApiResult},
    state::AppState,
    store::{
        Doc,
        containers::Container,
        files::{self, FileRow},
    },
};

/// Files on disk that no row names yet, and the metadata that came with them.
pub(crate) struct Received {
    files: Vec<(String, Stored)>,
    unclaimed: Unclaimed,
    /// The part `metadata` of the form; null without one.
    pub(crate) metadata: Value,
}

/// Reads a form of files and metadata.
///
/// # Errors
/// 400 when it is no form, or its metadata no JSON.
pub(crate) async fn receive(state: &AppState, headers: &HeaderMap, body: Body) -> ApiResult<Received> {
    let form = Form::new(headers, body)?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    let (files, text) = upload::receive(&state.blobs, form, &mut unclaimed).await?;
    let metadata = text.filter(|text| !text.trim_ascii().is_empty());
    let metadata = metadata.map_or(Ok(Value::Null), |text| crate::body::parse(&text))?;
    Ok(Received { files, unclaimed, metadata })
}

/// Files that are ready to get their rows.
pub(crate) struct Outputs {
    arrivals: Vec<Arrival>,
    unclaimed: Unclaimed,
}

impl Received {
    /// Brings the files together with the entries that speak of them.
    ///
    /// # Errors
    /// 422 for entries with unknown keys or wrong types.
    pub(crate) async fn described_by(self, blobs: &BlobStore, entries: &[Value]) -> ApiResult<Outputs> {
        let each = self.files.iter().map(|(name, _)| {
            let entry = entries.iter().find(|entry| entry.get("name").is_some_and(|given| given == name));
            entry.map_or_else(|| Ok(Metadata::default()), Metadata::read)
        });
        let each = each.collect::<ApiResult<Vec<_>>>()?;
        let mut arrivals = upload::described(blobs, self.files, each).await?;
        // What a gear says of the size is about what it wrote, which is what arrived.
        arrivals.iter_mut().for_each(|arrival| arrival.metadata.size = None);
        Ok(Outputs { arrivals, unclaimed: self.unclaimed })
    }
}

impl Outputs {
    /// Writes the rows: each a new file of the container or the next version of the one of its name, which keeps what people
    /// said about it. `gear` is what documents say of the gear that made them.
    ///
    /// # Errors
    /// 422 when what is said does not fit the modality.
    pub(crate) fn place(
        self,
        db: &Connection,
        container: &Container,
        origin: &Value,
        gear: &Value,
    ) -> ApiResult<Vec<FileRow>> {
        let mut placed = Vec::new();
        for arrival in self.arrivals {
            let mut file = document::place(db, container, arrival, origin, true)?;
            file.doc.insert("gear_info".into(), gear.clone());
            files::save(db, &file)?;
            placed.push(file);
        }
        self.unclaimed.claim();
        Ok(placed)
    }
}

/// Brings what a gear says about a file that is there into it: fields are overwritten, `info` is merged, tags are added.
///
/// # Errors
/// 422 for unknown keys, wrong types, and what does not fit the modality.
pub(crate) fn describe(db: &Connection, file: &mut FileRow, entry: &Value) -> ApiResult<()> {
    let said = Metadata::read(entry)?;
    let before = file.doc.clone();
    for (key, value) in [
        ("type", said.file_type.map(Value::from)),
        ("mimetype", said.mimetype.map(Value::from)),
        ("modality", said.modality.map(Value::from)),
        ("zip_member_count", said.zip_member_count.map(Value::from)),
        ("deid_log_id", said.deid_log_id.map(Value::from)),
    ] {
        file.doc.extend(value.map(|value| (key.to_owned(), value)));
    }
    if let Some(words) = &said.classification {
        let modality = file.doc.get("modality").and_then(Value::as_str);
        let accepted = classification::accepted(db, modality, words)?;
        file.doc.insert("classification".into(), serde_json::to_value(accepted)?);
    }
    if let Some(info) = said.info {
        merge_info(&mut file.doc, info);
    }
    add_tags(&mut file.doc, said.tags.into_iter().flatten());
    if file.doc != before {
        files::touch(file);
        files::save(db, file)?;
    }
    Ok(())
}

/// Merges free metadata into a document: objects key by key, everything else overwritten.
pub(crate) fn merge_info(doc: &mut Doc, info: Doc) {
    let given = Value::Object(flywheel_core::info::sanitize_map(info));
    match doc.get_mut("info") {
        Some(known @ Value::Object(_)) => merge(known, given),
        _ => drop(doc.insert("info".into(), given)),
    }
}

fn merge(known: &mut Value, given: Value) {
    match (known, given) {
        (Value::Object(known), Value::Object(given)) => {
            for (key, value) in given {
                match known.get_mut(&key) {
                    Some(inner) => merge(inner, value),
                    None => drop(known.insert(key, value)),
                }
            }
        }
        (known, given) => *known = given,
    }
}

/// Adds tags that a document does not have yet.
pub(crate) fn add_tags(doc: &mut Doc, tags: impl IntoIterator<Item = String>) {
    for tag in tags {
        match doc.get_mut("tags").and_then(Value::as_array_mut) {
            Some(known) if known.iter().any(|old| *old == *tag) => {}
            Some(known) => known.push(tag.into()),
            None => drop(doc.insert("tags".into(), Value::from(vec![tag]))),
        }
    }
}

/// 422 for entries that are not a list of objects with names.
pub(crate) fn entries(list: Option<&Value>) -> ApiResult<Vec<Value>> {
    let entries = match list {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(ApiError::unprocessable("files of the metadata is no list")),
    };
    if let Some(entry) = entries.iter().find(|entry| entry.get("name").and_then(Value::as_str).is_none()) {
        return Err(ApiError::unprocessable(format!("An entry of files has no name: {entry}")));
    }
    Ok(entries.clone())
}
