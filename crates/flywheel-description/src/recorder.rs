//! What a site answered, held against the description.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::response::Response;
use http::{StatusCode, header};
use serde_json::Value;

use crate::description::Description;
use crate::observe::Exchange;
use crate::operation::{Expected, Operation};

/// How many of the last exchanges are remembered for the report of a failure.
const REMEMBERED: usize = 40;

/// What the one internal error says that a test can bring about from outside.
const DAMAGED: &str = "the site's storage";

/// What the site answered so far.
#[derive(Debug, Default)]
pub struct Recorder {
    seen: Mutex<Seen>,
    told: OnceLock<fn(&str)>,
}

/// The operations that tests of this process reached with success, kept in a file beside the test program: the suite
/// `reached` reads it when all others have run.
static REACHED: LazyLock<Mutex<BTreeSet<&str>>> = LazyLock::new(Mutex::default);

/// Adds to what was reached.
fn reach(operation: &'static str) {
    let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    if reached.insert(operation) {
        let lines: Vec<&str> = reached.iter().copied().collect();
        let program = std::env::current_exe().expect("a test program knows its place");
        std::fs::write(program.with_extension("reached"), lines.join("\n"))
            .expect("a file can be written beside the test program");
    }
}

#[derive(Debug, Default)]
struct Seen {
    violations: BTreeSet<Violation>,
    /// The last exchanges, one line each, the newest at the end.
    exchanges: VecDeque<String>,
}

/// An answer that does not fit the description.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Operation id, or method and path where no operation is described.
    pub operation: String,
    /// Status of the answer.
    pub status: u16,
    /// JSON pointer into the answer, with indices left out so that rows of a list count once.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, status, pointer, message } = self;
        write!(f, "{operation} answered {status}, at {pointer:?}: {message}")
    }
}

impl Recorder {
    /// Everything that did not fit, each once.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().violations.iter().cloned().collect()
    }

    /// Everything that did not fit, as text; empty when all answers did.
    #[must_use]
    pub fn report(&self) -> String {
        self.violations().iter().map(|violation| format!("{violation}\n")).collect()
    }

    /// The last exchanges, one line each: method, path, status, and of a refusal its body.
    #[must_use]
    pub fn exchanges(&self) -> String {
        self.lock().exchanges.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Tells every exchange and every violation from now on, one line each.
    pub fn tell(&self, listener: fn(&str)) {
        let _ = self.told.set(listener);
    }

    /// Fails when an answer did not fit the description.
    ///
    /// # Panics
    ///
    /// Exactly then.
    pub fn assert_clean(&self) {
        let report = self.report();
        assert!(report.is_empty(), "answers that do not fit the description:\n{report}");
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn violation(&self, operation: &str, status: StatusCode, pointer: &str, message: String) {
        let rowless: Vec<&str> = pointer
            .split('/')
            .map(|token| if token.parse::<usize>().is_ok() { "*" } else { token })
            .collect();
        let violation = Violation {
            operation: operation.to_owned(),
            status: status.as_u16(),
            pointer: rowless.join("/"),
            message,
        };
        if let Some(tell) = self.told.get() {
            tell(&format!("VIOLATION {violation}"));
        }
        self.lock().violations.insert(violation);
    }

    fn remember(&self, exchange: &Exchange, status: StatusCode, body: &[u8]) {
        let refusal = if status.is_success() { "".into() } else { String::from_utf8_lossy(body) };
        let line = format!("{} {} {} {refusal}", exchange.method, exchange.target, status.as_u16());
        if let Some(tell) = self.told.get() {
            tell(&line);
        }
        let exchanges = &mut self.lock().exchanges;
        exchanges.push_back(line);
        if exchanges.len() > REMEMBERED {
            exchanges.pop_front();
        }
    }

    /// Looks at one whole answer.
    pub(crate) fn check(&self, exchange: &Exchange, answer: &Response, body: &[u8]) {
        let status = answer.status();
        self.remember(exchange, status, body);
        if exchange.is_head() {
            return;
        }
        let Some(operation) = exchange.operation() else {
            self.check_undescribed(exchange, status, body);
            return;
        };
        if status.is_client_error() || status.is_server_error() {
            return self.check_error(&operation.id, status, body);
        }
        // An avatar is answered by saying where it is.
        if status.is_success() || status == StatusCode::FOUND {
            Description::shared().twins(operation).for_each(|twin| reach(&twin.id));
        }
        if status.is_success() {
            self.check_success(exchange, operation, answer, body);
        }
    }

    fn check_undescribed(&self, exchange: &Exchange, status: StatusCode, body: &[u8]) {
        let name = format!("{} {}", exchange.method, exchange.path);
        if status.is_client_error() {
            self.check_error(&name, status, body);
        } else if !exchange.is_legacy() && !exchange.is_private() {
            self.violation(&name, status, "", "the description has no such route".to_owned());
        }
    }

    fn check_error(&self, operation: &str, status: StatusCode, body: &[u8]) {
        let Ok(document) = serde_json::from_slice::<Value>(body) else {
            let message = "the body of an error is not JSON".to_owned();
            return self.violation(operation, status, "", message);
        };
        let sound = [
            ("/message", document["message"].as_str().is_some_and(|text| !text.is_empty())),
            ("/status_code", document["status_code"] == status.as_u16()),
            ("/request_id", document["request_id"].is_string()),
        ];
        for (pointer, _) in sound.into_iter().filter(|(_, sound)| !sound) {
            self.violation(operation, status, pointer, format!("missing or wrong in {document}"));
        }
        let damaged = document["message"].as_str().is_some_and(|text| text.contains(DAMAGED));
        if status == StatusCode::INTERNAL_SERVER_ERROR && !damaged {
            self.violation(operation, status, "", format!("an internal error: {document}"));
        }
    }

    fn check_success(&self, exchange: &Exchange, operation: &Operation, answer: &Response, body: &[u8]) {
        let status = answer.status();
        let media_type = media_type(answer);
        if media_type == "text/csv" && exchange.wants_csv() {
            return;
        }
        let expected = operation.expected(&exchange.query, status.as_u16());
        let pointer = match expected {
            Some(Expected::Json(pointer)) => pointer,
            Some(Expected::Anything) => return,
            None => {
                let message = "the description has no such status".to_owned();
                return self.violation(&operation.id, status, "", message);
            }
        };
        // Long lists may come as one document a line.
        let documents: Vec<&[u8]> = if media_type == "application/x-ndjson" {
            body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
        } else {
            vec![body]
        };
        for document in documents {
            match serde_json::from_slice::<Value>(document) {
                Ok(document) => {
                    for mismatch in Description::shared().mismatches(&pointer, &document) {
                        self.violation(&operation.id, status, &mismatch.pointer, mismatch.message);
                    }
                }
                Err(error) => {
                    let message = format!("{media_type:?} instead of JSON: {error}");
                    self.violation(&operation.id, status, "", message);
                }
            }
        }
    }
}

fn media_type(answer: &Response) -> &str {
    let value = answer.headers().get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}
