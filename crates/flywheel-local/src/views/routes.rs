//! The routes of data views and of their executions.

use super::{evaluate, executions, saved};
use crate::{
    access::Need::{Login, Public},
    route::{Route, delete, get, post, put},
};

/// Every route of data views. Who may do what is decided by the parent of a view, by the container it is run on and by
/// who began an execution, so the handlers check it.
pub(crate) fn routes() -> Vec<Route> {
    let execution = "/data_view_executions/{id}";
    let below = |rest: &str| format!("{execution}/{rest}");
    vec![
        get("/views/columns", Login, saved::columns),
        get("/containers/{id}/views", Login, saved::of_parent),
        post("/containers/{id}/views", Login, saved::add),
        get("/views/{id}", Login, saved::one),
        put("/views/{id}", Login, saved::modify),
        delete("/views/{id}", Login, saved::delete),
        post("/views/queue", Login, executions::queue),
        post("/views/{id}/queue", Login, executions::queue_saved),
        post("/views/data", Login, evaluate::data),
        get("/views/{id}/data", Login, evaluate::data_of_saved),
        post("/views/save", Login, evaluate::save),
        get("/data_view_executions", Login, executions::all),
        get(execution, Login, executions::one),
        get(&below("data"), Public, executions::data),
        get(&below("data/columns"), Login, executions::columns),
        post(&below("ticket"), Login, executions::ticket),
        post(&below("save"), Login, executions::save),
        post(&below("delete"), Login, executions::delete),
    ]
}
