//! The document of a file: made when its bytes are there, and the next version of one that is there already.

use flywheel_core::{filetype, info, modality::Classification};
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{classification, metadata::Metadata, name};
use crate::{
    access_log,
    blobs::Stored,
    error::{ApiError, ApiResult},
    present,
    store::{
        Doc,
        containers::{self, Container},
        files::{self, FileRow},
        new_id, now,
    },
};

/// The one storage of a local site, as documents name it.
pub(crate) const PROVIDER: &str = "5ca1ab1e0000000000000001";

/// A file whose bytes are on disk and whose row is not written yet.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The name it came under.
    pub name: String,
    /// Its bytes.
    pub blob: Stored,
    /// How many members it has, when it is a zip.
    pub members: Option<usize>,
    /// What the upload says about it.
    pub metadata: Metadata,
    /// Fields of the document that come from elsewhere.
    pub more: Doc,
}

/// Writes the row of a file that arrived: the next version where the container holds a file of the name, the first one
/// otherwise. The earlier version is marked as replaced. With `preserve`, what people said about it stays unless the upload says
/// otherwise.
///
/// # Errors
/// 422 when the metadata does not fit the bytes or the modality.
pub(crate) fn place(
    db: &Connection,
    parent: &Container,
    arrival: Arrival,
    origin: &Value,
    preserve: bool,
) -> ApiResult<FileRow> {
    let mut arrival = arrival;
    let said = &arrival.metadata;
    if said.size.is_some_and(|size| size != arrival.blob.size) {
        let message = format!(
            "{} should be {} bytes long, {} arrived",
            arrival.name,
            said.size.unwrap_or(0),
            arrival.blob.size
        );
        return Err(ApiError::unprocessable(message));
    }
    let name = said.name.as_deref().and_then(name::without_folders).unwrap_or(&arrival.name).to_owned();
    let earlier = files::by_name(db, &parent.id, &name)?;
    if let Some(earlier) = earlier.as_ref().filter(|_| preserve && said.modality.is_none()) {
        let kept = earlier.doc.get("modality").and_then(Value::as_str);
        arrival.metadata.modality = kept.map(str::to_owned);
    }
    let said = &arrival.metadata;
    let mut doc = fresh(db, parent, &name, &arrival, origin)?;
    if let Some(mut earlier) = earlier {
        doc.insert("file_id".into(), earlier.file_id().into());
        doc.insert("version".into(), (files::last_version(db, earlier.file_id())? + 1).into());
        if preserve {
            keep_what_was_said(&mut doc, &earlier.doc, said);
        }
        earlier.doc.insert("replaced".into(), now().into());
        files::save(db, &earlier)?;
    }
    let file = FileRow { doc, blob: arrival.blob.id.to_string() };
    files::insert(db, &file)?;
    if file.version() > 1 {
        access_log::file_replaced(db, parent, &name)?;
    }
    containers::touch(db, &parent.id)?;
    Ok(file)
}

/// The document of a first version.
///
/// # Errors
/// 422 when the metadata does not fit the modality.
pub(crate) fn fresh(
    db: &Connection,
    parent: &Container,
    name: &str,
    arrival: &Arrival,
    origin: &Value,
) -> ApiResult<Doc> {
    let (said, time) = (&arrival.metadata, now());
    let words = match &said.classification {
        Some(words) => classification::accepted(db, said.modality.as_deref(), words)?,
        None => Classification::new(),
    };
    let mut tags: Vec<&String> = Vec::new();
    for tag in said.tags.iter().flatten() {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let doc = json!({
        "_id": Uuid::new_v4().to_string(),
        "file_id": new_id(),
        "version": 1,
        "name": name,
        "type": said.file_type.as_deref().or_else(|| filetype::file_type(name)),
        "mimetype": said.mimetype.as_deref().unwrap_or_else(|| filetype::media_type(name)),
        "modality": said.modality,
        "classification": words,
        "tags": tags,
        "info": info::sanitize_map(said.info.clone().unwrap_or_default()),
        "size": arrival.blob.size,
        "hash": arrival.blob.hash,
        "origin": origin,
        "parent_ref": parent.reference(),
        "parents": parent.parents_of_file(),
        "provider_id": PROVIDER,
        "reference": false,
        "file_group": "files",
        "zip_member_count": said.zip_member_count.or(arrival.members.map(|count| count as u64)),
        "deid_log_id": said.deid_log_id,
        "deid_log_skip_reason": said.deid_log_skip_reason.map(|reason| reason.name()),
        "created": time,
        "modified": time,
        "revision": 1,
    });
    match doc {
        Value::Object(mut doc) => {
            doc.extend(arrival.more.clone());
            Ok(doc)
        }
        _ => Err(ApiError::internal("a file's document is no object")),
    }
}

fn keep_what_was_said(doc: &mut Doc, earlier: &Doc, said: &Metadata) {
    let stated = [
        ("type", said.file_type.is_some()),
        ("modality", said.modality.is_some()),
        ("classification", said.classification.is_some()),
        ("tags", said.tags.is_some()),
        ("info", said.info.is_some()),
    ];
    for (key, _) in stated.into_iter().filter(|(_, stated)| !stated) {
        if let Some(value) = earlier.get(key) {
            doc.insert(key.into(), value.clone());
        }
    }
}

/// A file's document as a single call answers it.
pub(crate) fn shown(doc: Doc) -> Value {
    present::file(Value::Object(doc), true)
}
