//! What the metadata of an upload says: the places on the way from the group down, and which file belongs to which.

use serde_json::{Value, json};

use crate::{
    body::{Field, Shape, TAG, TEXT, check, check_texts, may, must},
    containers::{create::take_text, fields},
    error::{ApiError, ApiResult, Detail},
    files::metadata::Metadata,
    kind::Kind,
    store::Doc,
};

/// The places of an upload.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The group as it was written, which may be nothing.
    pub group: String,
    /// The project's label as it was written, which may be nothing.
    pub project: String,
    pub subject: Step,
    pub session: Option<Step>,
    pub acquisition: Option<Step>,
    files: Vec<(Kind, Metadata)>,
}

/// One container on the way.
#[derive(Debug, Default, Clone)]
pub(super) struct Step {
    /// What it is, or becomes where it is not there yet.
    pub doc: Doc,
    /// The tags it has at least.
    pub tags: Vec<String>,
}

impl Step {
    /// A text field; empty when it is missing.
    pub(super) fn text(&self, key: &str) -> &str {
        self.doc.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

const TOP: &[Field] = &[
    must("group", Shape::Object(&[must("_id", TEXT), may("label", TEXT)])),
    must("project", Shape::Any),
    may("subject", Shape::Any),
    may("session", Shape::Any),
    may("acquisition", Shape::Any),
];

/// The keys of a change that name another place, which a step does not have.
const PLACES: [&str; 5] = ["group", "project", "subject", "session", "permissions"];

impl Plan {
    /// Reads the metadata of an upload.
    ///
    /// # Errors
    /// 400 when there is none; 422 for unknown fields and values of the wrong type.
    pub(super) fn read(metadata: Value) -> ApiResult<Self> {
        if metadata.is_null() {
            return Err(ApiError::bad_request("The metadata is missing: it says where the files belong"));
        }
        let mut top = check(metadata, TOP)?;
        let group = top.remove("group").unwrap_or_default();
        let mut plan = Self {
            group: group.get("_id").and_then(Value::as_str).unwrap_or_default().trim().to_owned(),
            ..Self::default()
        };
        let mut session = top.remove("session");
        let inner =
            session.as_mut().and_then(Value::as_object_mut).and_then(|doc| doc.shift_remove("subject"));
        let mut project = plan.step(Kind::Project, top.remove("project").unwrap_or_default())?;
        plan.project = take_text(&mut project.doc, "label").trim().to_owned();
        let mut subject = top.remove("subject").or(inner).filter(|subject| !subject.is_null());
        let age = subject.as_mut().and_then(Value::as_object_mut).and_then(|doc| doc.shift_remove("age"));
        if let Some(subject) = subject {
            plan.subject = plan.step(Kind::Subject, subject)?;
        }
        if let Some(session) = session.filter(|session| !session.is_null()) {
            let mut step = plan.step(Kind::Session, session)?;
            if let Some(age) = age.filter(Value::is_number) {
                step.doc.entry("age").or_insert(age);
            }
            plan.session = Some(step);
        }
        if let Some(acquisition) = top.remove("acquisition").filter(|acquisition| !acquisition.is_null()) {
            plan.acquisition = Some(plan.step(Kind::Acquisition, acquisition)?);
        }
        if plan.acquisition.is_some() && plan.session.is_none() {
            return Err(missing("session", "an acquisition is in a session"));
        }
        Ok(plan)
    }

    fn step(&mut self, kind: Kind, body: Value) -> ApiResult<Step> {
        let Value::Object(mut doc) = body else {
            return Err(ApiError::invalid(vec![Detail::new(
                &["body", kind.singular()],
                "dict_type",
                "Input should be a valid dictionary",
                &body,
            )]));
        };
        let files = doc.shift_remove("files").unwrap_or_default();
        for file in files.as_array().into_iter().flatten() {
            let metadata = Metadata::read(file)?;
            if metadata.name.is_none() {
                return Err(missing("name", "each of the files needs its name"));
            }
            self.files.push((kind, metadata));
        }
        let tags = match doc.shift_remove("tags").filter(|tags| !tags.is_null()) {
            Some(tags) => check_texts(tags, &TAG)?,
            None => Vec::new(),
        };
        // What scanners leave empty is as good as missing.
        doc.retain(|_, value| value.as_str() != Some("") && !value.is_null());
        let known = [may(kind.singular(), Shape::Object(fields::changeable(kind)))];
        let mut checked = check(json!({kind.singular(): doc}), &known)?;
        let mut doc = match checked.remove(kind.singular()) {
            Some(Value::Object(doc)) => doc,
            _ => Doc::new(),
        };
        PLACES.iter().for_each(|&key| drop(doc.shift_remove(key)));
        Ok(Step { doc, tags })
    }

    /// The level and the metadata of a file, when the upload has a place for it.
    pub(super) fn of_file(&self, name: &str) -> Option<(Kind, Metadata)> {
        self.files.iter().find(|(_, metadata)| metadata.name.as_deref() == Some(name)).cloned()
    }
}

fn missing(key: &str, message: &str) -> ApiError {
    ApiError::invalid(vec![Detail::new(&["body", "metadata", key], "missing", message, &Value::Null)])
}
