//! What a search finds: where something is, and a little about it.

use std::{fmt, future::Future, ops::Deref};

use flywheel_api::{Client as Raw, OperationId, types::SearchResponse};
use flywheel_core::filter::field;
use serde_json::Value;

use crate::{
    Acquisition, Analysis, Client, ContainerRef, Error, ErrorKind, File, Finder, Kind, Project, Request,
    Resource, Result, Session, Subject, call::Call, container::files_of, resource::sealed::Parts,
};

/// One result of a search: not the thing itself, but what the index knows of it and of all that lies above it.
///
/// Derefs to the document as the site sent it: `hit.session`, `hit.file`, `hit.permissions`.
#[derive(Clone)]
pub struct Hit {
    client: Client,
    kind: Kind,
    document: SearchResponse,
}

impl Hit {
    pub(super) fn new(client: Client, kind: Kind, document: SearchResponse) -> Self {
        Self { client, kind, document }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its id; empty for files, which the search knows by their container and name.
    pub fn id(&self) -> &str {
        self.id_of(self.kind).unwrap_or_default()
    }

    /// The id of a container that it is, or lies in.
    pub fn id_of(&self, kind: Kind) -> Option<&str> {
        let hit = &self.document;
        let id = match kind {
            Kind::Group => hit.group.as_ref()?.id.as_deref(),
            Kind::Project => hit.project.as_ref()?.id.as_deref(),
            Kind::Subject => hit.subject.as_ref()?.id.as_deref(),
            Kind::Session => hit.session.as_ref()?.id.as_deref(),
            Kind::Acquisition => hit.acquisition.as_ref()?.id.as_deref(),
            Kind::Analysis => hit.analysis.as_ref()?.id.as_deref(),
            _ => None,
        };
        id.filter(|id| !id.is_empty())
    }

    /// Its label, or its name where it is a file; empty when it has none.
    pub fn label(&self) -> &str {
        self.label_of(self.kind).unwrap_or_default()
    }

    /// The label of a container that it is, or lies in; the name of the file that it is.
    pub fn label_of(&self, kind: Kind) -> Option<&str> {
        let hit = &self.document;
        match kind {
            Kind::Group => hit.group.as_ref()?.label.as_deref(),
            Kind::Project => hit.project.as_ref()?.label.as_deref(),
            Kind::Subject => {
                let subject = hit.subject.as_ref()?;
                subject.code.as_deref().or_else(|| subject.extra.get("label")?.as_str())
            }
            Kind::Session => hit.session.as_ref()?.label.as_deref(),
            Kind::Acquisition => hit.acquisition.as_ref()?.label.as_deref(),
            Kind::Analysis => hit.analysis.as_ref()?.label.as_deref(),
            Kind::File => hit.file.as_ref()?.name.as_deref(),
            _ => None,
        }
    }

    /// The labels above it and its own with slashes between, the id of the group first, for people.
    pub fn path(&self) -> String {
        let group = self.id_of(Kind::Group);
        let below =
            [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Analysis, Kind::File];
        let labels = below.into_iter().filter_map(|kind| self.label_of(kind));
        group.into_iter().chain(labels).collect::<Vec<_>>().join("/")
    }

    /// The container of a file that was found.
    pub fn parent(&self) -> Option<ContainerRef> {
        let parent = serde_json::to_value(self.document.parent.as_ref()?).ok()?;
        let kind = parent.get("type")?.as_str()?.parse().ok()?;
        Some(ContainerRef::new(kind, parent.get("_id").and_then(Value::as_str)?))
    }

    /// The thing itself, read in full.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it is of another kind, [`ErrorKind::NotFound`] when it is gone.
    pub fn get<C: Findable>(&self) -> Request<'static, C> {
        let hit = self.clone();
        Request::new(&self.client, move |raw| async move { hit.read(&raw).await })
    }

    /// As [`get`](Self::get), with a raw client.
    pub(super) async fn read<C: Findable>(&self, raw: &Raw) -> Result<C> {
        if C::KIND != self.kind {
            let message = format!("{:?} is a {}, not a {}", self.label(), self.kind, C::KIND);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        C::read_hit(self, raw).await
    }

    fn nameless(&self) -> Error {
        Error::new(ErrorKind::Decode, format!("the search does not say which {} it found", self.kind))
            .with_operation(OperationId::Search.operation().name)
    }
}

impl Deref for Hit {
    type Target = SearchResponse;

    fn deref(&self) -> &SearchResponse {
        &self.document
    }
}

impl serde::Serialize for Hit {
    /// The document as the site sent it.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

/// Shows kind and id alone: documents hold patient data.
impl fmt::Debug for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hit").field("kind", &self.kind).field("id", &self.id()).finish_non_exhaustive()
    }
}

/// What a search can find. Implemented by projects, subjects, sessions, acquisitions, analyses and files.
pub trait Findable: Resource {
    /// Reads what a hit stands for.
    #[doc(hidden)]
    fn read_hit(hit: &Hit, raw: &Raw) -> impl Future<Output = Result<Self>> + Send {
        async move {
            let operation = Self::KIND.routes().get.ok_or_else(|| hit.nameless())?;
            let id = Some(hit.id()).filter(|id| !id.is_empty()).ok_or_else(|| hit.nameless())?;
            Ok(Self::from_parts(hit.client.clone(), Call::new(operation).at(id).send(raw).await?))
        }
    }
}

impl Findable for Project {}
impl Findable for Subject {}
impl Findable for Session {}
impl Findable for Acquisition {}
impl Findable for Analysis {}

impl Findable for File {
    async fn read_hit(hit: &Hit, raw: &Raw) -> Result<Self> {
        let parent = hit.parent().ok_or_else(|| hit.nameless())?;
        let name = hit.label();
        if let Some(operation) = parent.kind.routes().file.filter(|_| !name.is_empty() && !name.contains('/'))
        {
            let found = Call::new(operation).at(&parent.id).at(name).send(raw).await?;
            return files_of(&hit.client, &parent, vec![found]).pop().ok_or_else(|| hit.nameless());
        }
        // A name with a slash has no route of its own.
        let same = field("parent_ref.id").eq(&parent.id) & field("name").eq(name);
        let client = Client::from(raw.clone());
        let found: File = Finder::all(&client).filter(same).full().find_one().await?;
        Ok(Self::from_parts(hit.client.clone(), found.into_model()))
    }
}
