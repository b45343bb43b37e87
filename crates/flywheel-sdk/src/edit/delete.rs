//! Away with it.

use std::{fmt, future::IntoFuture, marker::PhantomData};

use flywheel_api::types::ContainerDeleteReason;
use futures::future::BoxFuture;

use crate::{Client, Kind, Request, Resource, Result, call::Call, resource};

/// Deletes a container or a file, with everything below it; sent when awaited.
///
/// Sites with an audit trail want a reason:
///
/// ```no_run
/// # async fn run(session: flywheel::Session) -> flywheel::Result<()> {
/// use flywheel::DeleteReason;
///
/// session.delete().reason(DeleteReason::TestData).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is deleted until this is awaited"]
pub struct Delete<C> {
    client: Client,
    id: String,
    query: Vec<(&'static str, String)>,
    kind: PhantomData<fn() -> C>,
}

impl<C: Resource> Delete<C> {
    pub(crate) fn new(target: &C) -> Self {
        Self {
            client: target.client().clone(),
            id: target.id().to_owned(),
            query: Vec::new(),
            kind: PhantomData,
        }
    }

    pub(crate) fn parameter(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Why: a value of the platform's list, or its text.
    pub fn reason(self, reason: impl Into<ContainerDeleteReason>) -> Self {
        self.parameter("delete_reason", reason.into())
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'static, ()> {
        let Some(operation) = C::KIND.routes().delete else {
            return Request::failed(&self.client, resource::unsupported(C::KIND, "delete"));
        };
        let call = Call::new(operation).at(&self.id);
        let call = self.query.into_iter().fold(call, |call, (name, value)| call.query(name, value));
        Request::new(&self.client, move |raw| async move { call.send_only(&raw).await })
    }
}

impl<C: Resource> IntoFuture for Delete<C> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

impl<C: Resource> fmt::Debug for Delete<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind: Kind = C::KIND;
        f.debug_struct("Delete").field("kind", &kind).field("id", &self.id).finish_non_exhaustive()
    }
}
