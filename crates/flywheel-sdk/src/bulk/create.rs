//! Many new containers out of rows, such as those of a table.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::{Attempt, Bulk};
use crate::{
    ContainerRef, Error, ErrorKind, Kind, Project, Resource, Result, Session, Subject, edit::Create,
};

/// A container that shall be there: the labels from the subject down to it, and the fields it is made with.
///
/// ```
/// use flywheel::Row;
///
/// let visit = Row::session("sub-01", "baseline").set("age", 978_307_200).info(serde_json::json!({"site": "A"}));
/// # let _ = visit;
/// ```
#[derive(Clone, Debug)]
pub struct Row {
    labels: Vec<String>,
    fields: Map<String, Value>,
    problem: Option<String>,
}

impl Row {
    /// A subject.
    pub fn subject(label: impl Into<String>) -> Self {
        Self::of(vec![label.into()])
    }

    /// A session of a subject.
    pub fn session(subject: impl Into<String>, label: impl Into<String>) -> Self {
        Self::of(vec![subject.into(), label.into()])
    }

    /// An acquisition of a session.
    pub fn acquisition(
        subject: impl Into<String>,
        session: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self::of(vec![subject.into(), session.into(), label.into()])
    }

    fn of(labels: Vec<String>) -> Self {
        Self { labels, fields: Map::new(), problem: None }
    }

    /// Gives a field a value, by the field's name in the API. A null is left out.
    #[must_use]
    pub fn set(mut self, field: impl Into<String>, value: impl Serialize) -> Self {
        let field = field.into();
        match serde_json::to_value(value) {
            Ok(Value::Null) => {}
            Ok(value) => {
                self.fields.insert(field, value);
            }
            Err(error) => self.problem = Some(format!("{field} has no form in JSON: {error}")),
        }
        self
    }

    /// Free metadata to begin with.
    #[must_use]
    pub fn info(self, info: impl Serialize) -> Self {
        self.set("info", info)
    }

    /// What tells it apart: its labels, separated by slashes; a slash in a label is written `%2F`.
    pub fn key(&self) -> String {
        let labels = self.labels.iter().map(|label| label.replace('%', "%25").replace('/', "%2F"));
        labels.collect::<Vec<_>>().join("/")
    }

    fn check(&self) -> Option<Error> {
        let problem = match (&self.problem, self.labels.iter().any(|label| label.trim().is_empty())) {
            (Some(problem), _) => problem.clone(),
            (None, true) => "a label is empty".to_owned(),
            (None, false) => return None,
        };
        Some(Error::new(ErrorKind::Invalid, format!("the row {:?}: {problem}", self.key())))
    }
}

/// A container that is there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Made {
    /// The container.
    pub container: ContainerRef,
    /// Whether it was there before; nothing of it was changed then.
    pub existed: bool,
}

impl Project {
    /// Makes many subjects, sessions and acquisitions. What has the same labels is there already and stays as it is; what
    /// stands above a row and is not there is made too, with the fields of its own row if there is one.
    ///
    /// Nothing is made twice, neither by two rows below one new subject nor by running it again. See
    /// [`bulk`](crate::bulk).
    pub fn create_many(&self, rows: impl IntoIterator<Item = Row>) -> Bulk<Made> {
        let rows: Vec<Row> = rows.into_iter().collect();
        let refused = rows.iter().find_map(Row::check);
        let keys: Vec<_> = rows.iter().map(|row| (row.key(), row.labels.clone())).collect();
        let builder = Arc::new(Builder {
            project: self.clone(),
            fields: rows.into_iter().map(|row| (row.labels, row.fields)).collect(),
            cells: Mutex::default(),
        });
        let make = move |labels: Vec<String>, _: Attempt| {
            let builder = Arc::clone(&builder);
            async move { Ok(builder.ensure(labels).await?.made) }
        };
        Bulk::new(keys, make).refused(refused)
    }
}

/// A container that was made or found.
#[derive(Clone)]
struct Node {
    made: Made,
    place: Place,
}

/// What further containers are made below.
#[derive(Clone)]
enum Place {
    Subject(Box<Subject>),
    Session(Box<Session>),
    Acquisition,
}

type Cell = Arc<OnceCell<Node>>;

/// Makes each container once, whoever asks first.
struct Builder {
    project: Project,
    fields: HashMap<Vec<String>, Map<String, Value>>,
    cells: Mutex<HashMap<Vec<String>, Cell>>,
}

impl Builder {
    /// The container at `labels`, made when it is not there, after those above it.
    fn ensure(self: &Arc<Self>, labels: Vec<String>) -> BoxFuture<'static, Result<Node>> {
        let this = Arc::clone(self);
        Box::pin(async move {
            let cell = {
                let mut cells = this.cells.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(cells.entry(labels.clone()).or_default())
            };
            cell.get_or_try_init(|| this.make(&labels)).await.cloned()
        })
    }

    async fn make(self: &Arc<Self>, labels: &[String]) -> Result<Node> {
        let Some((label, above)) = labels.split_last() else {
            return Err(Error::new(ErrorKind::Invalid, "a row names no container"));
        };
        let fields = self.fields.get(labels).cloned().unwrap_or_default();
        if above.is_empty() {
            let (made, subject) = get_or_make(self.project.add_subject(label), fields).await?;
            return Ok(Node { made, place: Place::Subject(Box::new(subject)) });
        }
        match self.ensure(above.to_vec()).await?.place {
            Place::Subject(subject) => {
                let (made, session) = get_or_make(subject.add_session(label), fields).await?;
                Ok(Node { made, place: Place::Session(Box::new(session)) })
            }
            Place::Session(session) => {
                let (made, _) = get_or_make(session.add_acquisition(label), fields).await?;
                Ok(Node { made, place: Place::Acquisition })
            }
            Place::Acquisition => Err(Error::new(ErrorKind::Invalid, "nothing stands below an acquisition")),
        }
    }
}

async fn get_or_make<C: Resource>(create: Create<C>, fields: Map<String, Value>) -> Result<(Made, C)> {
    let create = fields.into_iter().fold(create.or_existing(), |create, (name, value)| match name.as_str() {
        "info" => create.checked_info(value),
        _ => create.set(name, value),
    });
    let (container, existed) = create.outcome().await?;
    let made = Made { container: ContainerRef::new(kind_of(&container), container.id()), existed };
    Ok((made, container))
}

fn kind_of<C: Resource>(_: &C) -> Kind {
    C::KIND
}
