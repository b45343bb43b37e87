//! Tree queries: chosen fields of containers and of what belongs to them, in one call.

use flywheel_api::{OperationId, types::TreeGraphNode};
use flywheel_core::{filter::Filter, sort::Sort, syntax::ParseError};
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{Client, Error, ErrorKind, Kind, Request, call::Call};

/// What to read of containers of one kind, and of what they are connected to.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let site = flywheel_local::Site::builder().open().await?;
/// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
/// # let fw = flywheel::Client::new(running.api_key())?;
/// # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
/// # project.add_subject("sub-01").await?.add_session("ses-01").await?;
/// use flywheel::{Kind, admin::TreeQuery};
///
/// #[derive(serde::Deserialize)]
/// struct Study { label: String, subjects: Vec<Person> }
/// #[derive(serde::Deserialize)]
/// struct Person { label: String }
///
/// let subjects = TreeQuery::new(["label"]).sort("label");
/// let query = TreeQuery::new(["label"]).filter("label=~Study").join("subjects", subjects);
/// let studies: Vec<Study> = fw.fetch_tree(Kind::Project, query).await?;
/// assert_eq!((studies[0].label.as_str(), studies[0].subjects[0].label.as_str()), ("Color Study", "sub-01"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TreeQuery {
    body: Map<String, Value>,
    mistake: Option<ParseError>,
}

impl TreeQuery {
    /// These fields; ids always come along.
    pub fn new<T: Into<String>>(fields: impl IntoIterator<Item = T>) -> Self {
        let fields: Vec<String> = fields.into_iter().map(Into::into).collect();
        Self { body: Map::from_iter([("fields".to_owned(), fields.into())]), mistake: None }
    }

    /// Only those that this filter lets through.
    pub fn filter(self, filter: impl TryInto<Filter, Error: Into<ParseError>>) -> Self {
        self.parsed("filter", filter.try_into().map(|filter| filter.to_string()).map_err(Into::into))
    }

    /// In this order.
    pub fn sort(self, sort: impl TryInto<Sort, Error: Into<ParseError>>) -> Self {
        self.parsed("sort", sort.try_into().map(|sort| sort.to_string()).map_err(Into::into))
    }

    fn parsed(mut self, name: &str, text: Result<String, ParseError>) -> Self {
        match text {
            Ok(text) => {
                self.body.insert(name.to_owned(), text.into());
            }
            Err(mistake) => {
                self.mistake.get_or_insert(mistake);
            }
        }
        self
    }

    /// No more than this many.
    pub fn limit(mut self, rows: usize) -> Self {
        self.body.insert("limit".to_owned(), rows.into());
        self
    }

    /// With what is connected to each by `connection`, such as `sessions` or `project`; [`Client::tree_graph`] lists them.
    pub fn join(mut self, connection: impl Into<String>, query: Self) -> Self {
        self.body.insert(connection.into(), Value::Object(query.body));
        self.mistake = self.mistake.or(query.mistake);
        self
    }
}

impl Client {
    /// Reads chosen fields of all containers of a kind that a query lets through, and of what they are connected to.
    pub fn fetch_tree<T>(&self, kind: Kind, query: TreeQuery) -> Request<'static, Vec<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        if let Some(mistake) = query.mistake {
            let error = Error::new(ErrorKind::Invalid, mistake.to_string()).with_operation("fetch_tree");
            return Request::failed(self, error);
        }
        let body = json!({kind.plural(): query.body});
        Call::new(OperationId::FetchTree).sending(body).rows(self)
    }

    /// What is connected to what, and by which name, for [`TreeQuery::join`].
    pub fn tree_graph(&self) -> Request<'static, IndexMap<String, TreeGraphNode>> {
        Call::new(OperationId::GetTreeGraph).answer(self)
    }
}
