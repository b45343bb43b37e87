//! Session templates: what the sessions of a project should hold, and which of them do.
//!
//! | file | what it holds |
//! |---|---|
//! | `compliance` | what a template means: pure |
//! | `settle` | keeping `satisfies_template` and `project_has_template` up to date |
//! | `routes` | setting, removing and recalculating |
//!
//! Whatever changes a session, its acquisitions or their files, the database's own triggers note the session as stale
//! (`store/templates.sql`), and the write settles it before it ends: no writer has to think of templates.

mod compliance;
mod routes;
mod settle;

#[cfg(test)]
mod tests;

pub(crate) use self::{routes::routes, settle::settle};
