//! What things are called inside an archive: folders by label, siblings kept apart, nothing that leaves the archive.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde_json::Value;

use crate::store::Doc;

/// The folder name of a container, before siblings are told apart: its label, else its timestamp where it was taken
/// (`YYYYMMDD_HHMM`), else its uid, else its code, else `unknown_<kind>`. Characters that are not ASCII are dropped.
pub(crate) fn folder_name(kind: &str, doc: &Doc) -> String {
    let text = |key: &str| doc.get(key).and_then(Value::as_str).map(safe).filter(|name| !name.is_empty());
    text("label")
        .or_else(|| taken_at(doc))
        .or_else(|| text("uid"))
        .or_else(|| text("code"))
        .unwrap_or_else(|| format!("unknown_{kind}"))
}

fn taken_at(doc: &Doc) -> Option<String> {
    let time = flywheel_core::time::parse_utc(doc.get("timestamp")?.as_str()?).ok()?;
    let zone: Tz =
        doc.get("timezone").and_then(Value::as_str).and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    Some(time.with_timezone(&zone).format("%Y%m%d_%H%M").to_string())
}

fn safe(label: &str) -> String {
    let kept: String =
        label.chars().filter(char::is_ascii).map(|c| if is_path(c) { '_' } else { c }).collect();
    let name = kept.trim();
    if matches!(name, "." | "..") { name.replace('.', "_") } else { name.to_owned() }
}

/// A file's own name, which keeps its characters unless they would be read as a path.
pub(crate) fn file_name(name: &str) -> String {
    let kept: String = name.chars().map(|c| if is_path(c) { '_' } else { c }).collect();
    if matches!(kept.as_str(), "" | "." | "..") { "_".repeat(kept.len().max(1)) } else { kept }
}

fn is_path(c: char) -> bool {
    matches!(c, '/' | '\\') || c.is_control()
}

/// The folders given so far. A second container of the same path gets `_0`, the next `_1`.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    owners: HashMap<String, String>,
    paths: HashMap<String, String>,
}

impl Folders {
    /// The path of container `id`, called `name` below `parent` (a path, or nothing at the top).
    pub(crate) fn place(&mut self, id: &str, parent: &str, name: &str) -> String {
        if let Some(path) = self.paths.get(id) {
            return path.clone();
        }
        let plain = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        let numbered = (0u32..).map(|n| format!("{plain}_{n}"));
        let path = std::iter::once(plain.clone())
            .chain(numbered)
            .find(|path| !self.owners.contains_key(path))
            .unwrap_or(plain);
        self.owners.insert(path.clone(), id.to_owned());
        self.paths.insert(id.to_owned(), path.clone());
        path
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_folder_is_called_by_the_first_thing_known() {
        for (kind, doc, name) in [
            ("session", json!({"label": "ses 01", "uid": "1.2"}), "ses 01"),
            ("session", json!({"timestamp": "2020-05-05T01:22:06Z"}), "20200505_0122"),
            (
                "session",
                json!({"timestamp": "2020-05-05T01:22:06Z", "timezone": "America/Chicago"}),
                "20200504_2022",
            ),
            ("session", json!({"timestamp": "2020-05-05T01:22:06Z", "timezone": "nowhere"}), "20200505_0122"),
            ("session", json!({"label": "", "uid": "1.2.3"}), "1.2.3"),
            ("subject", json!({"code": "sub-01"}), "sub-01"),
            ("subject", json!({}), "unknown_subject"),
            ("project", json!({"label": "名前"}), "unknown_project"),
            ("project", json!({"label": "Größe 1"}), "Gre 1"),
            ("project", json!({"label": "../up"}), ".._up"),
            ("project", json!({"label": ".."}), "__"),
            ("project", json!({"label": "a\\b\nc"}), "a_b_c"),
        ] {
            assert_eq!(folder_name(kind, doc.as_object().unwrap()), name, "{doc}");
        }
    }

    #[test]
    fn a_file_keeps_its_name_unless_it_is_a_path() {
        for (name, kept) in [("名 1.nii", "名 1.nii"), ("a/b", "a_b"), ("..", "__"), ("", "_"), ("a\0", "a_")]
        {
            assert_eq!(file_name(name), kept);
        }
    }

    #[test]
    fn siblings_of_one_name_get_numbers_and_keep_them() {
        let mut folders = Folders::default();
        assert_eq!(folders.place("1", "", "study"), "study");
        assert_eq!(folders.place("2", "", "study"), "study_0");
        assert_eq!(folders.place("3", "", "study"), "study_1");
        assert_eq!(folders.place("2", "", "study"), "study_0");
        assert_eq!(folders.place("4", "study", "a"), "study/a");
        assert_eq!(folders.place("5", "study_0", "a"), "study_0/a");
    }

    #[test]
    fn a_number_that_is_somebodys_name_is_not_given_twice() {
        let mut folders = Folders::default();
        folders.place("1", "", "a");
        assert_eq!(folders.place("2", "", "a_0"), "a_0");
        assert_eq!(folders.place("3", "", "a"), "a_1");
    }
}
