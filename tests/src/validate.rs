//! The layer around every site under test: each answer is held against the description.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode, header};
use serde_json::Value;

use crate::description::{Description, Expected, Operation};

/// How many of the last exchanges are remembered for the report of a failure.
const REMEMBERED: usize = 40;

/// What the site answered so far.
#[derive(Debug, Default)]
pub struct Recorder {
    seen: Mutex<Seen>,
    told: OnceLock<fn(&str)>,
}

/// The operations that tests of this process reached with success, kept in a file beside the test program: the suite
/// `reached` reads it when all others have run.
static REACHED: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// Adds to what was reached.
fn reach(operations: &BTreeSet<String>) -> io::Result<()> {
    let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    reached.extend(operations.iter().cloned());
    let lines: Vec<&str> = reached.iter().map(String::as_str).collect();
    std::fs::write(std::env::current_exe()?.with_extension("reached"), lines.join("\n"))
}

#[derive(Debug, Default)]
struct Seen {
    operations: BTreeSet<String>,
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
    /// Ids of the operations that answered with success.
    #[must_use]
    pub fn operations(&self) -> BTreeSet<String> {
        self.lock().operations.clone()
    }

    /// Tells the suite `reached` which operations answered with success.
    ///
    /// # Errors
    ///
    /// When that cannot be written beside the test program.
    pub fn count_as_reached(&self) -> io::Result<()> {
        reach(&self.operations())
    }

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

    fn violation(&self, operation: &str, status: StatusCode, pointer: &str, message: String) {
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

    fn check(&self, exchange: &Exchange, answer: &Response, body: &[u8]) {
        let status = answer.status();
        self.remember(exchange, status, body);
        let Some(operation) = exchange.operation() else {
            self.check_undescribed(exchange, status, body);
            return;
        };
        if status == StatusCode::NOT_IMPLEMENTED || status.is_client_error() || status.is_server_error() {
            self.check_error(&operation.id, status, body);
        } else if status.is_success() {
            self.lock().operations.insert(operation.id.clone());
            self.check_success(exchange, operation, answer, body);
        }
    }

    fn check_undescribed(&self, exchange: &Exchange, status: StatusCode, body: &[u8]) {
        let name = format!("{} {}", exchange.method, exchange.path);
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            self.check_error(&name, status, body);
        } else if !exchange.is_legacy_verb() && !exchange.is_private() {
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
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            self.violation(operation, status, "", format!("an internal error: {document}"));
        }
    }

    fn check_success(&self, exchange: &Exchange, operation: &Operation, answer: &Response, body: &[u8]) {
        let status = answer.status();
        let media_type = media_type(answer);
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

/// What a request asked for.
struct Exchange {
    method: Method,
    /// Path and query as they came.
    target: String,
    path: String,
    query: Vec<(String, String)>,
}

impl Exchange {
    fn new(request: &Request) -> Self {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default();
        Self {
            method: request.method().clone(),
            target: uri.to_string(),
            path: uri.path().strip_prefix("/api").unwrap_or(uri.path()).to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        }
    }

    fn operation(&self) -> Option<&'static Operation> {
        Description::shared().operation(&self.method, &self.path)
    }

    /// Clients up to version 18 send POST where the description has PATCH.
    fn is_legacy_verb(&self) -> bool {
        self.method == Method::POST && Description::shared().operation(&Method::PATCH, &self.path).is_some()
    }

    /// Addresses that no client of the platform makes up: those that the site hands out itself, such as those of signed
    /// uploads, and those of gear folders.
    fn is_private(&self) -> bool {
        let signed = self.query.iter().any(|(name, _)| name == "signature" || name == "token");
        signed || self.path.starts_with("/local/")
    }
}

fn media_type(answer: &Response) -> &str {
    let value = answer.headers().get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}

/// Passes a request on and looks at the answer; only JSON is held in memory.
pub async fn observe(State(recorder): State<Arc<Recorder>>, request: Request, next: Next) -> Response {
    let exchange = Exchange::new(&request);
    let answer = next.run(request).await;
    let bytes = exchange.operation().is_some_and(|operation| {
        let expected = operation.expected(&exchange.query, answer.status().as_u16());
        expected == Some(Expected::Anything)
    });
    if bytes && answer.status().is_success() {
        recorder.check(&exchange, &answer, &[]);
        return answer;
    }
    let (parts, body) = answer.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => {
            let answer = Response::from_parts(parts, Body::from(bytes.clone()));
            recorder.check(&exchange, &answer, &bytes);
            answer
        }
        Err(error) => {
            let name = format!("{} {}", exchange.method, exchange.path);
            recorder.violation(&name, parts.status, "", format!("the body broke off: {error}"));
            Response::from_parts(parts, Body::empty())
        }
    }
}
