//! The normalisations: named steps that turn the description into one the generator gets right.
//!
//! Each says how many places it changed. The counts are part of `openapi/README.md` and of a snapshot, so a
//! new description that needs more or less of a step shows it.

mod models;
pub(crate) mod names;
mod operations;
mod parameters;
mod responses;
#[cfg(test)]
mod tests;
mod unions;

use anyhow::Context;

use super::document::Document;

/// One step.
pub(crate) struct Pass {
    /// Its name, in reports and in the README.
    pub(crate) name: &'static str,
    /// What it does and why, in a line.
    pub(crate) does: &'static str,
    run: fn(&mut Document) -> anyhow::Result<usize>,
}

/// How often a step changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    /// The name of the step.
    pub(crate) name: &'static str,
    /// What the step does.
    pub(crate) does: &'static str,
    /// The places changed.
    pub(crate) places: usize,
}

/// All steps, in the order in which they have to run.
pub(crate) const PASSES: &[Pass] = &[
    Pass {
        name: "error-responses",
        does: "answers that are no success are left out: the transport turns every one of them into the crate's error",
        run: responses::drop_errors,
    },
    Pass {
        name: "rust-names",
        does: "schemas take the name of their Rust type (`ServiceAET` becomes `ServiceAet`)",
        run: names::rename,
    },
    Pass {
        name: "tagged-unions",
        does: "a union told apart by a field is a hand-written enumeration that keeps the JSON of unknown kinds",
        run: unions::tagged,
    },
    Pass {
        name: "aliases",
        does: "an alias of a model becomes a type alias; what refers to it refers to the model",
        run: names::resolve_aliases,
    },
    Pass {
        name: "wrapped-references",
        does: "a reference that is wrapped to carry a default is the reference",
        run: models::unwrap_references,
    },
    Pass {
        name: "parameter-defaults",
        does: "the default of a parameter is the server's business: what the caller leaves out is not sent",
        run: parameters::drop_defaults,
    },
    Pass {
        name: "property-defaults",
        does: "a field has no default: null and absence stay what they are",
        run: models::drop_defaults,
    },
    Pass { name: "free-models", does: "a model without fields is any JSON", run: models::free },
    Pass {
        name: "variants",
        does: "the ticket, info and signed-upload forms of a route become operations of their own",
        run: operations::split_variants,
    },
    Pass {
        name: "same-name-parameters",
        does: "a header that has the name of another parameter gets `_header` behind its name in Rust: the generator would lose one of the two",
        run: parameters::tell_apart,
    },
    Pass {
        name: "header-lists",
        does: "a list in a header is a text, its items separated by commas",
        run: parameters::header_lists,
    },
    Pass {
        name: "multipart",
        does: "a multipart body is handed to the generator as bytes and becomes a `Form` afterwards",
        run: operations::multipart,
    },
    Pass {
        name: "inline-models",
        does: "a model that is written where it is used gets a name",
        run: names::inline_models,
    },
    Pass {
        name: "required",
        does: "no field of an answer is required: releases drop fields",
        run: models::drop_required,
    },
    Pass { name: "null-members", does: "`anyOf` with null is a nullable schema", run: unions::null_members },
    Pass {
        name: "listings",
        does: "a list, a page, or a union of both in an answer is a `Listing`, which reads either",
        run: responses::listings,
    },
    Pass {
        name: "text-unions",
        does: "a union of an enumeration and a text is the open enumeration; of several, a text",
        run: unions::texts,
    },
    Pass {
        name: "collection-unions",
        does: "a union of lists is a list of the union of their rows, and so are maps",
        run: unions::collections,
    },
    Pass {
        name: "merged-unions",
        does: "a union of objects in an answer is one model with the fields of all of them, under the plain name when one is the start of the others",
        run: unions::merge_objects,
    },
    Pass {
        name: "unused-models",
        does: "a model that only pages and merged unions held is left out",
        run: names::unused,
    },
    Pass {
        name: "request-unions",
        does: "a union of objects in a request is an enumeration of them",
        run: unions::request_objects,
    },
    Pass {
        name: "same-name-fields",
        does: "two fields with one name in Rust (`_id` and `id`) are told apart: the second is `plain_id`",
        run: names::same_name_fields,
    },
    Pass {
        name: "kind-unions",
        does: "a union of different JSON kinds is an enumeration that dispatches on the kind and keeps the JSON of others",
        run: unions::kinds,
    },
    Pass {
        name: "free-unions",
        does: "a union that none of the steps above settles is any JSON",
        run: unions::free,
    },
    Pass {
        name: "open-enums",
        does: "an enumeration is open: a value not known yet is kept and sent back unchanged",
        run: models::open_enums,
    },
    Pass {
        name: "timestamps",
        does: "`date-time` is a `Timestamp`, which keeps the offset and reads a zone-less text as UTC",
        run: models::timestamps,
    },
    Pass {
        name: "formats",
        does: "other string formats and length or pattern rules are left to the server",
        run: models::formats,
    },
    Pass {
        name: "nullable-collections",
        does: "an optional list or map may be null, and an empty one can be sent",
        run: models::nullable_collections,
    },
    Pass {
        name: "patches",
        does: "an optional field of an update is a `Patch`: kept, cleared with null, or set",
        run: models::patches,
    },
    Pass {
        name: "extra",
        does: "a model keeps the fields that it does not know in `extra`",
        run: models::extra,
    },
    Pass {
        name: "plain-text-answers",
        does: "an answer that is one text is read with or without the quotes of JSON",
        run: responses::plain_text,
    },
    Pass {
        name: "lenient-numbers",
        does: "a number may come as `1.0` or as text",
        run: models::lenient_numbers,
    },
];

/// Runs all steps.
pub(crate) fn normalise(document: &mut Document) -> anyhow::Result<Vec<Count>> {
    let run = |pass: &Pass| {
        let places = (pass.run)(document).with_context(|| format!("the step {}", pass.name))?;
        Ok(Count { name: pass.name, does: pass.does, places })
    };
    PASSES.iter().map(run).collect()
}
