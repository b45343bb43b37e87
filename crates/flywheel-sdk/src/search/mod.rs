//! Searching the whole site by what containers and files hold, and by what everything above them holds.
//!
//! A search asks a question in FlyQL, the platform's query language, and says what kind of thing it wants back: the
//! sessions, say, that have a T1 of somebody over sixty. Where a [finder](crate::finder) lists one kind below one place, a
//! search looks at every level at once.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # for (label, years) in [("sub-01", 34.0), ("sub-02", 67.5)] {
//! #     let age = flywheel::Age::from_years(years).seconds();
//! #     let session = project.add_subject(label).await?.add_session("baseline").age(age).await?;
//! #     let t1 = session.add_acquisition("T1w").await?;
//! #     t1.upload(flywheel::Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//! # }
//! use flywheel::{Age, Kind, Session, search::field};
//! use futures::TryStreamExt;
//!
//! // As the platform writes it, or built: quoting is then taken care of.
//! let sixty = Age::from_years(60.0).seconds();
//! let written = fw.search("file.type = nifti AND acquisition.label LIKE \"T1%\"");
//! let built = fw.search(field("file.type").eq("nifti") & field("session.age").gte(sixty));
//!
//! // Hits say where something is; containers are read in full, several at a time.
//! let hits = written.find_hits(Kind::File).await?;
//! assert_eq!(hits.len(), 2);
//! let sessions: Vec<Session> = built.find().await?;
//! assert_eq!(sessions[0].age_years(), Some(67.5));
//!
//! // However many there are.
//! let mut files = written.hits(Kind::File);
//! while let Some(hit) = files.try_next().await? {
//!     println!("{} in {}", hit.label(), hit.path());
//! }
//!
//! // What was found becomes a collection.
//! let collection = fw.add_collection("Over sixty").await?;
//! built.add_to(&collection, Kind::Session).await?;
//! assert_eq!(collection.acquisitions().count().await?, 1);
//! # Ok(())
//! # }
//! ```
//!
//! A query is read here before it is sent, so that a mistake is pointed at:
//!
//! ```
//! # fn main() -> flywheel::Result<()> {
//! use flywheel::{Kind, blocking::Block};
//!
//! let fw = flywheel::Client::new("localhost:1:__force_insecure:KEY")?;
//! let error = fw.search("file.type is dicom").find_hits(Kind::File).block().unwrap_err();
//! assert!(error.message().ends_with("file.type is dicom\n            ^^"));
//! # Ok(())
//! # }
//! ```
//!
//! # What a condition is tested on
//!
//! Each container and each file is one document, with its own fields and those of everything above it. A condition is
//! tested inside one document: `acquisition.label = T1w AND file.type = nifti` needs a file for which both hold. A search for
//! containers gives those that have, at any depth, a document for which the condition holds; so `NOT file.type = dicom`
//! finds nearly every session, because each has some document that is no DICOM file.
//!
//! # How many
//!
//! A site answers at most 10,000 results to one question and has no pages. [`hits`](Search::hits) goes beyond by asking
//! again for each project that has some, and where that is still too much for each subject, session and acquisition.
//!
//! On the platform the index lags some seconds behind what was written.

mod hit;
mod index;
mod saved;
mod walk;

use std::fmt;

use flywheel_api::{
    OperationId,
    transport::CallOptions,
    types::{ContainerDeleteReason, DeletedResult},
};
use flywheel_core::{query::Query, sort::Order, syntax::ParseError};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use serde_json::{Map, Value, json};

pub use flywheel_core::query::{Field, field};
pub use hit::{Findable, Hit};
pub use index::{Mistake, SearchField, SearchIndex, Suggestions};
pub use saved::{SavedSearch, SearchParent};
pub use walk::Hits;

use crate::{Client, Collection, ContainerRef, Error, ErrorKind, Kind, Request, Result, call::Call};

/// The most results that a site answers at once.
const MOST: usize = 10_000;

/// How many containers are read at the same time.
const GETS_AT_ONCE: usize = 8;

/// A search; what kind of thing it is to find is said when it is run. See the [module](self).
#[must_use = "a search finds nothing until its results are asked for"]
#[derive(Clone)]
pub struct Search {
    client: Client,
    ask: Ask,
}

/// What is asked.
#[derive(Clone, Debug)]
struct Ask {
    query: Option<Query>,
    text: Option<String>,
    clauses: Vec<Value>,
    all_data: bool,
    sort: Option<(String, Order)>,
    limit: Option<usize>,
    page_size: usize,
    options: CallOptions,
    /// The first mistake in what the search was told; reported when it is run.
    mistake: Option<String>,
}

impl Ask {
    fn new() -> Self {
        Self {
            query: None,
            text: None,
            clauses: Vec::new(),
            all_data: false,
            sort: None,
            limit: None,
            page_size: MOST,
            options: CallOptions::new(),
            mistake: None,
        }
    }

    /// The body that asks for things of this kind.
    fn body(&self, kind: Kind) -> Result<Map<String, Value>> {
        if let Some(mistake) = &self.mistake {
            return Err(invalid(mistake.clone()));
        }
        let mut body = self.conditions(kind)?;
        if self.all_data {
            body.insert("all_data".into(), true.into());
        }
        if let Some((field, order)) = &self.sort {
            let order = if *order == Order::Descending { "desc" } else { "asc" };
            body.insert("sort".into(), json!({"field": field, "order": order}));
        }
        Ok(body)
    }

    fn conditions(&self, kind: Kind) -> Result<Map<String, Value>> {
        let mut body = Map::from_iter([("return_type".to_owned(), Value::from(return_type(kind)?))]);
        if let Some(query) = &self.query {
            body.insert("structured_query".into(), query.to_string().into());
        }
        if let Some(text) = &self.text {
            body.insert("search_string".into(), text.clone().into());
        }
        if !self.clauses.is_empty() {
            body.insert("filters".into(), self.clauses.clone().into());
        }
        Ok(body)
    }

    fn is_narrow(&self) -> bool {
        self.query.is_some() || self.text.is_some() || !self.clauses.is_empty()
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message).with_operation(OperationId::Search.operation().name)
}

/// What the API calls a kind of result.
fn return_type(kind: Kind) -> Result<&'static str> {
    match kind {
        Kind::Project | Kind::Subject | Kind::Session | Kind::Acquisition | Kind::Analysis | Kind::File => {
            Ok(kind.as_str())
        }
        other => Err(invalid(format!(
            "a search finds projects, subjects, sessions, acquisitions, analyses and files, not {}",
            other.plural()
        ))),
    }
}

impl Search {
    fn new(client: &Client) -> Self {
        Self { client: client.clone(), ask: Ask::new() }
    }

    /// This must hold as well.
    pub fn and(mut self, query: impl TryInto<Query, Error: Into<ParseError>>) -> Self {
        match query.try_into() {
            Ok(query) => {
                self.ask.query = Some(match self.ask.query.take() {
                    Some(known) => known & query,
                    None => query,
                });
            }
            Err(mistake) => {
                let mistake: ParseError = mistake.into();
                self.ask.mistake.get_or_insert(mistake.to_string());
            }
        }
        self
    }

    /// This text, of two characters or more, must be found in some field, whatever the case.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.ask.text = Some(text.into());
        self
    }

    /// This clause of the search index must hold as well, such as `{"range": {"session.age": {"lt": 3600}}}`. Known kinds
    /// are bool, exists, ids, match, match_all, match_phrase, prefix, range, regexp, term, terms and wildcard.
    pub fn clause(mut self, clause: Value) -> Self {
        self.ask.clauses.push(clause);
        self
    }

    /// Everything on the site, not only what the caller has a role in. For site administrators.
    pub fn all_data(mut self, yes: bool) -> Self {
        self.ask.all_data = yes;
        self
    }

    /// In this order, by one field of what is found or of what lies above it. Ordered results cannot go beyond what a site
    /// answers at once: give a [`limit`](Self::limit).
    pub fn sort(mut self, field: impl Into<String>, order: Order) -> Self {
        self.ask.sort = Some((field.into(), order));
        self
    }

    /// No more results than this.
    pub fn limit(mut self, results: usize) -> Self {
        self.ask.limit = Some(results);
        self
    }

    /// The most results in one answer: 10,000 when nothing is said, which no site goes beyond. Zero counts as one.
    pub fn page_size(mut self, results: usize) -> Self {
        self.ask.page_size = results.clamp(1, MOST);
        self
    }

    /// Other options for the calls of this search.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.ask.options = options.over(&self.ask.options);
        self
    }

    /// What is found, one by one, however much it is.
    pub fn hits(&self, kind: Kind) -> Hits {
        Hits::new(self.client.clone(), self.ask.clone(), kind)
    }

    /// What is found, in memory.
    pub fn find_hits(&self, kind: Kind) -> Request<'static, Vec<Hit>> {
        let ask = self.ask.clone();
        let client = self.client.clone();
        self.request(move |raw| async move { Hits::over(client, raw, ask, kind).try_collect().await })
    }

    /// What is found, each read in full, several at a time and in order. What is gone since the index saw it is left out.
    pub fn iter<C: Findable>(&self) -> BoxStream<'static, Result<C>> {
        let raw = self.client.raw().with_options(self.ask.options.clone());
        self.read(raw)
    }

    /// What is found, each read in full, in memory.
    pub fn find<C: Findable>(&self) -> Request<'static, Vec<C>> {
        let this = self.clone();
        self.request(move |raw| async move { this.read(raw).try_collect().await })
    }

    fn read<C: Findable>(&self, raw: flywheel_api::Client) -> BoxStream<'static, Result<C>> {
        let hits = Hits::over(self.client.clone(), raw.clone(), self.ask.clone(), C::KIND);
        let read = move |hit: Result<Hit>| {
            let raw = raw.clone();
            async move {
                match hit?.read::<C>(&raw).await {
                    Err(error) if error.is_not_found() => Ok(None),
                    outcome => outcome.map(Some),
                }
            }
        };
        hits.map(read).buffered(GETS_AT_ONCE).try_filter_map(|found| std::future::ready(Ok(found))).boxed()
    }

    /// References to all that is found, in one call, such as [`archive`](Client::archive) takes them.
    pub fn nodes(&self, kind: Kind) -> Request<'static, Vec<ContainerRef>> {
        #[derive(serde::Deserialize)]
        struct Answer {
            #[serde(default)]
            nodes: Vec<Node>,
        }
        #[derive(serde::Deserialize)]
        struct Node {
            level: Kind,
            #[serde(rename = "_id")]
            id: String,
        }
        let body = self.body(kind, self.ask.limit);
        self.request(move |raw| async move {
            let answer: Answer = Call::new(OperationId::SearchNodes).body(body?)?.send(&raw).await?;
            Ok(answer.nodes.into_iter().map(|node| ContainerRef::new(node.level, node.id)).collect())
        })
    }

    /// How the results spread over the values of common fields, as the site writes it.
    pub fn facets(&self, kind: Kind) -> Request<'static, Value> {
        let body = self.body(kind, None);
        self.request(move |raw| async move {
            let mut answer: Value = Call::new(OperationId::GetSearchFacets).body(body?)?.send(&raw).await?;
            let facets = answer.get_mut("facets").map(Value::take);
            Ok(facets.unwrap_or(answer))
        })
    }

    /// The results as comma-separated values below a line of names, as the site writes them: at most as many as it answers
    /// at once.
    pub fn csv(&self, kind: Kind) -> Request<'static, String> {
        let body = self.body(kind, Some(self.ask.limit.unwrap_or(MOST).min(MOST)));
        self.request(move |raw| async move {
            let call = Call::new(OperationId::Search).query("csv", true).body(body?)?;
            let bytes = call.stream(&raw).await?.collect().await?;
            String::from_utf8(bytes.into())
                .map_err(|_| Error::new(ErrorKind::Decode, "the table is not written in UTF-8"))
        })
    }

    /// Puts what is found into a collection: projects, subjects, sessions and acquisitions with all that is below them;
    /// files and analyses by the acquisition that they belong to.
    pub fn add_to(&self, collection: &Collection, kind: Kind) -> Request<'static, Added> {
        let (collection, ask) = (collection.clone(), self.ask.clone());
        let client = self.client.clone();
        self.request(move |raw| async move {
            let level = match kind {
                Kind::File | Kind::Analysis => Kind::Acquisition,
                other => other,
            };
            let (mut added, mut batch) = (Added::default(), Vec::new());
            let mut last = None;
            let mut hits = Hits::over(client, raw.clone(), ask, kind);
            while let Some(hit) = hits.try_next().await? {
                match hit.id_of(level) {
                    None => added.left_out += 1,
                    // The files of one acquisition mostly come one after the other.
                    Some(id) if last.as_deref() == Some(id) => added.hits += 1,
                    Some(id) => {
                        added.hits += 1;
                        last = Some(id.to_owned());
                        batch.push(id.to_owned());
                    }
                }
            }
            batch.sort_unstable();
            batch.dedup();
            added.members = batch.len();
            collection.add_ids(&raw, level, &batch).await?;
            Ok(added)
        })
    }

    /// Deletes everything that is found, of this kind, with everything below it. Refused without a condition.
    pub fn delete_found(
        &self,
        kind: Kind,
        reason: Option<ContainerDeleteReason>,
    ) -> Request<'static, DeletedResult> {
        let ask = self.ask.clone();
        self.request(move |raw| async move {
            if let Some(mistake) = ask.mistake {
                return Err(invalid(mistake));
            }
            if !ask.is_narrow() {
                return Err(invalid("a deletion by search needs a condition: this search has none"));
            }
            if ask.limit.is_some() || ask.all_data || ask.sort.is_some() {
                return Err(invalid(
                    "a deletion by search takes no limit, sort and all_data: it deletes all that is found",
                ));
            }
            let call = Call::new(OperationId::DeleteBySearch).query_opt("delete_reason", reason);
            call.body(ask.conditions(kind)?)?.send(&raw).await
        })
    }

    /// The body of a call that is not walked.
    fn body(&self, kind: Kind, size: Option<usize>) -> Result<Map<String, Value>> {
        let mut body = self.ask.body(kind)?;
        if let Some(size) = size {
            body.insert("size".into(), size.into());
        }
        Ok(body)
    }

    fn request<T, F, Fut>(&self, run: F) -> Request<'static, T>
    where
        T: Send + 'static,
        F: FnOnce(flywheel_api::Client) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        Request::new(&self.client, run).options(self.ask.options.clone())
    }
}

/// Shows what is asked, which the caller wrote, and nothing of what was found.
impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self.ask.query.as_ref().map(ToString::to_string);
        f.debug_struct("Search").field("query", &query).finish_non_exhaustive()
    }
}

/// What [`Search::add_to`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// How many results are in the collection now.
    pub hits: usize,
    /// How many containers they were added as.
    pub members: usize,
    /// How many results belong to no acquisition, such as files of a project, and were left out.
    pub left_out: usize,
}

impl Client {
    /// A search with a query: text as the platform writes it, or one built with [`search::field`](crate::search::field).
    pub fn search(&self, query: impl TryInto<Query, Error: Into<ParseError>>) -> Search {
        Search::new(self).and(query)
    }

    /// A search for a text of two characters or more in all fields, whatever the case.
    pub fn search_text(&self, text: impl Into<String>) -> Search {
        Search::new(self).text(text)
    }

    /// A search without a condition, to which clauses can be added.
    pub fn search_all(&self) -> Search {
        Search::new(self)
    }

    /// What the search knows: fields, their values, completions of what is being typed.
    pub fn search_index(&self) -> SearchIndex {
        SearchIndex::new(self)
    }
}
