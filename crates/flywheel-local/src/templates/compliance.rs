//! Whether a session satisfies a template.
//!
//! A template asks for a label of the session and for acquisitions, each with a label and with files of a
//! classification, and says of each at least how many. Patterns are regular expressions without regard to case: the
//! session's holds from the beginning of the label, the others anywhere. With `regex: false` they are the whole text.

use serde_json::Value;

use crate::matching::Pattern;

/// A session with what a template looks at.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub(super) label: String,
    pub(super) acquisitions: Vec<Acquisition>,
}

/// An acquisition: its label, and for each file the values of all aspects of its classification.
#[derive(Debug, Clone, Default)]
pub(super) struct Acquisition {
    pub(super) label: String,
    pub(super) files: Vec<Vec<String>>,
}

/// A template that is ready to be compared with sessions.
pub(super) struct Template {
    session: Wanted,
    acquisitions: Vec<WantedAcquisition>,
}

struct WantedAcquisition {
    label: Wanted,
    minimum: usize,
    files: Vec<(Wanted, usize)>,
}

/// What a text should be.
enum Wanted {
    Anything,
    Text(String),
    Matching(Pattern),
}

impl Wanted {
    fn read(given: Option<&Value>, regex: bool, anchor: &str) -> Result<Self, String> {
        match given.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            None => Ok(Self::Anything),
            Some(text) if regex => Pattern::new(&format!("(?i){anchor}(?:{text})")).map(Self::Matching),
            Some(text) => Ok(Self::Text(text.to_owned())),
        }
    }

    /// A pattern that was given up counts as not found.
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Text(wanted) => wanted == text,
            Self::Matching(pattern) => pattern.found_in(text).unwrap_or(false),
        }
    }
}

fn minimum(of: &Value) -> usize {
    let given = of.get("minimum").and_then(Value::as_u64).unwrap_or(1);
    usize::try_from(given).unwrap_or(usize::MAX)
}

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

impl Template {
    /// Reads the document of a template.
    ///
    /// # Errors
    /// The message names a pattern that is no regular expression.
    pub(super) fn read(doc: &Value) -> Result<Self, String> {
        let regex = doc.get("regex").and_then(Value::as_bool).unwrap_or(true);
        let session = Wanted::read(doc.pointer("/session/label"), regex, "^")?;
        let acquisition = |wanted: &Value| {
            let files = list(wanted, "files");
            let files = files
                .map(|file| Ok((Wanted::read(file.get("classification"), regex, "")?, minimum(file))))
                .collect::<Result<_, String>>()?;
            let label = Wanted::read(wanted.get("label"), regex, "")?;
            Ok(WantedAcquisition { label, minimum: minimum(wanted), files })
        };
        let acquisitions = list(doc, "acquisitions").map(acquisition).collect::<Result<_, String>>()?;
        Ok(Self { session, acquisitions })
    }

    /// Whether a session satisfies it.
    pub(super) fn satisfied_by(&self, session: &Session) -> bool {
        self.session.holds(&session.label)
            && self.acquisitions.iter().all(|wanted| {
                let fitting = session.acquisitions.iter().filter(|acquisition| wanted.fits(acquisition));
                fitting.count() >= wanted.minimum
            })
    }
}

impl WantedAcquisition {
    fn fits(&self, acquisition: &Acquisition) -> bool {
        self.label.holds(&acquisition.label)
            && self.files.iter().all(|(wanted, minimum)| {
                let fitting = acquisition.files.iter().filter(|words| {
                    matches!(wanted, Wanted::Anything) || words.iter().any(|word| wanted.holds(word))
                });
                fitting.count() >= *minimum
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn session() -> Session {
        let acquisition = |label: &str, words: &[&str]| Acquisition {
            label: label.into(),
            files: words.iter().map(|word| vec![(*word).to_owned(), "Brain".into()]).collect(),
        };
        Session {
            label: "ses-01".into(),
            acquisitions: vec![
                acquisition("t1_mprage", &["Structural", "Structural"]),
                acquisition("bold rest", &["Functional"]),
                acquisition("bold task", &[]),
            ],
        }
    }

    fn satisfied(template: Value) -> bool {
        Template::read(&template).unwrap().satisfied_by(&session())
    }

    #[test]
    fn the_label_of_the_session_is_held_from_its_beginning_without_regard_to_case() {
        assert!(satisfied(json!({"session": {"label": "SES"}})));
        assert!(!satisfied(json!({"session": {"label": "01"}})));
        assert!(satisfied(json!({"session": {"label": "x|ses"}})));
        assert!(!satisfied(json!({"session": {"label": "ses"}, "regex": false})));
        assert!(satisfied(json!({"session": {"label": "ses-01"}, "regex": false})));
    }

    #[test]
    fn acquisitions_are_counted_by_label_and_files() {
        let with = |minimum: u64, files: Value| json!({"acquisitions": [{"label": "BOLD", "minimum": minimum, "files": files}]});
        assert!(satisfied(with(2, json!([]))));
        assert!(!satisfied(with(3, json!([]))));
        assert!(satisfied(with(1, json!([{"classification": "func", "minimum": 1}]))));
        assert!(!satisfied(with(2, json!([{"classification": "func", "minimum": 1}]))));
        assert!(!satisfied(with(1, json!([{"classification": "func", "minimum": 2}]))));
        assert!(satisfied(json!({"acquisitions": [{"files": [{"minimum": 2}]}]})));
    }

    #[test]
    fn a_template_that_asks_nothing_is_satisfied_and_a_broken_pattern_is_named() {
        assert!(satisfied(json!({})));
        assert!(Template::read(&json!({"session": {"label": "("}})).err().unwrap().contains('('));
    }
}
