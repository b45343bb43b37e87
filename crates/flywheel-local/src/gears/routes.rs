//! The routes of gears. Where a path names a gear, `{id}` is the id of one version or the name of all, as the call has it.

use super::{adding, series, show};
use crate::{
    access::Need::Login,
    route::{Route, delete, get, post, put},
};

/// Every route of gears.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/gears", Login, show::all),
        get("/gears/my-tickets", Login, adding::my_tickets),
        get("/gears/ticket/{id}", Login, adding::get_ticket),
        get("/gears/temp/{id}", Login, adding::temporary),
        post("/gears/prepare-add", Login, adding::prepare),
        post("/gears/save", Login, adding::save),
        get("/gears/{id}", Login, show::get),
        post("/gears/{id}", Login, adding::post),
        delete("/gears/{id}", Login, adding::delete),
        post("/gears/{id}/enable", Login, adding::enable),
        post("/gears/{id}/disable", Login, adding::disable),
        get("/gears/{id}/invocation", Login, show::invocation),
        get("/gears/{id}/series", Login, series::show),
        put("/gears/{id}/series", Login, series::modify),
        put("/gears/{id}/permissions", Login, series::replace),
        delete("/gears/{id}/permissions", Login, series::clear),
        put("/gears/{id}/permissions/{kind}", Login, series::add),
        delete("/gears/{id}/permissions/{kind}/{who}", Login, series::remove),
    ]
}
