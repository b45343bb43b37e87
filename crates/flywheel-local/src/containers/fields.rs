//! The bodies of calls that make or change containers, as tables of fields.

use crate::{
    body::{Field, LABEL, Shape, TAG, TEXT, may, must},
    kind::Kind,
};

/// `{_id, role_ids}`, and the older `{_id, access}`.
pub(crate) const ROLE_PERMISSION: &[Field] =
    &[must("_id", Shape::Text(1, 256)), may("role_ids", Shape::List(&Shape::Id)), may("access", ACCESS)];

/// `{_id, access}`.
pub(crate) const ACCESS_PERMISSION: &[Field] = &[must("_id", Shape::Text(1, 256)), must("access", ACCESS)];

/// A level.
pub(crate) const ACCESS: Shape = Shape::OneOf(&["ro", "rw", "admin"]);

const PROVIDERS: Shape = Shape::Any;
const EDITIONS: Shape = Shape::Object(&[may("lab", Shape::Bool)]);
const PERMISSIONS: Shape = Shape::List(&Shape::Object(ROLE_PERMISSION));
const SEX: Shape = Shape::OneOf(&["male", "female", "other", "unknown"]);
const RACE: Shape = Shape::OneOf(&[
    "American Indian or Alaska Native",
    "Asian",
    "Native Hawaiian or Other Pacific Islander",
    "Black or African American",
    "White",
    "More Than One Race",
    "Unknown or Not Reported",
]);
const ETHNICITY: Shape =
    Shape::OneOf(&["Not Hispanic or Latino", "Hispanic or Latino", "Unknown or Not Reported"]);
const COHORT: Shape = Shape::OneOf(&["Control", "Study", "Training", "Test", "Validation"]);
const MLSET: Shape = Shape::OneOf(&["Training", "Testing", "Validation"]);
const STATE: Shape = Shape::OneOf(&["In utero", "Alive", "Dead"]);
const SUBJECT_LABEL: Shape = Shape::Text(1, 64);

/// What a group is made of.
pub(crate) const GROUP: &[Field] =
    &[must("_id", TEXT), must("label", LABEL), may("providers", PROVIDERS), may("editions", EDITIONS)];

/// What a project is made of.
pub(crate) const PROJECT: &[Field] = &[
    must("label", LABEL),
    must("group", TEXT),
    may("description", TEXT),
    may("editions", EDITIONS),
    may("providers", PROVIDERS),
    may("ldap_sync", Shape::Any),
    may("permissions", PERMISSIONS),
    may("copyable", Shape::Bool),
    may("info", Shape::Info),
];

macro_rules! subject_fields {
    ($($more:expr),* $(,)?) => {
        &[
            may("firstname", Shape::Name),
            may("lastname", Shape::Name),
            may("sex", SEX),
            may("cohort", COHORT),
            may("date_of_birth", Shape::Day),
            may("mlset", MLSET),
            may("type", TEXT),
            may("race", RACE),
            may("ethnicity", ETHNICITY),
            may("species", TEXT),
            may("strain", TEXT),
            may("label", SUBJECT_LABEL),
            may("code", SUBJECT_LABEL),
            may("master_code", TEXT),
            may("tags", Shape::List(&TAG)),
            may("info", Shape::Info),
            may("state", STATE),
            $($more),*
        ]
    };
}

/// What a subject is made of.
pub(crate) const SUBJECT: &[Field] = subject_fields![must("project", Shape::Id)];

/// A subject inside a session: which one, or by what label it is found or made.
const EMBEDDED_SUBJECT: Shape = Shape::Either(
    &Shape::Id,
    &Shape::Object(&[
        may("project", Shape::Id),
        may("_id", Shape::Id),
        may("master_code", TEXT),
        may("code", SUBJECT_LABEL),
        may("label", SUBJECT_LABEL),
        may("age", Shape::Int),
    ]),
);

/// What a session is made of.
pub(crate) const SESSION: &[Field] = &[
    must("project", Shape::Id),
    must("label", LABEL),
    must("subject", EMBEDDED_SUBJECT),
    may("info", Shape::Info),
    may("uid", TEXT),
    may("timestamp", Shape::Time),
    may("timezone", Shape::Zone),
    may("age", Shape::Int),
    may("weight", Shape::Number),
    may("operator", TEXT),
    may("project_has_template", Shape::Bool),
];

/// What an acquisition is made of.
pub(crate) const ACQUISITION: &[Field] = &[
    must("label", LABEL),
    must("session", Shape::Id),
    may("uid", TEXT),
    may("timestamp", Shape::Time),
    may("timezone", Shape::Zone),
    may("info", Shape::Info),
];

const FILE_REFERENCE: Shape =
    Shape::Object(&[must("type", TEXT), must("id", TEXT), must("name", TEXT), may("version", Shape::Int)]);

/// What an analysis without a job is made of.
pub(crate) const ANALYSIS: &[Field] = &[
    must("label", LABEL),
    may("inputs", Shape::List(&FILE_REFERENCE)),
    may("job", Shape::Any),
    may("compute_provider_id", TEXT),
    may("description", TEXT),
    may("info", Shape::Info),
];

/// What a collection is made of.
pub(crate) const COLLECTION: &[Field] =
    &[must("label", LABEL), may("info", Shape::Info), may("description", TEXT)];

/// What of a container a change may touch.
pub(crate) fn changeable(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Group => {
            const {
                &[
                    may("label", LABEL),
                    may("providers", PROVIDERS),
                    may("editions", EDITIONS),
                    may("modified", Shape::Time),
                ]
            }
        }
        Kind::Project => {
            const {
                &[
                    may("label", LABEL),
                    may("group", TEXT),
                    may("description", TEXT),
                    may("editions", EDITIONS),
                    may("providers", PROVIDERS),
                    may("ldap_sync", Shape::Any),
                    may("info", Shape::Info),
                    may("copyable", Shape::Bool),
                    may("copy_status", TEXT),
                    may("copy_failure_reason", TEXT),
                    may("delete_status", TEXT),
                    may("delete_failure_reason", TEXT),
                ]
            }
        }
        Kind::Subject => {
            const { subject_fields![may("project", Shape::Id), may("permissions", PERMISSIONS),] }
        }
        Kind::Session => {
            const {
                &[
                    may("timestamp", Shape::Time),
                    may("project", Shape::Id),
                    may("subject", EMBEDDED_SUBJECT),
                    may("timezone", Shape::Zone),
                    may("label", LABEL),
                    may("info", Shape::Info),
                    may("tags", Shape::List(&TAG)),
                    may("permissions", PERMISSIONS),
                    may("uid", TEXT),
                    may("age", Shape::Int),
                    may("weight", Shape::Number),
                    may("operator", TEXT),
                    may("project_has_template", Shape::Bool),
                ]
            }
        }
        Kind::Acquisition => {
            const {
                &[
                    may("label", LABEL),
                    may("session", Shape::Id),
                    may("info", Shape::Info),
                    may("uid", TEXT),
                    may("timestamp", Shape::Time),
                    may("timezone", Shape::Zone),
                ]
            }
        }
        Kind::Analysis => const { &[may("label", LABEL), may("description", TEXT)] },
        Kind::Collection => {
            const {
                &[
                    may("label", LABEL),
                    may("info", Shape::Info),
                    may("description", TEXT),
                    may("contents", CONTENTS),
                ]
            }
        }
    }
}

const CONTENTS: Shape = Shape::Object(&[
    must("operation", Shape::OneOf(&["add", "remove"])),
    must(
        "nodes",
        Shape::List(&Shape::Object(&[
            must("level", Shape::OneOf(&["project", "subject", "session", "acquisition"])),
            must("_id", Shape::Id),
        ])),
    ),
]);
