//! Users, roles and the caller: who works on the site, and what they may do.

use flywheel_api::{
    OperationId,
    types::{AuthSessionOutput, CurrentUserOutput},
};

use crate::{
    Client, Request,
    call::Call,
    edit::{Create, Delete, Update, fields},
    resource::resource,
};

resource! {
    /// A person with an account. Its id is what they log in with.
    User: User, cursor id
}

resource! {
    /// A named set of permissions, to be given to users in projects.
    Role: RoleOutput, cursor id
}

fields!(User {
    /// First name.
    firstname: String,
    /// Last name.
    lastname: String,
    /// E-mail address.
    email: String,
});

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
}

impl Role {
    /// Its label; empty when it has none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or_default()
    }

    /// Deletes it. For site administrators.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
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

    /// A new account. For site administrators.
    pub fn add_user(&self, id: impl Into<String>) -> Create<User> {
        let id: String = id.into();
        let same = self.users().filter(flywheel_core::filter::field("_id").eq(&id));
        Create::new(self, OperationId::AddUser, same).set("email", &id).set("_id", id)
    }
}
