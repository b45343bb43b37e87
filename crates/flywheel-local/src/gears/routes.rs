//! The routes of gears. Where a path names a gear, `{id}` is the id of one version or the name of all, as the call has it.

use super::{adding, series, show, suggest};
use crate::{
    access::Need::{Developer, Login},
    route::{Route, delete, get, post, put},
};

/// Every route of gears.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/gears", Login, show::all),
        get("/gears/my-tickets", Login, adding::my_tickets),
        get("/gears/ticket/{id}", Login, adding::get_ticket),
        get("/gears/temp/{id}", Login, adding::temporary),
        post("/gears/prepare-add", Developer, adding::prepare),
        post("/gears/save", Developer, adding::save),
        get("/gears/{id}", Login, show::get),
        post("/gears/{id}", Developer, adding::post),
        delete("/gears/{id}", Developer, adding::delete),
        post("/gears/{id}/enable", Developer, adding::enable),
        post("/gears/{id}/disable", Developer, adding::disable),
        get("/gears/{id}/invocation", Login, show::invocation),
        get("/gears/{id}/context/{kind}/{container}", Login, suggest::context),
        get("/gears/{id}/suggest/{kind}/{container}", Login, suggest::suggest),
        get("/gears/{id}/series", Login, series::show),
        put("/gears/{id}/series", Developer, series::modify),
        put("/gears/{id}/permissions", Developer, series::replace),
        delete("/gears/{id}/permissions", Developer, series::clear),
        put("/gears/{id}/permissions/{kind}", Developer, series::add),
        delete("/gears/{id}/permissions/{kind}/{who}", Developer, series::remove),
    ]
}
