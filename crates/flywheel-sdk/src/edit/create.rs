//! New containers.

use std::future::IntoFuture;

use flywheel_api::OperationId;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};

use super::update::{put, unserializable};
use crate::{Client, Error, Finder, Request, Resource, Result, call::Call, resource};

/// Makes a container with the fields it is given and gives it back as the site then has it; sent when awaited.
///
/// ```no_run
/// # async fn run(project: flywheel::Project) -> flywheel::Result<()> {
/// let subject = project.add_subject("sub-01").sex("female").set("cohort", "Control").await?;
/// let again = project.add_subject("sub-01").or_existing().await?;
/// assert_eq!(subject.id(), again.id());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is made until this is awaited"]
#[derive(Debug)]
pub struct Create<C> {
    client: Client,
    operation: OperationId,
    path: Vec<String>,
    query: Vec<(String, String)>,
    fields: Result<Map<String, Value>, String>,
    same: Finder<C>,
    existing: bool,
}

impl<C: Resource> Create<C> {
    /// A new thing by this operation; `same` finds the one that is there already.
    pub(crate) fn new(client: &Client, operation: OperationId, same: Finder<C>) -> Self {
        Self {
            client: client.clone(),
            operation,
            path: Vec::new(),
            query: Vec::new(),
            fields: Ok(Map::new()),
            same,
            existing: false,
        }
    }

    pub(crate) fn at(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    pub(crate) fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Gives a field a value, by the field's name in the API.
    pub fn set(mut self, field: impl Into<String>, value: impl Serialize) -> Self {
        put(&mut self.fields, field.into(), value);
        self
    }

    /// Fails with this when awaited.
    pub(super) fn refuse(mut self, error: Error) -> Self {
        self.fields = Err(error.to_string());
        self
    }

    /// When one with this label (or id, where people choose it) is there already, gives back that one and changes nothing.
    pub fn or_existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'static, C> {
        let client = self.client.clone();
        Request::new(&client, move |raw| self.run(raw)).map(|(container, _)| Ok(container))
    }

    /// Makes it, and says whether it was there already.
    pub(crate) async fn outcome(self) -> Result<(C, bool)> {
        let raw = self.client.raw().clone();
        self.run(raw).await
    }

    async fn run(self, raw: flywheel_api::Client) -> Result<(C, bool)> {
        let fields = self.fields.map_err(unserializable)?;
        let same = self.existing.then(|| self.same.through(&Client::from(raw.clone())));
        let there = |found: C| C::from_parts(self.client.clone(), found.into_model());
        if let Some(same) = &same
            && let Some(existing) = same.find_first().await?
        {
            return Ok((there(existing), true));
        }
        let mut call = Call::new(self.operation);
        call = self.path.into_iter().fold(call, Call::at);
        call = self.query.into_iter().fold(call, |call, (name, value)| call.query(name, value));
        let id = match (call.body(&fields)?.make(&raw).await, same) {
            // Somebody else made it between the look and the call.
            (Err(error), Some(same)) if error.is_conflict() => {
                return Ok((there(same.find_first().await?.ok_or(error)?), true));
            }
            (outcome, _) => outcome?,
        };
        let Some(get) = C::KIND.routes().get else { return Err(resource::unsupported(C::KIND, "read")) };
        Ok((C::from_parts(self.client, Call::new(get).at(id).send(&raw).await?), false))
    }
}

impl<C: Resource> IntoFuture for Create<C> {
    type Output = Result<C>;
    type IntoFuture = BoxFuture<'static, Result<C>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}
