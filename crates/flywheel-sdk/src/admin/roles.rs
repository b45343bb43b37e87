//! Roles: named sets of actions, to be given to users in projects.

use flywheel_api::OperationId;
use serde_json::{Value, json};

use crate::{
    Client, Group, Request, Resource,
    call::Call,
    edit::{Delete, Update},
    resource::resource,
};

resource! {
    /// A named set of permissions, to be given to users in projects.
    Role: RoleOutput, cursor id
}

impl Update<'_, Role> {
    /// Another label.
    pub fn label(self, label: impl Into<String>) -> Self {
        let label: String = label.into();
        self.set("label", label)
    }

    /// What users with the role may do, such as `files_download`.
    pub fn actions<T: Into<String>>(self, actions: impl IntoIterator<Item = T>) -> Self {
        self.set("actions", owned(actions))
    }
}

impl Role {
    /// Its label; empty when it has none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or_default()
    }

    /// Another label or other actions. For site administrators.
    pub fn update(&mut self) -> Update<'_, Self> {
        Update::new(self)
    }

    /// Deletes it. For site administrators.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }
}

impl Client {
    /// A new role that allows these actions. For site administrators.
    pub fn add_role<T: Into<String>>(
        &self,
        label: impl Into<String>,
        actions: impl IntoIterator<Item = T>,
    ) -> Request<'static, Role> {
        let body = json!({"label": label.into(), "actions": owned(actions)});
        Call::new(OperationId::AddRole).sending(body).thing(self)
    }

    /// The actions that roles can allow, as the site writes them.
    pub fn role_actions(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetRoleActions).answer(self)
    }

    /// What the caller may do on the whole site, as the site writes it.
    pub fn my_permissions(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetOwnPermissions).answer(self)
    }
}

impl Group {
    /// The roles that can be given in projects of the group.
    pub fn roles(&self) -> Request<'static, Vec<Role>> {
        let client = self.client().clone();
        let call = Call::new(OperationId::GetAllGroupRoles).at(self.id());
        call.rows(self.client()).map(move |models| {
            let role = |model| crate::resource::sealed::Parts::from_parts(client.clone(), model);
            Ok(models.into_iter().map(role).collect())
        })
    }

    /// Lets a role be given in projects of the group, by its id.
    pub fn add_role(&self, id: impl Into<String>) -> Request<'static, Role> {
        let body = json!({"_id": id.into()});
        Call::new(OperationId::AddRoleToGroup).at(self.id()).sending(body).thing(self.client())
    }

    /// Lets a role no longer be given in projects of the group, by its id.
    pub fn remove_role(&self, id: impl Into<String>) -> Request<'static, ()> {
        Call::new(OperationId::RemoveRoleFromGroup).at(self.id()).at(id).done(self.client())
    }
}

fn owned<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(Into::into).collect()
}
