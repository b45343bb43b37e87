//! A server that answers the same to everything and remembers what it was asked: for requests to routes that the local site
//! does not have.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri, header},
};
use flywheel::Client;
use serde_json::Value;

/// Method, path with query, body.
pub(crate) type Asked = (String, String, Value);

#[derive(Clone, Default)]
struct Memory {
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Mutex<Value>>,
}

/// The server; it goes when this is dropped.
pub(crate) struct Echo {
    memory: Memory,
    client: Client,
    task: tokio::task::JoinHandle<()>,
}

impl Echo {
    /// A server that answers `answer`.
    pub(crate) async fn open(answer: Value) -> Self {
        let memory = Memory::default();
        *memory.answer.lock().unwrap() = answer;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(remember).with_state(memory.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let client = Client::new(format!("127.0.0.1:{port}:__force_insecure:KEY").as_str()).unwrap();
        Self { memory, client, task }
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// From now on, answers this.
    pub(crate) fn answers(&self, answer: Value) {
        *self.memory.answer.lock().unwrap() = answer;
    }

    /// What was asked last.
    pub(crate) fn last(&self) -> Asked {
        self.memory.asked.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn remember(
    State(memory): State<Memory>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::Json<Value> {
    let json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let body = if json { serde_json::from_slice(&body).unwrap() } else { Value::Null };
    let path = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    memory.asked.lock().unwrap().push((method.to_string(), path, body));
    axum::Json(memory.answer.lock().unwrap().clone())
}
