//! Who may do what: permissions of groups, projects and collections, and the template that new projects start from.

use std::marker::PhantomData;

use flywheel_api::{OperationId, types::AccessLevel};
use serde_json::{Map, Value};

use crate::{Request, Resource, call::Call, resource};

/// Permissions of a container: each is a user and a grant, which is an access level on groups and collections and a list
/// of role ids on projects and templates. Each change reads the container again.
///
/// ```no_run
/// # async fn run(mut project: flywheel::Project, mut group: flywheel::Group) -> flywheel::Result<()> {
/// project.permissions().add("jo@example.org", ["5eb0bf2e0a1b2c3d4e5f6071"]).await?;
/// group.permissions().set("jo@example.org", "rw").await?;
/// group.permission_template().remove("jo@example.org").await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Debug)]
pub struct Permissions<'a, C, G> {
    target: &'a mut C,
    routes: PermissionRoutes,
    grant: PhantomData<fn(G)>,
}

/// The operations behind [`Permissions`], and the field that holds the grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PermissionRoutes {
    pub(crate) add: OperationId,
    pub(crate) modify: OperationId,
    pub(crate) delete: OperationId,
    pub(crate) field: &'static str,
}

/// An access level: `ro`, `rw` or `admin`.
#[derive(Debug)]
pub enum Access {}

/// Ids of roles.
#[derive(Debug)]
pub enum Roles {}

impl<'a, C: Resource, G> Permissions<'a, C, G> {
    pub(crate) fn new(target: &'a mut C, routes: PermissionRoutes) -> Self {
        Self { target, routes, grant: PhantomData }
    }

    /// Withdraws the permission of a user.
    pub fn remove(self, user: impl Into<String>) -> Request<'a, ()> {
        let call = Call::new(self.routes.delete).at(self.target.id()).at(user);
        self.send(Ok(call))
    }

    fn granted(self, user: String, grant: Value, new: bool) -> Request<'a, ()> {
        let mut body = Map::new();
        let call = Call::new(if new { self.routes.add } else { self.routes.modify }).at(self.target.id());
        let call = if new {
            body.insert("_id".to_owned(), user.into());
            call
        } else {
            call.at(user)
        };
        body.insert(self.routes.field.to_owned(), grant);
        self.send(call.body(body))
    }

    fn send(self, call: crate::Result<Call>) -> Request<'a, ()> {
        let target = self.target;
        let client = target.client().clone();
        Request::new(&client, move |raw| async move {
            call?.send_only(&raw).await?;
            let Some(get) = C::KIND.routes().get else { return Err(resource::unsupported(C::KIND, "read")) };
            *target.model_mut() = Call::new(get).at(target.id()).send(&raw).await?;
            Ok(())
        })
    }
}

impl<'a, C: Resource> Permissions<'a, C, Access> {
    /// Gives a user a first permission: `ro`, `rw` or `admin`.
    pub fn add(self, user: impl Into<String>, access: impl Into<AccessLevel>) -> Request<'a, ()> {
        self.granted(user.into(), access.into().as_str().into(), true)
    }

    /// Gives a user another permission: `ro`, `rw` or `admin`.
    pub fn set(self, user: impl Into<String>, access: impl Into<AccessLevel>) -> Request<'a, ()> {
        self.granted(user.into(), access.into().as_str().into(), false)
    }
}

impl<'a, C: Resource> Permissions<'a, C, Roles> {
    /// Gives a user first roles, by their ids.
    pub fn add<T: Into<String>>(
        self,
        user: impl Into<String>,
        roles: impl IntoIterator<Item = T>,
    ) -> Request<'a, ()> {
        self.granted(user.into(), ids(roles), true)
    }

    /// Gives a user other roles, by their ids.
    pub fn set<T: Into<String>>(
        self,
        user: impl Into<String>,
        roles: impl IntoIterator<Item = T>,
    ) -> Request<'a, ()> {
        self.granted(user.into(), ids(roles), false)
    }
}

fn ids<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> Value {
    roles.into_iter().map(Into::into).map(Value::String).collect()
}
