//! Which operations the tests of this crate reached with success: kept in a file beside the test program, for the suite
//! that checks that every served operation was reached (`tests/tests/reached.rs`).

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex},
};

use axum::{extract::Request, middleware::Next, response::Response};
use http::{Method, StatusCode};

use crate::operations;

static REACHED: LazyLock<Mutex<BTreeSet<&str>>> = LazyLock::new(Mutex::default);

/// Passes a request on and counts its operation when it succeeds.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    // An avatar is answered by saying where it is.
    if response.status().is_success() || response.status() == StatusCode::FOUND {
        let path = uri.path();
        reach(&method, path.strip_prefix("/api").unwrap_or(path), uri.query().unwrap_or_default());
    }
    response
}

/// The one description of beginning a signed upload: the same for all containers, told by its parameter alone.
const TICKET: &str = "create_signed_upload_ticket";

fn reach(method: &Method, path: &str, query: &str) {
    let fitting =
        operations::ALL.iter().filter(|operation| operation.method == *method && operation.fits(path));
    let begins_upload = query.split('&').any(|pair| pair == "ticket" || pair == "ticket=");
    // Of several templates the one with the fewest parameters is meant.
    let meant = fitting.min_by_key(|operation| match operation.id {
        TICKET if begins_upload => 0,
        _ => operation.path.matches('{').count(),
    });
    let Some(operation) = meant else { return };
    let mut reached = REACHED.lock().unwrap();
    if reached.insert(operation.id) {
        let lines: Vec<&str> = reached.iter().copied().collect();
        let program = std::env::current_exe().unwrap();
        std::fs::write(program.with_extension("reached"), lines.join("\n")).unwrap();
    }
}
