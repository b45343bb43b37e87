//! Data views: what is asked for as columns over a tree of containers and the files in it, checked and made ready.
//!
//! | module | what it holds |
//! |---|---|
//! | [`document`] | the document of a view, as the wire writes it |
//! | [`alias`] | short names of columns and groups of them |
//! | [`expression`] | arithmetic in `x`, and nothing else |
//! | [`value`] | types of columns and how values become them |
//! | [`accumulate`] | what becomes of a column when rows are grouped |
//! | [`names`] | which files, analyses and members of archives are meant |
//! | [`condition`] | the filter of a view against one row |
//! | [`plan`] | a checked view: which containers are visited, which columns come out, in which order |
//!
//! ```
//! use flywheel_core::view::{Plan, View};
//!
//! let view: View = serde_json::from_str(r#"{"columns": [{"src": "subject.label"}, {"src": "session.age_years"}]}"#)?;
//! let plan = Plan::new(&view, &Default::default())?;
//! let names: Vec<&str> = plan.columns.iter().map(|column| column.name.as_str()).collect();
//! assert_eq!(
//!     names,
//!     ["project.label", "subject.label", "session.label", "session.age_years", "project.id", "subject.id", "session.id"]
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod accumulate;
pub mod alias;
pub mod condition;
pub mod document;
pub mod expression;
pub mod names;
pub mod plan;
pub mod value;

pub use self::{
    document::{
        Accumulator, AnalysisFilter, Column, FileSpec, GroupBy, GroupColumn, Match, MissingData, NameFilter,
        OutputFormat, RecordFormat, View, ZipFilter,
    },
    expression::Expression,
    plan::{Level, Origin, OutputColumn, Parts, Plan, ViewError},
    value::ColumnType,
};
