//! Where an answer does not fit its schema, said so that it can be mended.

use jsonschema::JsonType;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};

/// A place where an answer does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// JSON pointer into the answer.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// Follows a failed union into the member that came closest.
pub(crate) fn explain(error: &ValidationError<'_>, found: &mut Vec<Mismatch>) {
    let members = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => context,
        _ => {
            found.push(Mismatch {
                pointer: error.instance_path().to_string(),
                message: shorten(&error.to_string()),
            });
            return;
        }
    };
    let closeness = |errors: &Vec<ValidationError<'_>>| {
        let depth = errors.iter().map(depth).max().unwrap_or_default();
        (depth, std::cmp::Reverse(errors.len()))
    };
    // Of several that are equally close the first one counts.
    let candidates = members.iter().rev().filter(|errors| !errors.iter().all(wants_null));
    let closest = candidates.max_by_key(|errors| closeness(errors));
    for error in closest.into_iter().flatten() {
        explain(error, found);
    }
}

/// Whether the only fault is that there is something where nothing was wanted as well.
fn wants_null(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Null) })
}

/// How deep into the document an error lies, through unions.
fn depth(error: &ValidationError<'_>) -> usize {
    let own = error.instance_path().to_string().matches('/').count();
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.iter().flatten().map(depth).max().unwrap_or_default().max(own)
        }
        _ => own,
    }
}

/// Messages quote the whole value, which may be a page of documents.
fn shorten(message: &str) -> String {
    const LIMIT: usize = 300;
    match message.char_indices().rev().nth(LIMIT) {
        Some((start, _)) => format!("…{}", &message[start..]),
        None => message.to_owned(),
    }
}
