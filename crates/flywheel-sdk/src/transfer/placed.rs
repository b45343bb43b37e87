//! Uploads to containers that are named by labels or unique ids: what is not there yet is made.

use flywheel_api::OperationId;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Source, Upload, methods::stored_files, source::Ready};
use crate::{Client, Error, ErrorKind, File, Result, resource::sealed::Parts};

/// Where files go, level by level. What is there keeps what it has, and only gains fields that are missing.
///
/// ```
/// use flywheel::transfer::Place;
///
/// let place = Place::new("neuro", "Color Study")
///     .subject("sub-01")
///     .session("ses-01")
///     .session_field("uid", "1.2.840.1")
///     .acquisition("T1w")
///     .acquisition_field("timestamp", "2024-05-01T10:00:00Z");
/// # let _ = place;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Place {
    group: String,
    project: String,
    subject: Map<String, Value>,
    session: Map<String, Value>,
    acquisition: Map<String, Value>,
    problem: Option<String>,
}

macro_rules! levels {
    ($($level:ident $name:literal $set:ident $words:literal;)*) => {$(
        #[doc = concat!("The ", $words, " with this label. The files go to the last level that is named.")]
        pub fn $level(self, label: impl Into<String>) -> Self {
            let label: String = label.into();
            self.$set($name, label)
        }

        #[doc = concat!("A field of the ", $words, ", by its name in the API, such as `uid` or `timestamp`.")]
        pub fn $set(mut self, field: impl Into<String>, value: impl Serialize) -> Self {
            let field = field.into();
            match serde_json::to_value(value) {
                Ok(value) => {
                    self.$level.insert(field, value);
                }
                Err(error) => self.problem = Some(format!("{field} has no form in JSON: {error}")),
            }
            self
        }
    )*};
}

impl Place {
    /// The project with this label in the group with this id.
    pub fn new(group: impl Into<String>, project: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            project: project.into(),
            subject: Map::new(),
            session: Map::new(),
            acquisition: Map::new(),
            problem: None,
        }
    }

    levels! {
        subject "code" subject_field "subject";
        session "label" session_field "session";
        acquisition "label" acquisition_field "acquisition";
    }

    /// The description of the place and of what goes there.
    pub(super) fn metadata(&self, sources: &[Ready]) -> Value {
        let files: Value = sources.iter().map(Ready::named_metadata).collect();
        let mut metadata = json!({"group": {"_id": self.group}, "project": {"label": self.project}});
        let mut session = self.session.clone();
        if !self.subject.is_empty() {
            session.insert("subject".to_owned(), json!(self.subject));
        }
        let mut levels = [("session", session), ("acquisition", self.acquisition.clone())];
        let last = levels.iter().rposition(|(_, level)| !level.is_empty());
        match last.and_then(|last| levels.get_mut(last)) {
            Some((_, level)) => {
                level.insert("files".to_owned(), files);
            }
            None => metadata["project"]["files"] = files,
        }
        for (name, level) in levels {
            if !level.is_empty() {
                metadata[name] = Value::Object(level);
            }
        }
        metadata
    }
}

impl Client {
    /// Uploads files to containers that are found by their labels, and made where they are not there.
    pub fn upload_by_label(
        &self,
        place: Place,
        sources: impl IntoIterator<Item = impl Into<Source>>,
    ) -> Upload<Vec<File>> {
        self.upload_placed(OperationId::UploadByLabel, place, sources)
    }

    /// Uploads files to a session and an acquisition that are found by their `uid` in the project, and made where they are
    /// not there.
    pub fn upload_by_uid(
        &self,
        place: Place,
        sources: impl IntoIterator<Item = impl Into<Source>>,
    ) -> Upload<Vec<File>> {
        self.upload_placed(OperationId::UploadByUid, place, sources)
    }

    /// Uploads files as a device beside a scanner does: to the acquisition or session that has the `uid`, wherever it is;
    /// to the named place otherwise. For devices.
    pub fn upload_by_reaper(
        &self,
        place: Place,
        sources: impl IntoIterator<Item = impl Into<Source>>,
    ) -> Upload<Vec<File>> {
        self.upload_placed(OperationId::UploadByReaper, place, sources)
    }

    fn upload_placed(
        &self,
        operation: OperationId,
        place: Place,
        sources: impl IntoIterator<Item = impl Into<Source>>,
    ) -> Upload<Vec<File>> {
        let sources = sources.into_iter().map(Into::into).collect();
        let operation = match &place.problem {
            Some(problem) => Err(Error::new(ErrorKind::Invalid, problem.clone())),
            None => Ok(operation),
        };
        let finish = |client: &Client, stored: Vec<Value>| -> Result<Vec<File>> {
            let files = stored_files(stored)?.into_iter();
            Ok(files.map(|file| File::from_parts(client.clone(), file)).collect())
        };
        Upload::new(self, operation, Vec::new(), sources, finish).placed(place)
    }
}
