//! The change log: what was changed, by whom and to what.
//!
//! | file | what it holds |
//! |---|---|
//! | `patch` | the difference of two documents, as the database's triggers ask for it |
//! | `log` | reading and adding to the log |
//! | `routes` | `/changes/{type}/{id}` and its fields |
//!
//! The triggers of `store/changes.sql` write it in the transaction of each change, so that no writer has to think of it.

mod log;
mod patch;
mod routes;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    log::{created, give_reason},
    patch::register,
    routes::routes,
};
