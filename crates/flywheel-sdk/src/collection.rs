//! Curating collections: making them, filling them, taking things out of them again.
//!
//! A [`Collection`] is a selection of acquisitions, from whatever projects. What is added above them (a session, a subject,
//! a project) stands for the acquisitions that are below it at that moment; those that come later do not follow by
//! themselves.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # for n in 1..=3 {
//! #     let session = project.add_subject(format!("sub-0{n}")).await?.add_session("baseline").await?;
//! #     session.add_acquisition("T1w").await?;
//! #     session.add_acquisition("bold").await?;
//! # }
//! let collection = fw.add_collection("Anatomy").description("For the atlas").await?;
//!
//! // Whatever a finder finds, however much it is.
//! let structural = project.acquisitions().filter("label=T1w").iter();
//! assert_eq!(collection.add_from(structural).await?, 3);
//!
//! // By value or by id.
//! let session = project.sessions().find_first().await?.ok_or("no session")?;
//! collection.add_sessions([&session]).await?;
//! assert_eq!(collection.acquisitions().count().await?, 4);
//! collection.remove_sessions([session.id()]).await?;
//! assert_eq!(collection.sessions().count().await?, 2);
//! # Ok(())
//! # }
//! ```

use flywheel_api::{Client as Raw, OperationId, models::Listing, types::Curator};
use futures::{Stream, StreamExt, TryStreamExt};
use serde_json::json;

use crate::{
    Acquisition, Client, Collection, Error, ErrorKind, Finder, Kind, Project, Request, Resource, Result,
    Session, Subject, call::Call, edit::Create,
};

/// How many containers are named in one call.
const BATCH: usize = 500;

/// What can be put into a collection. Implemented by the containers of the hierarchy.
pub trait Collectable: Resource {}

/// Says which container is meant: the container itself, or its id.
pub trait Identifies<C> {
    /// The id that is meant.
    fn identified(&self) -> &str;
}

macro_rules! identified_by_text {
    ($($text:ty)*) => {$(
        impl<C> Identifies<C> for $text {
            fn identified(&self) -> &str {
                self
            }
        }
    )*};
}

identified_by_text!(&str &&str String &String);

macro_rules! collectable {
    ($($kind:ident)*) => {$(
        impl Collectable for $kind {}

        impl Identifies<$kind> for $kind {
            fn identified(&self) -> &str {
                self.id()
            }
        }

        impl Identifies<$kind> for &$kind {
            fn identified(&self) -> &str {
                self.id()
            }
        }
    )*};
}

collectable!(Project Subject Session Acquisition);

/// Whether members come or go.
#[derive(Clone, Copy, Debug)]
enum Change {
    Add,
    Remove,
}

impl Collection {
    /// Adds containers of one kind, by value or by id: `add::<Subject, _>(ids)`. What is below them is added.
    pub fn add<C: Collectable, M: Identifies<C>>(
        &self,
        members: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        self.change_all(Change::Add, C::KIND, members)
    }

    /// Takes containers of one kind out of it, by value or by id, with what is below them.
    pub fn remove<C: Collectable, M: Identifies<C>>(
        &self,
        members: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        self.change_all(Change::Remove, C::KIND, members)
    }

    /// Adds all acquisitions of these sessions, given by value or by id.
    pub fn add_sessions<M: Identifies<Session>>(
        &self,
        sessions: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        self.add::<Session, M>(sessions)
    }

    /// Adds acquisitions, given by value or by id.
    pub fn add_acquisitions<M: Identifies<Acquisition>>(
        &self,
        acquisitions: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        self.add::<Acquisition, M>(acquisitions)
    }

    /// Takes all acquisitions of these sessions out of it.
    pub fn remove_sessions<M: Identifies<Session>>(
        &self,
        sessions: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        self.remove::<Session, M>(sessions)
    }

    /// Takes acquisitions out of it.
    pub fn remove_acquisitions<M: Identifies<Acquisition>>(
        &self,
        acquisitions: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        self.remove::<Acquisition, M>(acquisitions)
    }

    /// Adds what a stream yields, some hundred in a call, while it is read; gives back how many there were. When the
    /// stream fails in the middle, what came before is in the collection; adding it again does no harm.
    pub fn add_from<'a, C: Collectable>(
        &self,
        members: impl Stream<Item = Result<C>> + Send + 'a,
    ) -> Request<'a, u64> {
        self.change_from(Change::Add, members)
    }

    /// Takes what a stream yields out of it, some hundred in a call; gives back how many there were.
    pub fn remove_from<'a, C: Collectable>(
        &self,
        members: impl Stream<Item = Result<C>> + Send + 'a,
    ) -> Request<'a, u64> {
        self.change_from(Change::Remove, members)
    }

    /// Adds things of one kind by their ids, as part of a request.
    pub(crate) async fn add_ids(&self, raw: &Raw, kind: Kind, ids: &[String]) -> Result<()> {
        change_ids(raw, self.id(), Change::Add, kind, ids).await
    }

    fn change_all<C, M: Identifies<C>>(
        &self,
        change: Change,
        kind: Kind,
        members: impl IntoIterator<Item = M>,
    ) -> Request<'static, ()> {
        let ids = members.into_iter().map(|member| member.identified().to_owned()).collect();
        self.request_change(change, kind, ids)
    }

    fn request_change(&self, change: Change, kind: Kind, ids: Vec<String>) -> Request<'static, ()> {
        let collection = self.id().to_owned();
        Request::new(self.client(), move |raw| async move {
            change_ids(&raw, &collection, change, kind, &ids).await
        })
    }

    fn change_from<'a, C: Collectable>(
        &self,
        change: Change,
        members: impl Stream<Item = Result<C>> + Send + 'a,
    ) -> Request<'a, u64> {
        let collection = self.id().to_owned();
        Request::new(self.client(), move |raw| async move {
            let ids = members.map(|member| match member?.id() {
                "" => Err(no_id(C::KIND)),
                id => Ok(id.to_owned()),
            });
            let mut batches = std::pin::pin!(ids.try_chunks(BATCH));
            let mut changed = 0;
            loop {
                let (batch, failure) = match batches.try_next().await {
                    Ok(None) => return Ok(changed),
                    Ok(Some(batch)) => (batch, None),
                    Err(broken) => (broken.0, Some(broken.1)),
                };
                if !batch.is_empty() {
                    call(&collection, change, C::KIND, &batch)?.send_only(&raw).await?;
                    changed += batch.len() as u64;
                }
                if let Some(failure) = failure {
                    return Err(failure);
                }
            }
        })
    }
}

async fn change_ids(raw: &Raw, collection: &str, change: Change, kind: Kind, ids: &[String]) -> Result<()> {
    if ids.iter().any(String::is_empty) {
        return Err(no_id(kind));
    }
    for batch in ids.chunks(BATCH) {
        call(collection, change, kind, batch)?.send_only(raw).await?;
    }
    Ok(())
}

fn call(collection: &str, change: Change, kind: Kind, ids: &[String]) -> Result<Call> {
    let operation = match change {
        Change::Add => "add",
        Change::Remove => "remove",
    };
    let nodes: Vec<_> = ids.iter().map(|id| json!({"level": kind, "_id": id})).collect();
    let body = json!({"contents": {"operation": operation, "nodes": nodes}});
    Call::new(OperationId::ModifyCollection).at(collection).body(body)
}

fn no_id(kind: Kind) -> Error {
    Error::new(ErrorKind::Invalid, format!("a {kind} for the collection has no id"))
        .with_operation(OperationId::ModifyCollection.operation().name)
}

impl Client {
    /// A new, empty collection of the caller.
    pub fn add_collection(&self, label: impl Into<String>) -> Create<Collection> {
        let label: String = label.into();
        Create::new(self, OperationId::AddCollection, self.collections().labelled(&label)).set("label", label)
    }

    /// The collections that a user curates or was let into.
    pub fn collections_of(&self, user: impl Into<String>) -> Finder<Collection> {
        Finder::over(self, OperationId::GetUserCollections, vec![user.into()])
    }

    /// Who curates collections that the caller may see.
    pub fn curators(&self) -> Request<'static, Vec<Curator>> {
        Request::new(self, |raw| async move {
            let list: Listing<Curator> = Call::new(OperationId::GetAllCollectionsCurators).list(&raw).await?;
            Ok(list.items)
        })
    }
}
