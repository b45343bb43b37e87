//! Another type or modality for a file.

use std::future::IntoFuture;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::File;
use crate::{Request, Result, resource};

/// Changes the type or the modality of a file; sent when awaited.
#[must_use = "changes are sent when this is awaited"]
#[derive(Debug)]
pub struct FileUpdate<'a> {
    file: &'a mut File,
    changes: Map<String, Value>,
}

impl<'a> FileUpdate<'a> {
    pub(super) fn new(file: &'a mut File) -> Self {
        Self { file, changes: Map::new() }
    }

    /// Its type, such as `dicom` or `nifti`.
    pub fn file_type(self, file_type: impl Into<String>) -> Self {
        self.set("type", file_type.into().into())
    }

    /// Its modality, such as `MR`. Another modality clears the classification, except the aspect `Custom`.
    pub fn modality(self, modality: impl Into<String>) -> Self {
        self.set("modality", modality.into().into())
    }

    /// No modality any more.
    pub fn no_modality(self) -> Self {
        self.set("modality", Value::Null)
    }

    fn set(mut self, field: &str, value: Value) -> Self {
        self.changes.insert(field.to_owned(), value);
        self
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'a, ()> {
        let Self { file, mut changes } = self;
        let client = file.client.clone();
        Request::new(&client, move |raw| async move {
            if changes.is_empty() {
                return Ok(());
            }
            file.by_name(|routes| routes.modify_file)?.body(&changes)?.send_only(&raw).await?;
            let modality = changes.get("modality").map(|modality| modality.as_str().map(str::to_owned));
            if modality.is_some_and(|modality| modality != file.modality) {
                let words = file.model.classification.clone().unwrap_or_default();
                let kept = flywheel_core::modality::after_modality_change(words);
                changes.insert("classification".to_owned(), serde_json::to_value(kept).unwrap_or_default());
            }
            resource::apply(file, changes);
            Ok(())
        })
    }
}

impl<'a> IntoFuture for FileUpdate<'a> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'a, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}
