//! What the search knows: its fields, their values, and how a query that is being typed goes on.

use flywheel_api::{
    OperationId,
    types::{ParsedQueryResponse, SearchStatus, StatusType, StructuredQuerySuggestions},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Client, Request, call::Call};

/// The index behind the search. See [`Client::search_index`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let site = flywheel_local::Site::builder().open().await?;
/// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
/// # let fw = flywheel::Client::new(running.api_key())?;
/// let typed = "session.ope";
/// let suggestions = fw.search_index().suggest(typed).await?;
/// assert_eq!(suggestions.values(), ["session.operator"]);
/// assert_eq!(suggestions.complete(typed, 0).as_deref(), Some("session.operator"));
///
/// let mistakes = fw.search_index().check("session.operator is Jo").await?;
/// assert_eq!((mistakes[0].line, mistakes[0].pos), (1, 18));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SearchIndex {
    client: Client,
}

/// A field that can be searched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SearchField {
    /// Its dotted name, such as `session.age`.
    pub name: String,
    /// The type of its values, as the index calls it: `string`, `integer`, `float`, `date`, `boolean`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Whether it has few values, so that a choice of them can be offered.
    #[serde(default)]
    pub facet: Option<bool>,
}

/// A mistake in a query, as the site sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1.
    pub pos: u64,
    /// The character in the whole text, from 0.
    pub offset: u64,
    /// What is wrong.
    pub message: String,
}

/// How a query that is being typed can go on.
#[derive(Clone, Debug)]
pub struct Suggestions(StructuredQuerySuggestions);

impl Suggestions {
    /// Where the text begins that a suggestion takes the place of, in characters.
    pub fn from(&self) -> usize {
        self.0.from.and_then(|from| usize::try_from(from).ok()).unwrap_or_default()
    }

    /// What can stand there, quoted where it must be.
    pub fn values(&self) -> Vec<&str> {
        let each = self.0.suggestions.iter().flatten();
        each.map(|suggestion| suggestion.value.as_deref().unwrap_or_default()).collect()
    }

    /// The query with one of the suggestions in place.
    pub fn complete(&self, typed: &str, which: usize) -> Option<String> {
        let value = *self.values().get(which)?;
        Some(typed.chars().take(self.from()).chain(value.chars()).collect())
    }
}

impl SearchIndex {
    pub(super) fn new(client: &Client) -> Self {
        Self { client: client.clone() }
    }

    /// Whether it is up to date.
    pub fn status(&self) -> Request<'static, StatusType> {
        Request::new(&self.client, |raw| async move {
            let answer: SearchStatus = Call::new(OperationId::GetSearchStatus).send(&raw).await?;
            Ok(answer.status.unwrap_or_else(|| "unknown".into()))
        })
    }

    /// The fields in whose names this text is found.
    pub fn fields(&self, text: impl Into<String>) -> Request<'static, Vec<SearchField>> {
        self.ask(OperationId::SearchFields, json!({"field": text.into()}))
    }

    /// What lies directly below a dotted path, such as `file.info`: each name with what is known of it. The empty path has
    /// the kinds of containers below it.
    pub fn fields_below(&self, path: impl Into<String>) -> Request<'static, Map<String, Value>> {
        let path = path.into();
        Request::new(&self.client, move |raw| async move {
            Call::new(OperationId::GetMappedFields).query("path", path).send(&raw).await
        })
    }

    /// The values of a field: the most frequent texts, those that begin with `begun` alone if it is given, or for numbers
    /// and dates their statistics. As the site writes it.
    pub fn values(&self, field: impl Into<String>, begun: Option<&str>) -> Request<'static, Value> {
        let mut body = json!({"field_name": field.into()});
        if let Some(begun) = begun {
            body["search_string"] = begun.into();
        }
        self.ask(OperationId::AggregateSearchField, body)
    }

    /// How the end of a query can go on: names of fields, or values of the last one.
    pub fn suggest(&self, typed: impl Into<String>) -> Request<'static, Suggestions> {
        let body = json!({"structured_query": typed.into()});
        self.ask(OperationId::GetSearchQuerySuggestions, body).map(|found| Ok(Suggestions(found)))
    }

    /// What the site finds wrong with a query; nothing when it is well-formed. Searches are checked here anyway, before
    /// they are sent.
    pub fn check(&self, query: impl Into<String>) -> Request<'static, Vec<Mistake>> {
        let body = json!({"structured_query": query.into()});
        let asked: Request<'static, ParsedQueryResponse> = self.ask(OperationId::ParseSearchQuery, body);
        let place = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        asked.map(move |answer| {
            let mistakes = answer.errors.unwrap_or_default().into_iter().map(|error| Mistake {
                line: place(error.line),
                pos: place(error.pos),
                offset: place(error.offset),
                message: error.message.unwrap_or_default(),
            });
            Ok(mistakes.collect())
        })
    }

    fn ask<T>(&self, operation: OperationId, body: Value) -> Request<'static, T>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        Request::new(
            &self.client,
            move |raw| async move { Call::new(operation).body(body)?.send(&raw).await },
        )
    }
}
