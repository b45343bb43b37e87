//! Many containers in one call: sessions moved, containers and files deleted.

use std::future::IntoFuture;

use flywheel_api::{
    OperationId,
    types::{ConflictTypes, ContainerDeleteReason, DeletedResult, MoveConflict},
};
use futures::future::BoxFuture;
use serde_json::json;

use crate::{Client, ContainerRef, Error, ErrorKind, Kind, Request, Result, call::Call, resource};

/// What happens to sessions whose label stands at the destination already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflicts {
    /// They stay where they are.
    #[default]
    Skip,
    /// They are merged into what is there.
    Merge,
    /// Nothing at all is moved; the conflicts are only told.
    Report,
}

/// Moves many sessions; sent when awaited. The answer tells the conflicts.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client, project: flywheel::Project, to: flywheel::Project) -> flywheel::Result<()> {
/// use flywheel::hierarchy::Conflicts;
///
/// let sessions = project.sessions().filter("label=~^pilot").await?;
/// let ids: Vec<&str> = sessions.iter().map(|session| session.id()).collect();
/// for conflict in fw.move_sessions(ids, [to.reference()]).conflicts(Conflicts::Report).await? {
///     println!("{:?} is there already", conflict.label);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is moved until this is awaited"]
#[derive(Debug)]
pub struct MoveSessions {
    client: Client,
    sessions: Vec<String>,
    destinations: Vec<ContainerRef>,
    conflicts: Conflicts,
    remove_source: bool,
}

impl MoveSessions {
    /// What happens to sessions whose label stands there already; they stay when nothing is said.
    pub fn conflicts(mut self, conflicts: Conflicts) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// Whether parents that are empty afterwards are deleted.
    pub fn remove_empty(mut self, yes: bool) -> Self {
        self.remove_source = yes;
        self
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'static, Vec<MoveConflict>> {
        let kind = match self.destinations.first() {
            Some(first) if self.destinations.iter().all(|one| one.kind == first.kind) => first.kind,
            _ => return self.refused("all destinations are of one kind, and there is at least one"),
        };
        if !matches!(kind, Kind::Project | Kind::Subject | Kind::Session) {
            return self.refused("sessions are moved to projects, to subjects, or into sessions");
        }
        let mode = match self.conflicts {
            Conflicts::Skip => ConflictTypes::Skip,
            Conflicts::Merge => ConflictTypes::Move,
            Conflicts::Report => ConflictTypes::Dry,
        };
        let destinations: Vec<_> = self.destinations.iter().map(|one| &one.id).collect();
        let body = json!({
            "destination_container_type": kind.plural(),
            "sources": self.sessions,
            "destinations": destinations,
            "conflict_mode": mode,
            "remove_source": self.remove_source,
        });
        Call::new(OperationId::BulkMoveSessions).sending(body).rows(&self.client)
    }

    fn refused<T: Send + 'static>(&self, why: &str) -> Request<'static, T> {
        let error = Error::new(ErrorKind::Invalid, why).with_operation("bulk_move_sessions");
        Request::failed(&self.client, error)
    }
}

impl IntoFuture for MoveSessions {
    type Output = Result<Vec<MoveConflict>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

impl Client {
    /// Moves many sessions, given by id: to one destination, or each to the one at the same place.
    pub fn move_sessions<T: Into<String>>(
        &self,
        sessions: impl IntoIterator<Item = T>,
        destinations: impl IntoIterator<Item = ContainerRef>,
    ) -> MoveSessions {
        MoveSessions {
            client: self.clone(),
            sessions: sessions.into_iter().map(Into::into).collect(),
            destinations: destinations.into_iter().collect(),
            conflicts: Conflicts::default(),
            remove_source: false,
        }
    }

    /// Deletes many containers or files of one kind, by their ids, with everything below them; gives how many went.
    pub fn delete_many<T: Into<String>>(
        &self,
        kind: Kind,
        ids: impl IntoIterator<Item = T>,
        reason: Option<ContainerDeleteReason>,
    ) -> Request<'static, u64> {
        let operation = match kind {
            Kind::Group => OperationId::DeleteGroupsByIds,
            Kind::Project => OperationId::DeleteProjectsByIds,
            Kind::Subject => OperationId::DeleteSubjectsByIds,
            Kind::Session => OperationId::DeleteSessionsByIds,
            Kind::Acquisition => OperationId::DeleteAcquisitionsByIds,
            Kind::Analysis => OperationId::DeleteAnalysesByIds,
            Kind::Collection => OperationId::DeleteCollectionsByIds,
            Kind::File => OperationId::DeleteFilesByIds,
            _ => return Request::failed(self, resource::unsupported(kind, "delete several of")),
        };
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        if ids.is_empty() {
            return Request::new(self, |_| std::future::ready(Ok(0)));
        }
        let call = Call::new(operation).sending(ids).query_opt("delete_reason", reason);
        let gone: Request<'static, DeletedResult> = call.answer(self);
        gone.map(|gone| Ok(gone.deleted.and_then(|count| u64::try_from(count).ok()).unwrap_or_default()))
    }
}
