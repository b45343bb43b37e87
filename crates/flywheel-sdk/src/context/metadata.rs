//! `.metadata.json`: what a gear says about containers and files.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{ContainerRef, Error, ErrorKind, Kind, Result};

/// What is to be written to containers and files, by level of the hierarchy.
///
/// Fields that are set replace what was said before; what the site does with them is its own: on containers it fills what is
/// missing, unites tags and merges free metadata; on files it writes over.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    #[serde(flatten)]
    levels: Map<String, Value>,
    #[serde(skip)]
    destination: Option<ContainerRef>,
}

impl Metadata {
    pub(super) fn new(destination: Option<ContainerRef>) -> Self {
        Self { levels: Map::new(), destination }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The container of this level at or above the destination.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is no level of the hierarchy and no analysis.
    pub fn container(&mut self, level: Kind) -> Result<Entry<'_>> {
        let levels = [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Analysis];
        if !levels.contains(&level) {
            let message = format!(
                "gears say nothing about a {level}; project, subject, session, acquisition and analysis are the levels"
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(self.level(level.as_str()))
    }

    /// The destination.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the gear was given none.
    pub fn destination(&mut self) -> Result<Entry<'_>> {
        let kind = self.destination.as_ref().map(|destination| destination.kind);
        let missing = || Error::new(ErrorKind::NotFound, "config.json names no destination");
        self.container(kind.ok_or_else(missing)?)
    }

    /// A file of the destination, or one that the gear puts out, by its name.
    pub fn file(&mut self, name: impl Into<String>) -> Entry<'_> {
        let level = self.destination.as_ref().map_or(Kind::Acquisition, |destination| destination.kind);
        self.file_of(level, name)
    }

    /// A file of the container of this level, by its name.
    pub fn file_of(&mut self, level: Kind, name: impl Into<String>) -> Entry<'_> {
        let name = Value::String(name.into());
        let files = self.level(level.as_str()).fields.entry("files").or_insert_with(|| json!([]));
        if !files.is_array() {
            *files = json!([]);
        }
        let files = files.as_array_mut().expect("it was made an array");
        let at = files.iter().position(|file| file.get("name") == Some(&name)).unwrap_or_else(|| {
            files.push(json!({"name": name}));
            files.len() - 1
        });
        Entry { fields: files[at].as_object_mut().expect("entries are objects") }
    }

    fn level(&mut self, name: &str) -> Entry<'_> {
        let entry = self.levels.entry(name).or_insert_with(|| json!({}));
        Entry { fields: entry.as_object_mut().expect("levels are objects") }
    }
}

/// What is said about one container or file.
#[derive(Debug)]
pub struct Entry<'a> {
    fields: &'a mut Map<String, Value>,
}

impl Entry<'_> {
    /// Gives a field a value: `tags`, `info`, `label`, and of files `type`, `modality`, `classification`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a value without a form in JSON, and for the field `files`, which
    /// [`Metadata::file_of`] writes.
    pub fn set(self, field: &str, value: impl Serialize) -> Result<Self> {
        if field == "files" {
            return Err(Error::new(
                ErrorKind::Invalid,
                "files are told about one by one: call file(name) or file_of(level, name)",
            ));
        }
        let value = serde_json::to_value(value).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("{field} has no form in JSON: {error}"))
        })?;
        self.fields.insert(field.to_owned(), value);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_said_of_one_file_twice_is_one_entry() {
        let mut metadata = Metadata::new(Some(ContainerRef::new(Kind::Analysis, "x")));
        metadata.file("a").set("modality", "MR").unwrap();
        metadata.file("b").set("modality", "CT").unwrap();
        metadata.file("a").set("modality", "PT").unwrap().set("info", json!({"k": 1})).unwrap();
        metadata.container(Kind::Session).unwrap().set("label", "s").unwrap();
        let expected = json!({
            "analysis": {"files": [{"name": "a", "modality": "PT", "info": {"k": 1}}, {"name": "b", "modality": "CT"}]},
            "session": {"label": "s"},
        });
        assert_eq!(serde_json::to_value(&metadata).unwrap(), expected);
    }

    #[test]
    fn what_gears_cannot_say_is_refused() {
        let mut metadata = Metadata::new(None);
        assert!(metadata.container(Kind::Group).unwrap_err().is_invalid());
        assert!(metadata.destination().unwrap_err().is_not_found());
        assert!(metadata.container(Kind::Session).unwrap().set("files", json!([])).unwrap_err().is_invalid());
    }
}
