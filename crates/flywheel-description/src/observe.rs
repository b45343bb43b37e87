//! The layer around every site under test: each answer is held against the description.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;

use crate::description::Description;
use crate::operation::{Expected, Operation};
use crate::recorder::Recorder;

/// Calls of earlier releases that the description does not have: their paths up to the last segment, which may be any.
const OLDER: [(Method, &str); 2] = [(Method::POST, "/upload/uid-match"), (Method::PUT, "/files/")];

/// How the site is, for those who watch over it.
const WATCHING: [&str; 3] = ["/system", "/system/ready", "/metrics"];

/// What a request asked for.
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// Path and query as they came.
    pub(crate) target: String,
    /// Relative to `/api`.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
}

impl Exchange {
    fn new(request: &Request) -> Self {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default();
        Self {
            method: request.method().clone(),
            target: uri.to_string(),
            path: in_one_segment(uri.path().strip_prefix("/api").unwrap_or(uri.path())),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        }
    }

    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        Description::shared().operation(&self.method, &self.path, &self.query)
    }

    /// Earlier clients send POST where the description has PATCH, and call what it does not have any more.
    pub(crate) fn is_legacy(&self) -> bool {
        let verb = self.method == Method::POST;
        let patch = || Description::shared().operation(&Method::PATCH, &self.path, &[]).is_some();
        let older = OLDER.iter().any(|(method, begin)| {
            self.method == *method
                && self.path.strip_prefix(begin).is_some_and(|segment| !segment.contains('/'))
        });
        older || self.is_of_older_analyses() || (verb && patch())
    }

    /// Releases before 15 kept the inputs of analyses apart from their outputs, took either as one archive, and had analyses of
    /// collections.
    fn is_of_older_analyses(&self) -> bool {
        let mut segments = self.path.split('/').skip_while(|segment| *segment != "analyses").skip(2);
        let archive = self.method == Method::GET && self.path.ends_with("/files");
        let of_collection = self.path.starts_with("/collections/") && self.path.contains("/analyses");
        let part = segments.next();
        part == Some("inputs") || (archive && part == Some("files")) || of_collection
    }

    /// A HEAD of what a GET answers: the description has none of its own.
    pub(crate) fn is_head(&self) -> bool {
        self.method == Method::HEAD
            && Description::shared().operation(&Method::GET, &self.path, &self.query).is_some()
    }

    /// Whether the call asks for a table instead of JSON, which the description of some operations does not tell.
    pub(crate) fn wants_csv(&self) -> bool {
        self.query.iter().any(|(name, value)| name == "csv" && value == "true")
    }

    /// Addresses that no client of the platform makes up: those that the site hands out itself, such as those of signed
    /// uploads, those of gear folders, and those of which only the address is public.
    pub(crate) fn is_private(&self) -> bool {
        let signed = self.query.iter().any(|(name, _)| name == "signature" || name == "token");
        let of_group = self.path.starts_with("/groups/") && self.path.ends_with("/settings");
        let unknown = of_group || self.path.ends_with("/settings/deid_profile");
        signed || unknown || self.path.starts_with("/local/") || WATCHING.contains(&self.path.as_str())
    }
}

/// The name of a member of a zip file may have folders in it and is one parameter all the same.
fn in_one_segment(path: &str) -> String {
    match path.split_once("/zip_member/") {
        Some((file, member)) => format!("{file}/zip_member/{}", member.replace('/', "%2F")),
        None => path.to_owned(),
    }
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

/// As [`observe`], for tests that call a site in process: an answer that does not fit ends the test that asked.
///
/// # Panics
///
/// When an answer does not fit the description.
pub async fn insist(State(recorder): State<Arc<Recorder>>, request: Request, next: Next) -> Response {
    let answer = observe(State(Arc::clone(&recorder)), request, next).await;
    recorder.assert_clean();
    answer
}
