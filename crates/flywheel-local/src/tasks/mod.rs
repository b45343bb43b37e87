//! Reading tasks: what somebody is asked to look at and to answer, `/tasks` and `/responses`.
//!
//! | file | what it holds |
//! |---|---|
//! | `document` | the document of a task and how it is made |
//! | `reader` | listing, making, changing, assigning and completing tasks |
//! | `many` | tasks for many containers at once, and sets of two readers and an adjudicator |
//! | `responses` | what readers answered |
//!
//! Tasks are kept as records; their project decides who may see and change them.

mod document;
mod many;
mod reader;
mod responses;

#[cfg(test)]
mod tests;

pub(crate) use self::responses::response;
use crate::{
    access::Need::Login,
    route::{Route, get, patch, post, put},
};

/// Every route of this area. A task's project decides who may do what, so the handlers check that.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/tasks/reader/{id}";
    let responses = "/tasks/{id}/responses";
    let mut routes = vec![
        get("/tasks/reader", Login, reader::all),
        post("/tasks/reader", Login, reader::add),
        post("/tasks/reader/batch", Login, many::batch),
        post("/tasks/reader/adjudication", Login, many::adjudication),
        post("/tasks/reader/adjudication/batch", Login, many::adjudication_batch),
        get("/tasks/reader/facets/{field}", Login, reader::facets),
        get(one, Login, reader::show),
        put(one, Login, reader::modify),
        put(&format!("{one}/assign"), Login, reader::assign),
        post(&format!("{one}/clone"), Login, reader::clone),
        post(&format!("{one}/complete"), Login, reader::complete),
        get(responses, Login, responses::of_task),
        post(responses, Login, responses::put_own),
        put(&format!("{responses}/{{response}}"), Login, responses::replace),
        get("/responses/{id}", Login, responses::show),
        patch("/responses/{id}", Login, responses::modify),
        post("/responses/{id}/submit", Login, responses::submit),
    ];
    for level in document::LEVELS {
        let path = format!("/tasks/{level}s/ids");
        routes.push(get(&path, Login, move |guard, state, params| {
            reader::parents(guard, state, params, level)
        }));
    }
    routes
}
