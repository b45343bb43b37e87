//! Gears: their documents, versions, series and permissions.
//!
//! | file | what it holds |
//! |---|---|
//! | `store` | the table of gears |
//! | `series` | what all versions of a name share: restriction and permissions |
//! | `adding` | new versions |
//! | `show` | lists and single documents |

mod adding;
mod routes;
pub(crate) mod series;
mod show;
pub(crate) mod store;

#[cfg(test)]
mod tests;

pub(crate) use self::{adding::add, routes::routes};
