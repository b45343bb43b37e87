//! Users, their keys, and the caller.

use chrono::{DateTime, Utc};
use flywheel_api::{
    OperationId,
    types::{ApiKeyOutput, AuthSessionOutput, CurrentUserOutput},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    Acquisition, Client, Collection, Finder, Group, Project, Request, Session,
    call::Call,
    edit::{Create, Delete, Update, fields},
    resource::resource,
};

resource! {
    /// A person with an account. Its id is what they log in with.
    User: User, cursor id
}

fields!(User {
    /// First name.
    firstname: String,
    /// Last name.
    lastname: String,
    /// E-mail address.
    email: String,
    /// Whether the account is switched off.
    disabled: bool,
    /// Roles on the whole site: `site_admin`, `user`, `developer`, …
    roles: Vec<String>,
});

impl Update<'_, User> {
    /// Whether the user loses all permissions with the account: in groups, projects and collections. Only together with
    /// [`disabled`](Self::disabled).
    pub fn clear_permissions(self, yes: bool) -> Self {
        self.parameter("clear_permissions", yes)
    }
}

impl User {
    /// First and last name, or the id where there is none.
    pub fn name(&self) -> String {
        let names: Vec<&str> =
            [&self.firstname, &self.lastname].into_iter().filter_map(|name| name.as_deref()).collect();
        if names.is_empty() { self.id().to_owned() } else { names.join(" ") }
    }

    /// Other values for some fields. For site administrators.
    pub fn update(&mut self) -> Update<'_, Self> {
        Update::new(self)
    }

    /// Deletes the account. For site administrators.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }

    /// The groups the user has a permission in.
    pub fn groups(&self) -> Finder<Group> {
        Finder::over(&self.client, OperationId::GetUserGroups, vec![self.id().to_owned()])
    }

    /// The projects the user has a role in.
    pub fn projects(&self) -> Finder<Project> {
        Finder::over(&self.client, OperationId::GetUserProjects, vec![self.id().to_owned()])
    }

    /// The sessions of the projects the user has a role in.
    pub fn sessions(&self) -> Finder<Session> {
        Finder::over(&self.client, OperationId::GetUserSessions, vec![self.id().to_owned()])
    }

    /// The acquisitions of the projects the user has a role in.
    pub fn acquisitions(&self) -> Finder<Acquisition> {
        Finder::over(&self.client, OperationId::GetUserAcquisitions, vec![self.id().to_owned()])
    }

    /// The collections the user has a permission in.
    pub fn collections(&self) -> Finder<Collection> {
        Finder::over(&self.client, OperationId::GetUserCollections, vec![self.id().to_owned()])
    }
}

impl Client {
    /// Who the key belongs to.
    pub fn me(&self) -> Request<'static, CurrentUserOutput> {
        Request::new(self, |raw| async move { Call::new(OperationId::GetCurrentUser).send(&raw).await })
    }

    /// What the site makes of the key: whose it is, and whether it is an administrator's or a device's.
    pub fn auth_status(&self) -> Request<'static, AuthSessionOutput> {
        Request::new(self, |raw| async move { Call::new(OperationId::GetAuthStatus).send(&raw).await })
    }

    /// A new key of the caller; its secret is in the answer, and nowhere else ever again.
    pub fn add_key(
        &self,
        label: impl Into<String>,
        expires: Option<DateTime<Utc>>,
    ) -> Request<'static, ApiKeyOutput> {
        let mut body = Map::from_iter([("label".to_owned(), Value::from(label.into()))]);
        if let Some(expires) = expires {
            body.insert("expires_at".to_owned(), json!(expires));
        }
        Call::new(OperationId::GenerateUserKey).sending(body).answer(self)
    }

    /// Withdraws a key of the caller, by its id.
    pub fn delete_key(&self, id: impl Into<String>) -> Request<'static, ()> {
        Call::new(OperationId::DeleteUserKey).at(id).done(self)
    }

    /// The caller's own free metadata.
    pub fn my_info(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetCurrentUserInfo).answer(self)
    }

    /// Merges into the caller's own free metadata.
    pub fn update_my_info(&self, info: impl Serialize) -> Request<'static, ()> {
        #[derive(Serialize)]
        struct Set<T> {
            set: T,
        }
        Call::new(OperationId::ModifyCurrentUserInfo).sending(Set { set: info }).done(self)
    }

    /// A new account, whose id is the address that its owner logs in with. A site wants a first and a last name as well:
    /// `fw.add_user("jo@example.org").firstname("Jo").lastname("Doe")`. For site administrators.
    pub fn add_user(&self, id: impl Into<String>) -> Create<User> {
        let id: String = id.into();
        let same = self.users().filter(flywheel_core::filter::field("_id").eq(&id));
        Create::new(self, OperationId::AddUser, same).set("email", &id).set("_id", id)
    }
}
