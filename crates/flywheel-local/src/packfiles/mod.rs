//! Packfiles: many small files, sent one by one under a token, that become one zip in an acquisition.
//!
//! | file | what it holds |
//! |---|---|
//! | `pending` | tokens and what has arrived for them |
//! | `send` | the calls that begin a packfile, add to it, and forget old ones |
//! | `finish` | the zip and its place, with progress |

mod finish;
pub(crate) mod pending;
mod send;
#[cfg(test)]
mod tests;

use crate::{
    access::{
        Action::FilesCreateBulk,
        Need::{On, SiteAdmin},
    },
    kind::Kind,
    route::{Route, get, post},
};

/// The routes of packfiles.
pub(crate) fn routes() -> Vec<Route> {
    let need = On(FilesCreateBulk);
    let of_project = [
        post("/projects/{id}/packfile-start", need, send::start),
        post("/projects/{id}/packfile", need, send::add),
        get("/projects/{id}/packfile-end", need, finish::as_events),
        post("/projects/{id}/packfile-end", need, finish::as_answer),
    ];
    let of_project = of_project.into_iter().map(|route| route.of(Kind::Project));
    of_project.chain([post("/clean-packfiles", SiteAdmin, send::clean)]).collect()
}
