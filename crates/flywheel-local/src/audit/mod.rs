//! Reports of the audit trail: everything that changed in a project, as a table that does not change any more.
//!
//! A report remembers up to which change it goes, so that it is complete as soon as it is asked for and is written out
//! when it is read.

mod reports;

#[cfg(test)]
mod tests;

pub(crate) use reports::routes;
