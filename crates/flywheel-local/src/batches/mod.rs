//! Batches: one gear on many containers, proposed first and run then.
//!
//! | file | what it holds |
//! |---|---|
//! | `matching` | which containers a proposal speaks of, and the files that fit the gear's inputs there |
//! | `proposing` | proposals: of a gear on targets, and of jobs made beforehand |
//! | `running` | a batch that is run, cancelled, shown |

mod matching;
mod proposing;
mod routes;
mod running;

#[cfg(test)]
mod tests;

pub(crate) use self::{routes::routes, running::reconsider};

/// The kind under which batches are recorded.
const RECORD: &str = "batch";
