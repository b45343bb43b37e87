//! Which operations the tests of this crate reached with success: kept in a file beside the test program, for the suite
//! that checks that every served operation was reached (`tests/tests/reached.rs`).

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex},
};

use axum::{extract::Request, middleware::Next, response::Response};
use http::Method;

use crate::operations;

static REACHED: LazyLock<Mutex<BTreeSet<&str>>> = LazyLock::new(Mutex::default);

/// Passes a request on and counts its operation when it succeeds.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if response.status().is_success() {
        reach(&method, path.strip_prefix("/api").unwrap_or(&path));
    }
    response
}

fn reach(method: &Method, path: &str) {
    let fitting =
        operations::ALL.iter().filter(|operation| operation.method == *method && operation.fits(path));
    // Of several templates the one with the fewest parameters is meant.
    let Some(operation) = fitting.min_by_key(|operation| operation.path.matches('{').count()) else { return };
    let mut reached = REACHED.lock().unwrap();
    if reached.insert(operation.id) {
        let lines: Vec<&str> = reached.iter().copied().collect();
        let program = std::env::current_exe().unwrap();
        std::fs::write(program.with_extension("reached"), lines.join("\n")).unwrap();
    }
}
