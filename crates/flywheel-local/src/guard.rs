//! The way of a handler to containers: what the route needs is checked before a container is handed out.
//!
//! ```text
//! async fn get(guard: Guard, State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Json<Value>> {
//!     state.store.read(move |db| {
//!         let container = guard.container(db, &id)?;   // 404 unknown, 403 not allowed
//!         …
//!     }).await
//! }
//! ```

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use flywheel_core::id::ObjectId;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    access::{self, Action, Need},
    access_log::Witness,
    auth::{self, Caller},
    author,
    error::{ApiError, ApiResult, Detail},
    kind::Kind,
    state::AppState,
    store::{
        containers::{self, Container},
        files::{self, FileRow},
    },
};

/// What the router says about a route; every route carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What the call needs.
    pub(crate) need: Need,
    /// The kind of container that the path speaks of; `None` where it may be any (`/containers/{id}`) or there is none.
    pub(crate) kind: Option<Kind>,
    /// The kind of what is listed inside of it.
    pub(crate) child: Option<Kind>,
}

/// The caller together with what the route needs. As the first argument of a handler it refuses callers who may not
/// come here at all, before the body is read.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// Who is calling.
    pub(crate) caller: Caller,
    rule: Rule,
}

impl Guard {
    /// The kind of container that the route is about.
    ///
    /// # Errors
    /// 500 on routes that name no kind: a fault of the router's table.
    pub(crate) fn kind(&self) -> ApiResult<Kind> {
        self.rule.kind.ok_or_else(|| ApiError::internal("this route names no kind"))
    }

    /// The kind of what the route lists inside a container.
    ///
    /// # Errors
    /// 500 on routes that list nothing: a fault of the router's table.
    pub(crate) fn child(&self) -> ApiResult<Kind> {
        self.rule.child.ok_or_else(|| ApiError::internal("this route names no kind to list"))
    }

    /// The same guard for a route about another kind of container.
    pub(crate) fn about(mut self, kind: Kind) -> Self {
        self.rule.kind = Some(kind);
        self
    }

    /// The live container with this id, of the kind that the route is about, on which the caller may do what the route
    /// needs.
    ///
    /// # Errors
    /// 422 for an ill-formed id, 404 when there is none, 403 when the caller may not.
    pub(crate) fn container(&self, db: &Connection, id: &str) -> ApiResult<Container> {
        let container = self.unchecked(db, id)?;
        self.check(db, &container)?;
        Ok(container)
    }

    /// As [`Guard::container`] for a container of another kind than the route's, such as the parent named in a body.
    ///
    /// # Errors
    /// As [`Guard::container`].
    pub(crate) fn container_of(&self, db: &Connection, kind: Kind, id: &str) -> ApiResult<Container> {
        well_formed(kind, id)?;
        let container = containers::get(db, kind, id)?;
        self.check(db, &container)?;
        Ok(container)
    }

    /// As [`Guard::container`], with another action than the route's.
    ///
    /// # Errors
    /// As [`Guard::container`].
    pub(crate) fn container_for(&self, db: &Connection, id: &str, action: Action) -> ApiResult<Container> {
        let container = self.unchecked(db, id)?;
        access::authorize(db, &self.caller, &container, action)?;
        Ok(container)
    }

    /// A file by its id (version 0 is the current one) and the container that holds it, on which the caller may do
    /// what the route needs.
    ///
    /// # Errors
    /// 422 for an ill-formed id, 404 when there is none, 403 when the caller may not.
    pub(crate) fn file(
        &self,
        db: &Connection,
        file_id: &str,
        version: i64,
    ) -> ApiResult<(FileRow, Container)> {
        require_object_id(file_id)?;
        let gone = || ApiError::not_found(format!("Could not find resource file:{file_id}"));
        let file = files::by_id(db, file_id, version)?.ok_or_else(gone)?;
        let container = containers::find(db, file.parent_id())?.ok_or_else(gone)?;
        self.check(db, &container)?;
        Ok((file, container))
    }

    fn unchecked(&self, db: &Connection, id: &str) -> ApiResult<Container> {
        match self.rule.kind {
            Some(kind) => {
                well_formed(kind, id)?;
                containers::get(db, kind, id)
            }
            None => containers::find(db, id)?
                .ok_or_else(|| ApiError::not_found(format!("Could not find resource container:{id}"))),
        }
    }

    fn check(&self, db: &Connection, container: &Container) -> ApiResult<()> {
        match self.rule.need {
            Need::On(action) => access::authorize(db, &self.caller, container, action),
            Need::Public
            | Need::Login
            | Need::SiteAdmin
            | Need::User
            | Need::Device
            | Need::Developer
            | Need::Engine => Ok(()),
        }
    }
}

/// 422 unless the id can be one of this kind; an impossible group id is a 404, since those are plain names.
fn well_formed(kind: Kind, id: &str) -> ApiResult<()> {
    if kind == Kind::Group { Ok(()) } else { require_object_id(id) }
}

/// 401 for a call that a ticket opens, too.
pub(crate) fn no_ticket() -> ApiError {
    ApiError::unauthorized("Log in first: this call needs an API key or a ticket")
}

/// 422 unless this is an object id.
pub(crate) fn require_object_id(id: &str) -> ApiResult<()> {
    if ObjectId::is_id(id) {
        return Ok(());
    }
    let message = format!("{id:?} is not an id: expected 24 hexadecimal digits");
    Err(ApiError::invalid(vec![Detail::new(&["path", "id"], "value_error", message, &Value::from(id))]))
}

impl FromRequestParts<AppState> for Guard {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> ApiResult<Self> {
        let rule = rule_of(parts)?;
        let caller = auth::identify(state, &parts.headers)
            .await?
            .ok_or_else(|| ApiError::unauthorized("Log in first: this call needs an API key"))?;
        witness(parts, &caller);
        admit(&caller, rule.need)?;
        refuse_writing(&caller, rule.need, parts)?;
        Ok(Self { caller, rule })
    }
}

/// Calls that work without a login as well take `Option<Guard>`.
impl OptionalFromRequestParts<AppState> for Guard {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> ApiResult<Option<Self>> {
        let rule = rule_of(parts)?;
        let Some(caller) = auth::identify(state, &parts.headers).await? else { return Ok(None) };
        witness(parts, &caller);
        admit(&caller, rule.need)?;
        refuse_writing(&caller, rule.need, parts)?;
        Ok(Some(Self { caller, rule }))
    }
}

fn rule_of(parts: &Parts) -> ApiResult<Rule> {
    parts.extensions.get::<Rule>().copied().ok_or_else(|| ApiError::internal("a route without a rule"))
}

/// Tells the change log who calls, and the access log on the routes that it watches.
fn witness(parts: &Parts, caller: &Caller) {
    author::is(caller);
    if let Some(witness) = parts.extensions.get::<Witness>() {
        witness.saw(caller);
    }
}

/// Calls that only read although they are no GET; what else containers have to do with, their actions decide.
const READING: [&str; 8] = [
    "/dataexplorer/search",
    "/search",
    "/resolve",
    "/lookup",
    "/download",
    "/views/data",
    "/tree",
    "/permissions/check",
];

/// 403 for a caller who may only read and whose call writes what belongs to no container.
fn refuse_writing(caller: &Caller, need: Need, parts: &Parts) -> ApiResult<()> {
    let path = parts.uri.path().trim_start_matches("/api");
    let reads = parts.method.is_safe() || READING.iter().any(|reading| path.starts_with(reading));
    if !caller.is_read_only() || reads || matches!(need, Need::On(_)) {
        return Ok(());
    }
    Err(ApiError::forbidden("This key may only read").with("reason", "permission_denied"))
}

fn admit(caller: &Caller, need: Need) -> ApiResult<()> {
    let refusal = match need {
        Need::SiteAdmin if !caller.is_site_admin() => "This call is for site administrators",
        Need::Engine if !caller.is_superuser() => "This call is for engines: devices and site administrators",
        Need::Developer if !caller.is_developer() => {
            "Gears are added and changed by developers and site administrators"
        }
        Need::Device if !caller.is_device() => "This call is for devices",
        Need::User if caller.is_device() => "This call is for users, not for devices",
        _ => return Ok(()),
    };
    Err(ApiError::forbidden(refusal).with("reason", "permission_denied"))
}
