//! Every route that the site serves, in one table: method, path below `/api`, what the caller needs, handler.
//!
//! The need is not a comment: the handler's [`crate::guard::Guard`] enforces it. A route of the API that is missing here
//! answers 501 with its operation id (see [`crate::route`]).

use crate::{
    access::Need::{Login, Public},
    route::{Route, get},
    system,
};

/// The whole table.
pub(crate) fn routes() -> Vec<Route> {
    system_routes()
}

fn system_routes() -> Vec<Route> {
    vec![
        get("/config", Public, system::config),
        get("/version", Public, system::version),
        get("/auth/status", Login, system::auth_status),
    ]
}
