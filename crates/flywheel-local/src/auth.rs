//! Who is calling: a user or a device, known by a key, by device headers, or not at all.

use axum::http::HeaderMap;
use flywheel_core::key::secret_of_authorization;
use http::header::AUTHORIZATION;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::{self, Access, ActionSet},
    accounts::devices,
    error::{ApiError, ApiResult},
    jobs,
    state::AppState,
    store::{
        Doc, now,
        records::{self, AccountKind},
    },
};

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    id: String,
    kind: AccountKind,
    site_admin: bool,
    roles: Vec<String>,
    key: Option<JobKey>,
}

/// The limits of a caller who comes with the key of a running job.
#[derive(Debug, Clone, PartialEq, Eq)]
struct JobKey {
    job: String,
    read_only: bool,
    /// For the job of a gear rule: its project, and what the rule's role allows there.
    rule: Option<(String, ActionSet)>,
}

impl Caller {
    /// The user's login or the device's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether this is a device.
    pub(crate) fn is_device(&self) -> bool {
        self.kind == AccountKind::Device
    }

    /// Whether this is a site administrator.
    pub(crate) fn is_site_admin(&self) -> bool {
        self.site_admin
    }

    /// Whether this user may add and change gears.
    pub(crate) fn is_developer(&self) -> bool {
        self.site_admin || (!self.is_device() && self.roles.iter().any(|role| role == "developer"))
    }

    /// Whether permissions on containers are not asked for: site administrators and devices.
    pub(crate) fn is_superuser(&self) -> bool {
        self.site_admin || self.is_device()
    }

    /// The site roles, as documents write them.
    pub(crate) fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The `origin` of what this caller makes.
    pub(crate) fn origin(&self) -> Value {
        let kind = if self.rule_project().is_some() { "gear_rule" } else { self.kind.name() };
        json!({"type": kind, "id": self.id})
    }

    /// The caller that an account document describes.
    pub(crate) fn of_account(kind: AccountKind, doc: &Doc) -> Self {
        let id = doc.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let roles = doc.get("roles").and_then(Value::as_array).into_iter().flatten();
        let roles: Vec<String> = roles.filter_map(Value::as_str).map(str::to_owned).collect();
        let root = doc.get("root").and_then(Value::as_bool).unwrap_or(false);
        let site_admin = kind == AccountKind::User && (root || roles.iter().any(|role| role == "site_admin"));
        Self { id, kind, site_admin, roles, key: None }
    }

    /// Who the credentials themselves speak of: the job or the gear rule behind a job's key, otherwise the account.
    pub(crate) fn credentials(&self) -> Value {
        match &self.key {
            Some(JobKey { job, rule: None, .. }) => json!({"type": "job", "id": job}),
            _ => self.origin(),
        }
    }

    /// Whether the caller may change nothing.
    pub(crate) fn is_read_only(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.read_only)
    }

    /// The one project in which the job of a gear rule may do something, and what that is.
    pub(crate) fn rule_project(&self) -> Option<(&str, ActionSet)> {
        let (project, actions) = self.key.as_ref()?.rule.as_ref()?;
        Some((project, *actions))
    }
}

/// Finds out who is calling. `None` when the request carries no credentials at all.
///
/// # Errors
/// 401 for credentials that are not valid, 402 for those of a disabled or removed account, 400 for device headers that
/// are not complete.
pub(crate) async fn identify(state: &AppState, headers: &HeaderMap) -> ApiResult<Option<Caller>> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        let text = header.to_str().map_err(|_| invalid())?;
        let secret = secret_of_authorization(text).ok_or_else(invalid)?.to_owned();
        return by_key(state, secret).await.map(Some);
    }
    match headers.get("x-scitran-auth") {
        Some(secret) => by_device_headers(state, secret.as_bytes(), headers).await.map(Some),
        None => Ok(None),
    }
}

fn invalid() -> ApiError {
    ApiError::unauthorized("Invalid API key")
}

async fn by_key(state: &AppState, secret: String) -> ApiResult<Caller> {
    let (caller, stale) = state.store.read(move |db| caller_of_key(db, &secret)).await?;
    if let Some(key) = stale {
        let account = caller.clone();
        // A full disk does not shut anybody out.
        if let Err(error) = state.store.write(move |db| note_use(db, &key, &account)).await {
            tracing::warn!(%error, "the use of a key cannot be noted");
        }
    }
    Ok(caller)
}

/// The owner of a key, and the key's id when its use should be recorded.
fn caller_of_key(db: &Connection, secret: &str) -> ApiResult<(Caller, Option<String>)> {
    let Some(key) = records::key_of_secret(db, secret)? else {
        return Ok((caller_of_job(db, secret)?, None));
    };
    if key.expired() {
        return Err(ApiError::unauthorized("This API key has expired: make a new one"));
    }
    let account = records::account(db, key.account_kind, &key.account)?.ok_or_else(invalid)?;
    refuse_disabled(&account)?;
    let stale = key.use_is_stale().then_some(key.id);
    Ok((Caller::of_account(key.account_kind, &account), stale))
}

/// The caller that the key of a running job stands for: who asked for the job, or its gear rule.
fn caller_of_job(db: &Connection, secret: &str) -> ApiResult<Caller> {
    let (job, read_only) = jobs::store::of_key(db, secret)?.ok_or_else(invalid)?;
    let mut key = JobKey { job: job.id.clone(), read_only, rule: None };
    if let Some(rule) = job.doc.get("rule_id").and_then(Value::as_str) {
        let actions = match job.doc.get("role_id").and_then(Value::as_str) {
            Some(role) => access::actions_of_role(db, role)?,
            None => ActionSet::of_access(Access::Ro),
        };
        key.rule = Some((job.project().to_owned(), actions));
        let roles = vec!["user".to_owned()];
        return Ok(Caller {
            id: rule.to_owned(),
            kind: AccountKind::User,
            site_admin: false,
            roles,
            key: Some(key),
        });
    }
    let kind = if job.user().is_some() { AccountKind::User } else { AccountKind::Device };
    let account = records::account(db, kind, job.inner("origin", "id"))?.ok_or_else(invalid)?;
    refuse_disabled(&account)?;
    Ok(Caller { key: Some(key), ..Caller::of_account(kind, &account) })
}

fn refuse_disabled(account: &Doc) -> ApiResult<()> {
    let off = account.get("disabled").and_then(Value::as_bool).unwrap_or(false)
        || account.get("deleted").is_some_and(|time| !time.is_null());
    if off { Err(ApiError::disabled("This account is disabled: ask a site administrator")) } else { Ok(()) }
}

fn note_use(db: &Connection, key: &str, caller: &Caller) -> ApiResult<()> {
    records::used_key(db, key)?;
    let field = if caller.is_device() { "last_seen" } else { "lastlogin" };
    if let Some(mut account) = records::account(db, caller.kind, caller.id())? {
        account.insert(field.into(), now().into());
        records::put_account(db, caller.kind, &account)?;
    }
    Ok(())
}

/// A device that shows the site's device secret, its type and its name; the first time, it is registered.
async fn by_device_headers(state: &AppState, secret: &[u8], headers: &HeaderMap) -> ApiResult<Caller> {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let (Some(method), Some(name)) = (text("x-scitran-method"), text("x-scitran-name")) else {
        return Err(ApiError::bad_request("A device must send X-SciTran-Method and X-SciTran-Name"));
    };
    if !state.drone_secret.as_ref().is_some_and(|known| same(known.as_bytes(), secret)) {
        return Err(ApiError::unauthorized("Invalid device secret"));
    }
    let (method, name) = (method.to_owned(), name.to_owned());
    state.store.write(move |db| register_device(db, &method, &name)).await
}

/// Compares without telling by the time it takes where the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

fn register_device(db: &Connection, method: &str, name: &str) -> ApiResult<Caller> {
    let sql =
        "SELECT doc FROM accounts WHERE kind = 'device' AND doc ->> '$.type' = ? AND doc ->> '$.label' = ?";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((method, name))?;
    let mut device = match rows.next()? {
        Some(row) => crate::store::parse_doc(&row.get::<_, String>(0)?)?,
        None => devices::fresh(method, name),
    };
    refuse_disabled(&device)?;
    device.insert("last_seen".into(), now().into());
    records::put_account(db, AccountKind::Device, &device)?;
    Ok(Caller::of_account(AccountKind::Device, &device))
}
