//! Queries of the tree: several levels in one call, of each only the fields that are asked for.
//!
//! | file | what it holds |
//! |---|---|
//! | `graph` | which kinds are connected, and by what |
//! | `request` | what a call asks for |
//! | `fetch` | answering it |

mod fetch;
mod graph;
mod request;

#[cfg(test)]
mod tests;

use crate::{
    access::Need::Login,
    route::{Route, get, post},
};

/// Every route of the tree.
pub(crate) fn routes() -> Vec<Route> {
    vec![post("/tree", Login, fetch::fetch), get("/tree/graph", Login, graph::show)]
}
