//! Collections: curated selections across projects.

use flywheel_api::OperationId;
use serde_json::{Value, json};

use super::container;
use crate::{
    Acquisition, Client, Finder, Request, Session,
    call::Call,
    edit::{Access, Create, PermissionRoutes, Permissions, fields},
    resource::resource,
};

resource! {
    /// A selection of sessions and acquisitions across projects.
    Collection: CollectionOutput, cursor id
}

container!(Collection: unmarked_info notes files);

fields!(Collection {
    /// What is selected, and why.
    description: String,
});

impl Collection {
    /// The sessions that have something in it.
    pub fn sessions(&self) -> Finder<Session> {
        Finder::over(&self.client, OperationId::GetCollectionSessions, vec![self.id().to_owned()])
    }

    /// The acquisitions in it.
    pub fn acquisitions(&self) -> Finder<Acquisition> {
        Finder::over(&self.client, OperationId::GetCollectionAcquisitions, vec![self.id().to_owned()])
    }

    /// Adds all acquisitions of these sessions, given by id.
    pub fn add_sessions<T: AsRef<str>>(&self, ids: impl IntoIterator<Item = T>) -> Request<'static, ()> {
        self.change("add", "session", ids)
    }

    /// Adds acquisitions, given by id.
    pub fn add_acquisitions<T: AsRef<str>>(&self, ids: impl IntoIterator<Item = T>) -> Request<'static, ()> {
        self.change("add", "acquisition", ids)
    }

    /// Takes all acquisitions of these sessions out of it.
    pub fn remove_sessions<T: AsRef<str>>(&self, ids: impl IntoIterator<Item = T>) -> Request<'static, ()> {
        self.change("remove", "session", ids)
    }

    /// Takes acquisitions out of it.
    pub fn remove_acquisitions<T: AsRef<str>>(
        &self,
        ids: impl IntoIterator<Item = T>,
    ) -> Request<'static, ()> {
        self.change("remove", "acquisition", ids)
    }

    fn change<T: AsRef<str>>(
        &self,
        operation: &str,
        level: &str,
        ids: impl IntoIterator<Item = T>,
    ) -> Request<'static, ()> {
        let nodes: Vec<Value> =
            ids.into_iter().map(|id| json!({"level": level, "_id": id.as_ref()})).collect();
        let body = json!({"contents": {"operation": operation, "nodes": nodes}});
        let call = Call::new(OperationId::ModifyCollection).at(self.id()).body(body);
        Request::new(&self.client, move |raw| async move {
            if nodes.is_empty() {
                return Ok(());
            }
            call?.send_only(&raw).await
        })
    }

    /// Who may do what with it, to be changed.
    pub fn permissions(&mut self) -> Permissions<'_, Self, Access> {
        let routes = PermissionRoutes {
            add: OperationId::AddCollectionPermission,
            modify: OperationId::ModifyCollectionUserPermission,
            delete: OperationId::DeleteCollectionUserPermission,
            field: "access",
        };
        Permissions::new(self, routes)
    }
}

impl Client {
    /// A new, empty collection of the caller.
    pub fn add_collection(&self, label: impl Into<String>) -> Create<Collection> {
        let label: String = label.into();
        Create::new(self, OperationId::AddCollection, self.collections().labelled(&label)).set("label", label)
    }
}
