//! Who may do what: permissions of groups, projects and collections, and the template that new projects start from.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # site.add_user("jo@example.org", false).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let mut group = fw.add_group("neuro", "Neuro Lab").await?;
//! # let mut project = group.add_project("Color Study").await?;
//! // Roles by their names or their ids.
//! project.permissions().add("jo@example.org", ["read-only"]).await?;
//! let given = project.permissions().get("jo@example.org").await?;
//! assert_eq!(given.role_ids.map(|roles| roles.len()), Some(1));
//!
//! group.permissions().add("jo@example.org", "ro").await?;
//! group.permission_template().add("jo@example.org", ["read-write"]).await?;
//! # Ok(())
//! # }
//! ```

use std::marker::PhantomData;

use flywheel_api::{
    Client as Raw, OperationId,
    types::{AccessLevel, AccessPermissionOutput, RolePermissionOutput},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Client, Error, ErrorKind, Finder, Request, Resource, Result, Role, call::Call, resource};

/// Permissions of a container: each is a user and a grant, which is an access level on groups and collections and a list
/// of roles on projects and templates. Each change reads the container again. See the [module](self).
#[must_use]
#[derive(Debug)]
pub struct Permissions<'a, C, G> {
    target: &'a mut C,
    routes: PermissionRoutes,
    propagate: bool,
    grant: PhantomData<fn(G)>,
}

/// The operations behind [`Permissions`], and the field that holds the grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PermissionRoutes {
    pub(crate) get: OperationId,
    pub(crate) add: OperationId,
    pub(crate) modify: OperationId,
    pub(crate) delete: OperationId,
    pub(crate) field: &'static str,
}

/// What a permission gives.
pub trait Grant: sealed::Sealed {
    /// The document of a permission.
    type Document: DeserializeOwned + Send + 'static;
}

mod sealed {
    pub trait Sealed {}
}

/// An access level: `ro`, `rw` or `admin`.
#[derive(Debug)]
pub enum Access {}

/// Roles.
#[derive(Debug)]
pub enum Roles {}

impl sealed::Sealed for Access {}
impl sealed::Sealed for Roles {}

impl Grant for Access {
    type Document = AccessPermissionOutput;
}

impl Grant for Roles {
    type Document = RolePermissionOutput;
}

impl<'a, C: Resource, G: Grant> Permissions<'a, C, G> {
    pub(crate) fn new(target: &'a mut C, routes: PermissionRoutes) -> Self {
        Self { target, routes, propagate: false, grant: PhantomData }
    }

    /// The permission of a user.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the user has none.
    pub fn get(self, user: impl Into<String>) -> Request<'static, G::Document> {
        Call::new(self.routes.get).at(self.target.id()).at(user).answer(self.target.client())
    }

    /// Withdraws the permission of a user.
    pub fn remove(self, user: impl Into<String>) -> Request<'a, ()> {
        let call = Call::new(self.routes.delete).at(self.target.id()).at(user);
        self.send(move |_| async move { Ok(call) })
    }

    /// The call that gives `user` a first grant, or another one.
    fn call(&self, user: String, new: bool) -> Granting {
        let call = Call::new(if new { self.routes.add } else { self.routes.modify }).at(self.target.id());
        let mut body = Map::new();
        let call = if new {
            body.insert("_id".to_owned(), user.into());
            call
        } else {
            call.at(user)
        };
        Granting { call, body, field: self.routes.field }
    }

    /// Sends what `make` makes, and reads the container again.
    fn send<Fut>(self, make: impl FnOnce(Raw) -> Fut + Send + 'a) -> Request<'a, ()>
    where
        Fut: Future<Output = Result<Call>> + Send + 'a,
    {
        let Self { target, propagate, .. } = self;
        let client = target.client().clone();
        Request::new(&client, move |raw| async move {
            let call = make(raw.clone()).await?;
            let call = if propagate { call.query("propagate", true) } else { call };
            call.send_only(&raw).await?;
            resource::read_again(target, &raw).await
        })
    }
}

/// A call that gives something, and lacks only what.
struct Granting {
    call: Call,
    body: Map<String, Value>,
    field: &'static str,
}

impl Granting {
    fn of(mut self, grant: Value) -> Call {
        self.body.insert(self.field.to_owned(), grant);
        self.call.sending(self.body)
    }
}

impl<'a, C: Resource> Permissions<'a, C, Access> {
    /// Gives a user a first permission: `ro`, `rw` or `admin`.
    pub fn add(self, user: impl Into<String>, access: impl Into<AccessLevel>) -> Request<'a, ()> {
        self.granted(user.into(), access.into(), true)
    }

    /// Gives a user another permission: `ro`, `rw` or `admin`.
    pub fn set(self, user: impl Into<String>, access: impl Into<AccessLevel>) -> Request<'a, ()> {
        self.granted(user.into(), access.into(), false)
    }

    fn granted(self, user: String, access: AccessLevel, new: bool) -> Request<'a, ()> {
        let call = self.call(user, new).of(access.as_str().into());
        self.send(move |_| async move { Ok(call) })
    }
}

impl<'a, C: Resource> Permissions<'a, C, Roles> {
    /// Changes the projects of the group as well, for a template; otherwise they keep what they have.
    pub fn propagate(mut self, yes: bool) -> Self {
        self.propagate = yes;
        self
    }

    /// Gives a user first roles, by their names or ids.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when there is no such role; the message lists those that there are.
    pub fn add<T: Into<String>>(
        self,
        user: impl Into<String>,
        roles: impl IntoIterator<Item = T>,
    ) -> Request<'a, ()> {
        self.granted(user.into(), owned(roles), true)
    }

    /// Gives a user other roles, by their names or ids.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set<T: Into<String>>(
        self,
        user: impl Into<String>,
        roles: impl IntoIterator<Item = T>,
    ) -> Request<'a, ()> {
        self.granted(user.into(), owned(roles), false)
    }

    fn granted(self, user: String, roles: Vec<String>, new: bool) -> Request<'a, ()> {
        let granting = self.call(user, new);
        self.send(move |raw| async move {
            let ids = role_ids(&Client::from(raw), roles).await?;
            Ok(granting.of(ids.into()))
        })
    }
}

fn owned<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> Vec<String> {
    roles.into_iter().map(Into::into).collect()
}

/// The ids of roles that are given by name or id; the site is asked only when a name is among them.
pub(crate) async fn role_ids(client: &Client, given: Vec<String>) -> Result<Vec<String>> {
    if given.iter().all(|role| role.parse::<flywheel_core::id::ObjectId>().is_ok()) {
        return Ok(given);
    }
    let known: Vec<Role> = Finder::all(client).await?;
    given.into_iter().map(|role| role_id(&known, &role)).collect()
}

fn role_id(known: &[Role], given: &str) -> Result<String> {
    let named = |same: fn(&str, &str) -> bool| {
        known.iter().find(|role| same(role.label(), given)).map(|role| role.id().to_owned())
    };
    let by_id = known.iter().find(|role| role.id() == given).map(|role| role.id().to_owned());
    by_id
        .or_else(|| named(|label, given| label == given))
        .or_else(|| named(|label, given| label.eq_ignore_ascii_case(given)))
        .ok_or_else(|| {
            let labels: Vec<&str> = known.iter().map(Role::label).collect();
            let message = format!("there is no role {given:?}; there are {}", labels.join(", "));
            Error::new(ErrorKind::Invalid, message)
        })
}
