//! Noting requests as they are answered.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{OriginalUri, RawPathParams, Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;

use super::journal::Note;
use crate::{
    auth::Caller,
    state::AppState,
    store::{new_id, now},
};

/// What a request leaves behind for the log. The guard tells it who called; a handler may tell it what it did.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    caller: Option<Caller>,
}

impl Witness {
    /// Who is calling.
    pub(crate) fn saw(&self, caller: &Caller) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).caller = Some(caller.clone());
    }

    fn caller(&self) -> Option<Caller> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).caller.clone()
    }
}

/// Middleware of the routes that count: notes what was granted and what was denied.
pub(crate) async fn watch(
    State((state, kind)): State<(AppState, &'static str)>,
    OriginalUri(uri): OriginalUri,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let witness = Witness::default();
    let method = request.method().to_string();
    let place = params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    request.extensions_mut().insert(witness.clone());
    let response = next.run(request).await;
    let granted = response.status().is_success() || response.status().is_redirection();
    let denied = response.status() == StatusCode::FORBIDDEN;
    if (granted || denied)
        && let Some(caller) = witness.caller()
    {
        let note = Note {
            id: new_id(),
            kind: kind.to_owned(),
            timestamp: now(),
            origin: caller.origin(),
            method,
            path: uri.path().to_owned(),
            place,
            granted,
        };
        state.journal.note(&state, note);
    }
    response
}

/// Notes something that the route alone does not tell, such as that a user was disabled.
pub(crate) fn record(state: &AppState, caller: &Caller, kind: &'static str, path: &str) {
    let note = Note {
        id: new_id(),
        kind: kind.to_owned(),
        timestamp: now(),
        origin: caller.origin(),
        method: "PUT".to_owned(),
        path: path.to_owned(),
        place: Vec::new(),
        granted: true,
    };
    state.journal.note(state, note);
}
