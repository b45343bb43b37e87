//! The routes of jobs. Those that only engines call need a device or a site administrator.

use super::{adding, ask, changing, ending, engine, lists, logs, lost, retry};
use crate::{
    access::{
        Action::JobsView,
        Need::{Engine, Login, On},
    },
    kind::Kind,
    route::{Route, get, post, put},
};

/// Every route of jobs.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/jobs", Login, lists::all),
        post("/jobs/add", Login, adding::post),
        post("/jobs/determine_provider", Login, adding::provider),
        get("/jobs/next", Engine, ask::next),
        post("/jobs/ask", Engine, ask::ask),
        post("/jobs/ask/{state}", Engine, ask::count),
        get("/jobs/stats", Login, lists::stats),
        post("/jobs/reap", Engine, lost::post),
        put("/jobs/priority", Login, changing::prioritise),
        put("/jobs/cancel/bulk", Login, changing::cancel_many),
        put("/jobs/retry/bulk", Login, retry::many),
        get("/jobs/{id}", Login, lists::get),
        put("/jobs/{id}", Login, changing::modify),
        get("/jobs/{id}/detail", Login, lists::detail),
        get("/jobs/{id}/config.json", Login, changing::config),
        put("/jobs/{id}/heartbeat", Engine, changing::heartbeat),
        put("/jobs/{id}/profile", Engine, changing::profile),
        get("/jobs/{id}/logs", Login, logs::get),
        post("/jobs/{id}/logs", Engine, logs::add),
        get("/jobs/{id}/logs/text", Login, logs::text),
        get("/jobs/{id}/logs/html", Login, logs::html),
        post("/jobs/{id}/prepare-complete", Engine, ending::prepare),
        put("/jobs/{id}/prepare-complete", Engine, ending::prepare),
        post("/jobs/{id}/complete", Engine, ending::complete),
        put("/jobs/{id}/complete", Engine, ending::complete),
        post("/jobs/{id}/retry", Login, retry::post),
        post("/engine", Engine, engine::upload),
        get("/users/self/jobs", Login, lists::own),
        get("/sessions/{id}/jobs", On(JobsView), lists::of_container).of(Kind::Session),
        get("/projects/{id}/jobs", On(JobsView), lists::of_container).of(Kind::Project),
    ]
}
