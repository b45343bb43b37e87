//! One operation of the description: which requests call it, and what it answers.

use std::collections::HashMap;

use http::Method;
use serde_json::{Map, Value};

/// One method on one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The operation id.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path template, relative to `/api`.
    pub template: String,
    /// What the query holds when a client means this operation.
    constants: Vec<(String, String)>,
    segments: Vec<Segment>,
    pub(crate) answers: Vec<Answers>,
}

/// What an operation answers when the query holds the constants: the variants first, then the operation itself.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    constants: Vec<(String, String)>,
    /// By status as the description writes it: `200`, `2XX`, `default`.
    pub(crate) by_status: HashMap<String, Expected>,
}

/// One segment of a path template; a parameter may have text on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter { before: String, after: String },
}

/// What the description says about an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// JSON that fits the schema at this pointer.
    Json(String),
    /// Bytes, or nothing that the description tells about.
    Anything,
}

impl Operation {
    /// Whether a path, by its segments, is of this operation's form.
    pub(crate) fn matches(&self, path: &[&str]) -> bool {
        self.segments.len() == path.len()
            && self.segments.iter().zip(path).all(|(segment, text)| segment.matches(text))
    }

    /// Orders operations whose form one path has: one that the query names wins, then literal text on the left.
    pub(crate) fn rank(&self, query: &[(String, String)]) -> (bool, Vec<usize>) {
        let named = !self.constants.is_empty() && self.constants.iter().all(|pair| query.contains(pair));
        (named, self.segments.iter().map(Segment::literal_length).collect())
    }

    /// Whether a request cannot tell it from another operation, or it is that one.
    pub(crate) fn is_twin_of(&self, other: &Self) -> bool {
        self.method == other.method && self.segments == other.segments && self.constants == other.constants
    }

    /// The path with every parameter filled in by its name.
    #[must_use]
    pub fn path(&self, fill: impl Fn(&str) -> String) -> String {
        let mut path = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            path.push_str(before);
            path.push_str(&fill(name));
            rest = after;
        }
        path.push_str(rest);
        path
    }

    /// What the description says about a successful answer to a query; nothing when it does not
    /// know the status.
    #[must_use]
    pub fn expected(&self, query: &[(String, String)], status: u16) -> Option<Expected> {
        let held = |answers: &&Answers| answers.constants.iter().all(|constant| query.contains(constant));
        // The one that the query says most about; of equals the first.
        let answers = self.answers.iter().rev().filter(held).max_by_key(|answers| answers.constants.len());
        let answers = answers.or(self.answers.last())?;
        let family = format!("{}XX", status / 100);
        let media = [status.to_string().as_str(), &family, "default"]
            .iter()
            .find_map(|key| answers.by_status.get(*key))?;
        Some(media.clone())
    }
}

impl Segment {
    fn new(text: &str) -> Self {
        match text.split_once('{') {
            Some((before, rest)) => Self::Parameter {
                before: before.to_owned(),
                after: rest.split_once('}').map_or("", |(_, after)| after).to_owned(),
            },
            None => Self::Literal(text.to_owned()),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Parameter { before, after } => {
                text.len() > before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
            }
        }
    }

    fn literal_length(&self) -> usize {
        match self {
            Self::Literal(_) => usize::MAX,
            Self::Parameter { before, after } => before.len() + after.len(),
        }
    }
}

/// A value for a path parameter that is well-formed wherever it can be.
#[must_use]
pub fn placeholder(name: &str) -> String {
    match name {
        "ctype" | "container_name" => "projects".to_owned(),
        "subcontainer_name" => "sessions".to_owned(),
        name if name.contains("type") => "project".to_owned(),
        name if name.contains("uid") || name.contains("user") => "nobody@example.org".to_owned(),
        name if name.contains("id") => "0".repeat(24),
        _ => "something".to_owned(),
    }
}

/// Every operation of a description.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (template, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let (Ok(method), Some(id)) =
                (method.to_uppercase().parse::<Method>(), operation["operationId"].as_str())
            else {
                continue;
            };
            let place = format!("/paths/{}/{}", escape(template), method.as_str().to_lowercase());
            found.push(Operation {
                id: id.to_owned(),
                method,
                template: template.clone(),
                constants: constants(&operation["x-flywheel-constants"]["query"]),
                segments: template.trim_start_matches('/').split('/').map(Segment::new).collect(),
                answers: answers(operation, &place),
            });
        }
    }
    found
}

fn answers(operation: &Value, place: &str) -> Vec<Answers> {
    let variants = operation["x-flywheel-variants"].as_array();
    let mut found: Vec<Answers> = variants
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, variant)| Answers {
            constants: constants(&variant["constants"]["query"]),
            by_status: by_status(variant, &format!("{place}/x-flywheel-variants/{index}")),
        })
        .collect();
    found.push(Answers {
        constants: constants(&operation["x-flywheel-constants"]["query"]),
        by_status: by_status(operation, place),
    });
    found
}

fn constants(query: &Value) -> Vec<(String, String)> {
    query
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect()
}

fn by_status(owner: &Value, place: &str) -> HashMap<String, Expected> {
    let responses = owner["responses"].as_object().into_iter().flatten();
    responses
        .map(|(status, response)| {
            let media: Vec<&String> =
                response["content"].as_object().into_iter().flat_map(Map::keys).collect();
            // A file may itself be JSON, so only a description without bytes says what is in it.
            let expected = match media[..] {
                [media_type] if media_type == "application/json" => Expected::Json(format!(
                    "{place}/responses/{status}/content/{}/schema",
                    escape(media_type)
                )),
                _ => Expected::Anything,
            };
            (status.clone(), expected)
        })
        .collect()
}

/// A key as a token of a JSON pointer inside a URI fragment.
fn escape(key: &str) -> String {
    let token = key.replace('~', "~0").replace('/', "~1");
    percent_encoding::utf8_percent_encode(&token, percent_encoding::CONTROLS)
        .to_string()
        .replace('{', "%7B")
        .replace('}', "%7D")
}
