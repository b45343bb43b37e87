//! Gear rules: jobs that begin by themselves when a file comes or is described.
//!
//! | file | what it holds |
//! |---|---|
//! | `routes` | the routes of the site's rules and of a project's |
//! | `document` | reading, checking and showing a rule |
//! | `table` | the table of rules, the copies that a new project gets, `auto_update` |
//! | `condition` | whether a rule's conditions hold for a file |
//! | `events` | from what happened to files to jobs |
//!
//! The database itself notes what happens to files of projects that have rules (see `store/rules.sql`), in the
//! transaction in which it happens, whatever part of the site does it. After the commit the rules are asked in a
//! transaction of their own, so that nothing about a rule can fail a write, and a kill in between loses nothing.

mod condition;
mod document;
mod events;
mod routes;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    events::{look_at, noted, pass_over, run, spawned},
    routes::routes,
    table::{copy_to_project, follow},
};
