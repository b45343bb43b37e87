//! Groups: labs and departments, the top of the hierarchy.

use flywheel_api::OperationId;

use super::container;
use crate::{
    Client, Finder, Project,
    edit::{Access, Create, PermissionRoutes, Permissions, Roles},
    resource::resource,
};

resource! {
    /// A lab or department. Its id is a name that people choose, such as `neuro`.
    Group: GroupOutput, cursor id
}

container!(Group:);

impl Group {
    /// Its projects.
    pub fn projects(&self) -> Finder<Project> {
        Finder::over(&self.client, OperationId::GetGroupProjects, vec![self.id().to_owned()])
    }

    /// A new project in it, with the permissions of the group's template.
    pub fn add_project(&self, label: impl Into<String>) -> Create<Project> {
        let label: String = label.into();
        Create::new(&self.client, OperationId::AddProject, self.projects().labelled(&label))
            .inherit_permissions(true)
            .set("group", self.id())
            .set("label", label)
    }

    /// Who may do what in the group itself, to be changed.
    pub fn permissions(&mut self) -> Permissions<'_, Self, Access> {
        let routes = PermissionRoutes {
            get: OperationId::GetGroupUserPermission,
            add: OperationId::AddGroupPermission,
            modify: OperationId::ModifyGroupUserPermission,
            delete: OperationId::DeleteGroupUserPermission,
            field: "access",
        };
        Permissions::new(self, routes)
    }

    /// The permissions that new projects of the group start from, to be changed. Projects that are there keep theirs.
    pub fn permission_template(&mut self) -> Permissions<'_, Self, Roles> {
        let routes = PermissionRoutes {
            get: OperationId::GetGroupUserPermissionTemplate,
            add: OperationId::AddGroupPermissionTemplate,
            modify: OperationId::ModifyGroupUserPermissionTemplate,
            delete: OperationId::DeleteGroupUserPermissionTemplate,
            field: "role_ids",
        };
        Permissions::new(self, routes)
    }
}

impl Client {
    /// A new group. The id is 2 to 32 lower-case letters, digits and `.@_-`, with a letter or digit at either end.
    pub fn add_group(&self, id: impl Into<String>, label: impl Into<String>) -> Create<Group> {
        let (id, label): (String, String) = (id.into(), label.into());
        let same = self.groups().filter(flywheel_core::filter::field("_id").eq(&id));
        Create::new(self, OperationId::AddGroup, same).set("_id", id).set("label", label)
    }
}
