//! Going beyond what a site answers at once: a question with too many results is asked again for parts of the tree.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use flywheel_api::{Client as Raw, OperationId, models::Listing, types::SearchResponse};
use futures::{Stream, StreamExt, stream::BoxStream};
use serde_json::{Value, json};

use super::{Ask, Hit, MOST, invalid};
use crate::{Client, Kind, Result, call::Call};

/// The levels by which results are parted, outermost first.
const LEVELS: [Kind; 4] = [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition];

/// The results of a search, one by one. See [`Search::hits`](super::Search::hits).
#[must_use = "streams do nothing unless polled"]
pub struct Hits(BoxStream<'static, Result<Hit>>);

impl Hits {
    pub(super) fn new(client: Client, ask: Ask, kind: Kind) -> Self {
        let raw = client.raw().with_options(ask.options.clone());
        Self::over(client, raw, ask, kind)
    }

    /// The results by way of a raw client, which knows the options of the call.
    pub(super) fn over(client: Client, raw: Raw, ask: Ask, kind: Kind) -> Self {
        let limit = ask.limit.unwrap_or(usize::MAX);
        Self(Walk { client, raw, ask, kind }.run().take(limit).boxed())
    }
}

impl Stream for Hits {
    type Item = Result<Hit>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hits")
    }
}

struct Walk {
    client: Client,
    raw: Raw,
    ask: Ask,
    kind: Kind,
}

/// A part of the tree: what lies in some container.
#[derive(Clone, Default)]
struct Part {
    /// The clauses that say so.
    clauses: Vec<Value>,
    /// The level by which it can be parted further.
    next: usize,
    /// Whether nothing in here lies deeper, so that it cannot be parted.
    whole: bool,
}

impl Walk {
    fn run(self) -> impl Stream<Item = Result<Hit>> + Send {
        async_stream::try_stream! {
            if self.ask.limit != Some(0) {
                let mut parts = vec![Part::default()];
                while let Some(part) = parts.pop() {
                    let found = self.results(&part).await?;
                    if found.len() < self.ask.page_size || self.is_enough(found.len()) {
                        for document in found.items {
                            yield Hit::new(self.client.clone(), self.kind, document);
                        }
                    } else {
                        parts.extend(self.split(&part).await?.into_iter().rev());
                    }
                }
            }
        }
    }

    /// Whether a first answer of so many results is all that is wanted.
    fn is_enough(&self, results: usize) -> bool {
        self.ask.limit.is_some_and(|limit| limit <= results)
    }

    async fn results(&self, part: &Part) -> Result<Listing<SearchResponse>> {
        let size = self.ask.page_size.min(self.ask.limit.unwrap_or(usize::MAX));
        self.answer(self.kind, part, size).await
    }

    async fn answer(&self, kind: Kind, part: &Part, size: usize) -> Result<Listing<SearchResponse>> {
        let mut ask = self.ask.clone();
        ask.clauses.extend(part.clauses.iter().cloned());
        let mut body = ask.body(kind)?;
        body.insert("size".into(), size.into());
        Call::new(OperationId::Search).query("simple", true).body(body)?.list(&self.raw).await
    }

    /// The parts of a part: what lies in each container of the next level that has results, and what lies in none.
    async fn split(&self, part: &Part) -> Result<Vec<Part>> {
        if self.ask.sort.is_some() {
            return Err(invalid(format!(
                "there are more than {} results, and a site puts no more than that in order",
                self.ask.page_size
            ))
            .with_hint("Give a limit, ask more narrowly, or leave the order out."));
        }
        let level = LEVELS.get(part.next).copied().filter(|level| !part.whole && self.parts_by(*level));
        let Some(level) = level else { return Err(self.too_many()) };
        let holders = self.answer(level, part, MOST).await?;
        if holders.len() >= MOST {
            return Err(self.too_many());
        }
        let field = format!("{level}._id");
        let mut parts = Vec::with_capacity(holders.items.len() + 1);
        for document in holders.items {
            let hit = Hit::new(self.client.clone(), level, document);
            parts.push(part.within(json!({"term": {&field: hit.id()}}), false));
        }
        // Containers of a level lie in one of each level above it; files and analyses may hang anywhere.
        if matches!(self.kind, Kind::File | Kind::Analysis) && level != Kind::Project {
            parts.push(part.within(json!({"bool": {"must_not": [{"exists": {"field": field}}]}}), true));
        }
        Ok(parts)
    }

    /// Whether what is looked for lies below containers of a level, several in one.
    fn parts_by(&self, level: Kind) -> bool {
        match self.kind {
            Kind::File | Kind::Analysis => true,
            // The kinds of the tree are declared from the outermost inwards.
            kind => level < kind,
        }
    }

    fn too_many(&self) -> crate::Error {
        invalid(format!(
            "there are more than {} {} in one place, and the search has no way to ask for the others",
            self.ask.page_size,
            self.kind.plural()
        ))
        .with_hint("Ask more narrowly, or give a limit.")
    }
}

impl Part {
    fn within(&self, clause: Value, whole: bool) -> Self {
        let clauses = self.clauses.iter().cloned().chain([clause]).collect();
        Self { clauses, next: self.next + 1, whole }
    }
}
