//! Who is behind a write: known from the request that is being answered, told to the database as it writes.
//!
//! The guard says who calls; the store carries that to the thread that writes, where the SQL function `author()` of the
//! change log's triggers asks for it. Handlers need not pass it on.

use std::cell::RefCell;

use serde_json::json;

use crate::auth::Caller;

/// Who writes, and in which request.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// The origin of what is written, as JSON.
    pub(crate) origin: String,
    /// The method and the path of the request; nothing where the site writes by itself.
    pub(crate) request: Option<(String, String)>,
}

impl Default for Author {
    fn default() -> Self {
        Self { origin: json!({"type": "system"}).to_string(), request: None }
    }
}

tokio::task_local! {
    static REQUEST: RefCell<Author>;
}

thread_local! {
    static WRITING: RefCell<Author> = RefCell::default();
}

/// Runs the answering of one request, whose author is not known yet.
pub(crate) async fn of_request<F: Future>(request: (String, String), answer: F) -> F::Output {
    let author = Author { request: Some(request), ..Author::default() };
    REQUEST.scope(RefCell::new(author), answer).await
}

/// The request comes from this caller.
pub(crate) fn is(caller: &Caller) {
    // Outside of a request there is nobody to tell.
    let _ = REQUEST.try_with(|known| known.borrow_mut().origin = caller.origin().to_string());
}

/// Whose request this is; outside of one, the site itself.
pub(crate) fn current() -> Author {
    REQUEST.try_with(|known| known.borrow().clone()).unwrap_or_default()
}

/// Runs a write for an author, on the thread that writes.
pub(crate) fn during<T>(author: Author, write: impl FnOnce() -> T) -> T {
    WRITING.with(|writing| *writing.borrow_mut() = author);
    write()
}

/// The author of the write that this thread does.
pub(crate) fn writing() -> Author {
    WRITING.with(|writing| writing.borrow().clone())
}
