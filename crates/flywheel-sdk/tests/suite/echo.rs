//! A server that answers the same to everything until told otherwise: for requests to routes that the local site does not
//! have.

use std::sync::{Arc, Mutex};

use axum::Json;
use flywheel::Client;
use serde_json::Value;

use crate::script::Script;

/// The server, and what it answers.
pub(crate) struct Echo {
    script: Script,
    answer: Arc<Mutex<Value>>,
}

impl Echo {
    /// A server that answers `answer`.
    pub(crate) async fn open(answer: Value) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let current = Arc::clone(&answer);
        let script = Script::serve(move |_, _| Json(current.lock().unwrap().clone())).await;
        Self { script, answer }
    }

    pub(crate) fn client(&self) -> Client {
        self.script.fw.clone()
    }

    /// From now on, answers this.
    pub(crate) fn answers(&self, answer: Value) {
        *self.answer.lock().unwrap() = answer;
    }

    /// What was asked last: method, path with query (percent-encoding undone), body.
    pub(crate) fn last(&self) -> (String, String, Value) {
        let seen = self.script.seen().pop().unwrap();
        let (method, path) = seen.line.split_once(' ').unwrap();
        (method.to_owned(), format!("/api{path}"), seen.body)
    }
}
