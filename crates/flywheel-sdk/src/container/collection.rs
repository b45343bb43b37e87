//! Collections: curated selections across projects.

use flywheel_api::OperationId;

use super::container;
use crate::{
    Acquisition, Finder, Session,
    edit::{Access, PermissionRoutes, Permissions, fields},
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

    /// Who may do what with it, to be changed.
    pub fn permissions(&mut self) -> Permissions<'_, Self, Access> {
        let routes = PermissionRoutes {
            get: OperationId::GetCollectionUserPermission,
            add: OperationId::AddCollectionPermission,
            modify: OperationId::ModifyCollectionUserPermission,
            delete: OperationId::DeleteCollectionUserPermission,
            field: "access",
        };
        Permissions::new(self, routes)
    }
}
