//! Gears: their documents, versions, series and permissions.
//!
//! | file | what it holds |
//! |---|---|
//! | `store` | the table of gears |
//! | `series` | what all versions of a name share: restriction and permissions |
//! | `adding` | new versions |
//! | `show` | lists and single documents |
//! | `suggest` | what a gear would take in a container |

mod adding;
mod routes;
pub(crate) mod series;
mod show;
pub(crate) mod store;
mod suggest;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    routes::routes,
    show::{children as path_children, named},
};
