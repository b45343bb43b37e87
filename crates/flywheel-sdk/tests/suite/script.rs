//! A server that answers what a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use flywheel::Client;
use serde_json::Value;

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// `POST /views/queue?containerId=…`, percent-encoding undone.
    pub(crate) line: String,
    /// The body; null when there was none.
    pub(crate) body: Value,
}

type Answer = dyn Fn(&Seen, usize) -> Response + Send + Sync;

/// What was asked so far, and what makes the answers.
type Played = (Arc<Mutex<Vec<Seen>>>, Arc<Answer>);

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) fw: Client,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    /// A server whose every answer is made by `answer`, from the request and from how many came before it.
    pub(crate) async fn serve<R: IntoResponse>(
        answer: impl Fn(&Seen, usize) -> R + Send + Sync + 'static,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let answer: Arc<Answer> = Arc::new(move |seen, before| answer(seen, before).into_response());
        let app = Router::new().fallback(play).with_state((seen.clone(), answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { fw: Client::new(format!("{address}:__force_insecure:key")).unwrap(), seen }
    }

    /// What was asked so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The lines of what was asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

async fn play(State((seen, answer)): State<Played>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str().strip_prefix("/api").unwrap().to_owned();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let this = Seen {
        line: format!("{} {}", parts.method, plain(&path)),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(this.clone());
        seen.len() - 1
    };
    answer(&this, before)
}

/// Without percent-encoding and with spaces for pluses.
fn plain(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let mut pieces = spaced.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.extend(hex::decode(&piece[..2]).unwrap());
        bytes.extend(piece[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}
