//! What of a container is copied: rules over files, and what is left out of everything.

use flywheel_core::filter::Filter;
use serde_json::Value;

use crate::{
    body::{Field, Shape, TEXT, check, may},
    error::{ApiError, ApiResult},
    kind::Kind,
    matching::Test,
};

/// The fields of a filter.
pub(crate) const FIELDS: &[Field] = &[
    may("exclude_analysis", Shape::Bool),
    may("exclude_annotations", Shape::Bool),
    may("exclude_notes", Shape::Bool),
    may("exclude_tags", Shape::Bool),
    may("include_rules", Shape::List(&TEXT)),
    may("exclude_rules", Shape::List(&TEXT)),
    may("exclude_empty_containers", Shape::Bool),
];

/// What is copied. Annotations are no part of this site, so nothing is to be left out of them.
pub(crate) struct CopyFilter {
    pub(super) analyses: bool,
    pub(super) notes: bool,
    pub(super) tags: bool,
    pub(super) empty_containers: bool,
    include: Vec<Rule>,
    exclude: Vec<Rule>,
}

/// A filter expression over a file and the containers that it lies in: `file.type=dicom`, `session.label=~^ses`. A field
/// without a level is the file's.
struct Rule(Vec<(Level, Test)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    File,
    Container(Kind),
}

/// A file's document and those of the containers above it.
pub(super) struct Context<'a> {
    pub(super) file: &'a Value,
    pub(super) above: &'a [(Kind, Value)],
}

impl CopyFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// 422 for other fields, 400 for a rule that is no filter expression.
    pub(crate) fn read(body: Value) -> ApiResult<Self> {
        let doc = check(body, FIELDS)?;
        let flag = |key: &str, default| doc.get(key).and_then(Value::as_bool).unwrap_or(default);
        let rules = |key: &str| {
            let list = doc.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(Rule::read).collect::<ApiResult<Vec<_>>>()
        };
        Ok(Self {
            analyses: !flag("exclude_analysis", false),
            notes: !flag("exclude_notes", false),
            tags: !flag("exclude_tags", false),
            empty_containers: !flag("exclude_empty_containers", true),
            include: rules("include_rules")?,
            exclude: rules("exclude_rules")?,
        })
    }

    /// Whether a file is copied: one of the rules to include holds, or there are none, and no rule to exclude does.
    pub(super) fn passes(&self, context: &Context<'_>) -> ApiResult<bool> {
        let any = |rules: &[Rule]| -> ApiResult<bool> {
            for rule in rules {
                if rule.holds(context)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok((self.include.is_empty() || any(&self.include)?) && !any(&self.exclude)?)
    }
}

impl Rule {
    fn read(text: &str) -> ApiResult<Self> {
        let refuse =
            |error: String| ApiError::bad_request(format!("cannot parse the rule {text:?}: {error}"));
        let filter: Filter = text.parse().map_err(|error| refuse(format!("{error}")))?;
        let tests = filter.clauses.iter().map(|clause| {
            let (level, field) = level_of(&clause.field);
            Test::new(clause, &field).map(|test| (level, test)).map_err(refuse)
        });
        tests.collect::<ApiResult<_>>().map(Self)
    }

    fn holds(&self, context: &Context<'_>) -> ApiResult<bool> {
        for (level, test) in &self.0 {
            let part = match level {
                Level::File => Some(context.file),
                Level::Container(kind) => {
                    context.above.iter().find(|(above, _)| above == kind).map(|(_, doc)| doc)
                }
            };
            if !test.holds_for_part(part).map_err(ApiError::bad_request)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The level that a field speaks of, and the field with that level in front.
fn level_of(field: &str) -> (Level, String) {
    let named = field.split_once('.').and_then(|(level, _)| match level {
        "file" => Some(Level::File),
        level => Kind::LEVELS.into_iter().find(|kind| kind.singular() == level).map(Level::Container),
    });
    match named {
        Some(level) => (level, field.to_owned()),
        None => (Level::File, format!("file.{field}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_speak_of_the_file_and_of_what_it_lies_in() {
        let file = json!({"type": "dicom", "tags": ["raw"], "info": {"n": 3}});
        let above = [(Kind::Session, json!({"label": "ses-01"}))];
        let context = Context { file: &file, above: &above };
        let passes = |filter: Value| CopyFilter::read(filter).unwrap().passes(&context).unwrap();
        assert!(passes(json!({})));
        assert!(passes(json!({"include_rules": ["file.type=nifti", "type=dicom"]})));
        assert!(!passes(json!({"include_rules": ["file.type=nifti"]})));
        assert!(passes(json!({"include_rules": ["session.label=~^ses,file.tags=raw"]})));
        assert!(!passes(json!({"include_rules": ["session.label=~^ses,file.tags=other"]})));
        assert!(!passes(json!({"exclude_rules": ["file.info.n>2"]})));
        assert!(passes(json!({"exclude_rules": ["acquisition.label=x"]})));
        assert_eq!(CopyFilter::read(json!({"include_rules": ["no operator"]})).err().unwrap().status(), 400);
        assert_eq!(CopyFilter::read(json!({"exclude_all": true})).err().unwrap().status(), 422);
    }
}
