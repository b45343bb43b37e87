//! Copies that share the stored bytes with what they were made of.

use std::{future::IntoFuture, marker::PhantomData};

use flywheel_api::{
    OperationId,
    types::{CopyFilter as Wire, ProjectCopyOutput},
};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::{Acquisition, Client, Group, Project, Request, Resource, Result, Session, Subject, call::Call};

/// What goes into a copy.
#[derive(Clone, Debug, Default)]
pub struct CopyFilter {
    wire: Wire,
}

impl CopyFilter {
    /// Everything, but no empty containers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves analyses out.
    #[must_use]
    pub fn without_analyses(mut self) -> Self {
        self.wire.exclude_analysis = Some(true);
        self
    }

    /// Leaves annotations out.
    #[must_use]
    pub fn without_annotations(mut self) -> Self {
        self.wire.exclude_annotations = Some(true);
        self
    }

    /// Leaves notes out.
    #[must_use]
    pub fn without_notes(mut self) -> Self {
        self.wire.exclude_notes = Some(true);
        self
    }

    /// Leaves tags out.
    #[must_use]
    pub fn without_tags(mut self) -> Self {
        self.wire.exclude_tags = Some(true);
        self
    }

    /// Copies containers in which nothing is copied, too.
    #[must_use]
    pub fn with_empty_containers(mut self) -> Self {
        self.wire.exclude_empty_containers = Some(false);
        self
    }

    /// Only what meets one of these expressions, such as `file.type=dicom`.
    #[must_use]
    pub fn include(mut self, rules: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wire.include_rules.get_or_insert_default().extend(rules.into_iter().map(Into::into));
        self
    }

    /// Nothing that meets one of these expressions.
    #[must_use]
    pub fn exclude(mut self, rules: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wire.exclude_rules.get_or_insert_default().extend(rules.into_iter().map(Into::into));
        self
    }
}

/// A copy to be made; awaiting it makes it. The copied files share their stored bytes with the originals.
#[must_use = "nothing is copied until this is awaited"]
#[derive(Debug)]
pub struct Copy<C> {
    client: Client,
    operation: OperationId,
    id: String,
    label_field: &'static str,
    body: Map<String, Value>,
    filter: CopyFilter,
    kind: PhantomData<fn() -> C>,
}

impl<C: Resource> Copy<C> {
    fn new(of: &C, operation: OperationId, label_field: &'static str, to: (&str, &str)) -> Self {
        Self {
            client: of.client().clone(),
            operation,
            id: of.id().to_owned(),
            label_field,
            body: Map::from_iter([(to.0.to_owned(), to.1.into())]),
            filter: CopyFilter::default(),
            kind: PhantomData,
        }
    }

    /// Another label for the copy.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.body.insert(self.label_field.to_owned(), label.into().into());
        self
    }

    /// What goes into it.
    pub fn filter(mut self, filter: CopyFilter) -> Self {
        self.filter = filter;
        self
    }

    /// The request, for options of this call.
    pub fn request(mut self) -> Request<'static, C> {
        self.body.insert("filter".to_owned(), json!(self.filter.wire));
        Call::new(self.operation).at(self.id).sending(self.body).thing(&self.client)
    }
}

impl<C: Resource> IntoFuture for Copy<C> {
    type Output = Result<C>;
    type IntoFuture = BoxFuture<'static, Result<C>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

impl Subject {
    /// A copy of it in another project, with everything below it.
    pub fn copy_to(&self, project: &Project) -> Copy<Self> {
        let to = ("dst_project_id", project.id());
        Copy::new(self, OperationId::SubjectCopy, "dst_subject_label", to)
    }
}

impl Session {
    /// A copy of it below another subject, with everything below it.
    pub fn copy_to(&self, subject: &Subject) -> Copy<Self> {
        let to = ("dst_subject_id", subject.id());
        Copy::new(self, OperationId::SessionCopy, "dst_session_label", to)
    }

    /// A copy of it in another project, below the subject of the same label there.
    pub fn copy_to_project(&self, project: &Project) -> Copy<Self> {
        let to = ("dst_project_id", project.id());
        Copy::new(self, OperationId::SessionCopy, "dst_session_label", to)
    }
}

impl Acquisition {
    /// A copy of it in another session, with its files.
    pub fn copy_to(&self, session: &Session) -> Copy<Self> {
        Copy::new(self, OperationId::AcquisitionCopy, "label", ("dst_session_id", session.id()))
    }
}

/// A copy of a whole project that the site is making.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProjectCopy {
    client: Client,
    source: String,
    /// What the site says of it: the new project, the task that fills it, and the snapshot it is filled from.
    pub started: ProjectCopyOutput,
}

impl ProjectCopy {
    /// The new project, as far as it is.
    pub fn project(&self) -> Request<'static, Project> {
        let id = self.started.project_id.clone().unwrap_or_default();
        self.client.projects().get(id)
    }

    /// How far it is, as the site writes it.
    pub fn status(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetProjectCopyStatus)
            .at(&self.source)
            .at(self.started.snapshot_id.clone().unwrap_or_default())
            .answer(&self.client)
    }
}

impl Project {
    /// Begins a copy of it in another group, under this label. The site fills it afterwards.
    pub fn copy_to(
        &self,
        group: &Group,
        label: impl Into<String>,
        filter: CopyFilter,
    ) -> Request<'static, ProjectCopy> {
        let body = json!({"group_id": group.id(), "project_label": label.into(), "filter": filter.wire});
        let (client, source) = (self.client().clone(), self.id().to_owned());
        Call::new(OperationId::ProjectCopy)
            .at(self.id())
            .sending(body)
            .answer(&client.clone())
            .map(move |started| Ok(ProjectCopy { client, source, started }))
    }

    /// The copies that were made of it, as the site writes them.
    pub fn copies(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetProjectCopies).at(self.id()).answer(self.client())
    }
}
