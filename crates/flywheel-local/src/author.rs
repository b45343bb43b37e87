//! Who is behind a write: known from the request that is being answered, told to the database as it writes.
//!
//! The guard says who calls; the store carries that to the thread that writes, where the SQL function `author()` of the
//! change log's triggers asks for it. Handlers need not pass it on.

use std::cell::RefCell;

use serde_json::json;

use crate::auth::Caller;

tokio::task_local! {
    static REQUEST: RefCell<Option<String>>;
}

thread_local! {
    static WRITING: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs the answering of one request, whose author is not known yet.
pub(crate) async fn of_request<F: Future>(answer: F) -> F::Output {
    REQUEST.scope(RefCell::new(None), answer).await
}

/// The request comes from this caller.
pub(crate) fn is(caller: &Caller) {
    // Outside of a request there is nobody to tell.
    let _ = REQUEST.try_with(|known| *known.borrow_mut() = Some(caller.origin().to_string()));
}

/// The origin of what is written now, as JSON: the caller of the request, or the site itself.
pub(crate) fn current() -> String {
    let known = REQUEST.try_with(|known| known.borrow().clone()).ok().flatten();
    known.unwrap_or_else(|| json!({"type": "system"}).to_string())
}

/// Runs a write for an author, on the thread that writes.
pub(crate) fn during<T>(author: String, write: impl FnOnce() -> T) -> T {
    WRITING.with(|writing| *writing.borrow_mut() = author);
    write()
}

/// The author of the write that this thread does.
pub(crate) fn writing() -> String {
    WRITING.with(|writing| writing.borrow().clone())
}
