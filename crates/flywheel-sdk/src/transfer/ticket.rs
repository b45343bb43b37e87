//! Tickets of signed uploads: asked for, used up or given back, and never left open on the site.
//!
//! The API has no call to withdraw a ticket. What ends one is the last call of an upload: where bytes are missing it makes no
//! file and the ticket is spent, as the official client relies on when an upload fails. So an upload that fails, is cancelled or
//! is dropped makes that call too, without the list of parts by which a storage would put together what it has.
//!
//! Dropping cannot wait: the call is made by a task beside, for which [`Client::settled`] waits. A ticket that the site makes
//! while the upload is dropped is given back as soon as its answer arrives.

use std::{collections::HashMap, time::Duration};

use flywheel_api::transport::{CallOptions, RawRequest, Transport};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};

use crate::{Client, Error, ErrorKind, Result};

/// How long giving a ticket back may take: an upload that failed does not wait for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the site answers to the first call of a signed upload.
#[derive(Deserialize)]
struct Answer {
    ticket: String,
    #[serde(default)]
    urls: HashMap<String, Urls>,
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Urls {
    One(String),
    Several(Vec<String>),
}

/// A ticket that the site keeps for us.
pub(super) struct Ticket {
    client: Client,
    answer: Answer,
    /// The last call, until it is made.
    end: Option<(Transport, RawRequest)>,
    runtime: Handle,
}

impl Ticket {
    /// Asks for a ticket by `begin`; `end` is the last call, which lacks the ticket.
    pub(super) async fn ask(
        client: &Client,
        transport: &Transport,
        begin: RawRequest,
        end: &RawRequest,
    ) -> Result<Self> {
        let (owner, transport, end) = (client.clone(), transport.clone(), end.clone());
        let asking = async move {
            let answer: Answer = transport.send_json(&begin).await?;
            let end = end.query("ticket", answer.ticket.clone());
            Ok(Self { client: owner, answer, end: Some((transport, end)), runtime: Handle::current() })
        };
        to_its_end(client, asking).await
    }

    /// The addresses for the parts of a file.
    pub(super) fn urls_of(&self, name: &str) -> Result<Vec<String>> {
        let urls = match self.answer.urls.get(name) {
            Some(Urls::One(url)) => vec![url.clone()],
            Some(Urls::Several(urls)) => urls.clone(),
            None => Vec::new(),
        };
        if urls.is_empty() {
            Err(strange("the ticket for an upload names no address for the file"))
        } else {
            Ok(urls)
        }
    }

    /// What to send with each part.
    pub(super) fn headers(&self) -> Result<HeaderMap> {
        let headers = HeaderMap::try_from(self.answer.headers.as_ref().unwrap_or(&HashMap::new()));
        headers.map_err(|_| strange("the ticket for an upload names a header that cannot be sent"))
    }

    /// Makes files of the bytes, all of which have arrived; `multipart` is what the storage needs to know of the parts. Once
    /// begun this goes on to its end, whether or not anybody waits for it.
    pub(super) async fn finish(mut self, multipart: Option<Value>) -> Result<Vec<Value>> {
        let Some((transport, end)) = self.end.take() else { return Ok(Vec::new()) };
        let end = match multipart {
            Some(multipart) => end.json(&json!({"multipart": multipart})),
            None => end,
        };
        let finishing = async move {
            let stored: Option<Vec<Value>> = transport.send_json(&end).await?;
            Ok(stored.unwrap_or_default())
        };
        to_its_end(&self.client, finishing).await
    }

    /// Gives the ticket back.
    pub(super) async fn give_back(mut self) {
        if let Some(task) = self.giving_back() {
            // Why the upload failed is worth saying, not that this failed as well.
            let _ = task.await;
        }
    }

    fn giving_back(&mut self) -> Option<JoinHandle<()>> {
        let (transport, end) = self.end.take()?;
        let transport = transport.with_options(CallOptions::new().timeout(PATIENCE));
        let call = async move {
            if let Err(error) = transport.send(&end).await {
                tracing::debug!(%error, "the ticket of an upload that was given up was spent or is left to expire");
            }
        };
        Some(self.client.loose_ends().spawn_on(call, &self.runtime))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.giving_back();
    }
}

/// What `work` comes to, which goes on to its end even when nobody waits for it any more.
async fn to_its_end<T: Send + 'static>(
    client: &Client,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let (give, take) = oneshot::channel();
    // What nobody takes is dropped inside the task, so that what dropping it begins is waited for as well.
    client.loose_ends().spawn(async move { drop(give.send(work.await)) });
    take.await.unwrap_or_else(|_| {
        let error = Error::new(ErrorKind::Cancelled, "the runtime ended before the site had answered");
        Err(error.with_may_have_executed(true))
    })
}

pub(super) fn strange(message: &str) -> Error {
    Error::new(ErrorKind::Decode, message).with_may_have_executed(true)
}
