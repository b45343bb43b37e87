//! Who may run a gear: the permissions of its series, which all its versions share.

use flywheel_api::{
    OperationId,
    types::{GearPermissions, GearSeries},
};
use serde_json::json;

use super::Gear;
use crate::{Client, Request, call::Call};

/// Whom a restricted gear is open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// Users, by their ids.
    Users,
    /// Projects, by their ids.
    Projects,
}

impl Permitted {
    fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Projects => "projects",
        }
    }
}

/// The permissions of a gear's series. For site administrators.
///
/// ```no_run
/// # async fn run(gear: flywheel::Gear) -> flywheel::Result<()> {
/// use flywheel::gear::Permitted;
///
/// gear.access().restrict(true).await?;
/// gear.access().add(Permitted::Users, "jo@example.org").await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct GearAccess {
    client: Client,
    name: String,
}

impl Gear {
    /// Who may run it, to be read or changed.
    pub fn access(&self) -> GearAccess {
        GearAccess { client: self.client.clone(), name: self.name().to_owned() }
    }
}

impl GearAccess {
    /// As it is.
    pub fn series(&self) -> Request<'static, GearSeries> {
        self.call(OperationId::GetGearSeries).answer(&self.client)
    }

    /// Whether only those listed may run it, or everybody.
    pub fn restrict(&self, yes: bool) -> Request<'static, GearSeries> {
        self.call(OperationId::ModifyGearSeries).sending(json!({"is_restricted": yes})).answer(&self.client)
    }

    /// Opens it to one more user or project.
    pub fn add(&self, permitted: Permitted, id: impl Into<String>) -> Request<'static, GearSeries> {
        let body = json!({"id": id.into()});
        self.call(OperationId::AddGearPermission).at(permitted.name()).sending(body).answer(&self.client)
    }

    /// Opens it to these users and projects alone.
    pub fn replace(&self, permissions: GearPermissions) -> Request<'static, GearSeries> {
        self.call(OperationId::ReplaceGearPermissions).sending(permissions).answer(&self.client)
    }

    /// Closes it to a user or project.
    pub fn remove(&self, permitted: Permitted, id: impl Into<String>) -> Request<'static, ()> {
        self.call(OperationId::DeleteGearPermission).at(permitted.name()).at(id).done(&self.client)
    }

    /// Takes all permissions away; the gear is then open to everybody.
    pub fn clear(&self) -> Request<'static, ()> {
        self.call(OperationId::DeleteGearPermissions).done(&self.client)
    }

    fn call(&self, operation: OperationId) -> Call {
        Call::new(operation).at(&self.name)
    }
}
