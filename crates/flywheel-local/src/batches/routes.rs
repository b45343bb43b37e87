//! The routes of batches.

use super::{proposing, running};
use crate::{
    access::Need::Login,
    route::{Route, get, post},
};

/// Every route of batches.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/batch", Login, running::all),
        post("/batch", Login, proposing::propose),
        post("/batch/jobs", Login, proposing::premade),
        get("/batch/{id}", Login, running::get),
        post("/batch/{id}/run", Login, running::run),
        post("/batch/{id}/cancel", Login, running::cancel),
    ]
}
