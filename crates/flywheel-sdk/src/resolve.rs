//! Finding things by path or by id.
//!
//! A path is `group/project/subject/session/acquisition`, with `files/NAME` or `analyses/LABEL` behind any container that
//! has them, or `gears/NAME`. Each segment is a label or `<id:…>`. Labels that hold a slash go into a list of segments.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # project.upload(flywheel::Source::bytes("plan.pdf", "what to do")).await?;
//! # project.add_subject("sub-01").await?.add_session("ses-01").await?;
//! use flywheel::{File, Session};
//!
//! let session: Session = fw.lookup("neuro/Color Study/sub-01/ses-01").cast().await?;
//! assert_eq!(session.label(), "ses-01");
//! let file = fw.lookup(["neuro", "Color Study", "files", "plan.pdf"]).cast::<File>().await?;
//!
//! for child in fw.resolve("neuro/Color Study").await?.children {
//!     println!("{} {}", child.kind_name(), child.label());
//! }
//! # Ok(())
//! # }
//! ```

use std::{fmt, future::IntoFuture};

use flywheel_api::OperationId;
use flywheel_core::{path::FwPath, syntax::ParseError};
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Client, Error, ErrorKind, Node, Request, Result, call::Call, node};

/// One thing, by path or id. Awaiting it gives a [`Node`]; [`cast`](Self::cast) gives the kind that is expected.
#[must_use = "nothing is looked up until this is awaited"]
#[derive(Debug)]
pub struct Lookup {
    client: Client,
    call: Result<Call>,
}

impl Lookup {
    /// Reads the path as archives write it: `group/PROJECTS/project/SUBJECTS/subject/…`.
    pub fn full_tree(self) -> Self {
        self.parameter("full_tree", true)
    }

    /// Looks at everything on the site. For site administrators.
    pub fn exhaustive(self) -> Self {
        self.parameter("exhaustive", true)
    }

    /// A further query parameter of the call.
    pub fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.call = self.call.map(|call| call.query(name, value));
        self
    }

    /// The thing itself, when it is of this kind.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is nothing, [`ErrorKind::Invalid`] when it is of another kind.
    pub fn cast<C>(self) -> Request<'static, C>
    where
        C: TryFrom<Node, Error = Error> + Send + 'static,
    {
        self.request().map(Node::cast)
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'static, Node> {
        let Self { client, call } = self;
        Request::new(&client.clone(), move |raw| async move { node::fetch(&client, &raw, call?).await })
    }
}

impl IntoFuture for Lookup {
    type Output = Result<Node>;
    type IntoFuture = BoxFuture<'static, Result<Node>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

/// What stands along a path, and below its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolution {
    /// The things along the path, the group first.
    pub path: Vec<Node>,
    /// What the last of them holds.
    pub children: Vec<Node>,
}

/// What stands along a path, and below its end; sent when awaited.
#[must_use = "nothing is resolved until this is awaited"]
pub struct Resolve {
    client: Client,
    call: Result<Call>,
}

impl Resolve {
    /// With the free metadata of everything.
    pub fn with_info(self) -> Self {
        self.parameter("include_all_info", true)
    }

    /// With ids, labels and times alone, which is quicker.
    pub fn minimal(self) -> Self {
        self.parameter("minattr", true)
    }

    /// Reads the path as archives write it: `group/PROJECTS/project/SUBJECTS/subject/…`.
    pub fn full_tree(self) -> Self {
        self.parameter("full_tree", true)
    }

    /// Shows everything on the site. For site administrators.
    pub fn exhaustive(self) -> Self {
        self.parameter("exhaustive", true)
    }

    fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.call = self.call.map(|call| call.query(name, value));
        self
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'static, Resolution> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            path: Vec<Value>,
            #[serde(default)]
            children: Vec<Value>,
        }

        let Self { client, call } = self;
        Request::new(&client.clone(), move |raw| async move {
            let answer: Answer = call?.send(&raw).await?;
            let read = |documents: Vec<Value>| {
                documents
                    .into_iter()
                    .map(|document| Node::read(&client, document))
                    .collect::<Result<Vec<Node>>>()
            };
            Ok(Resolution { path: read(answer.path)?, children: read(answer.children)? })
        })
    }
}

impl IntoFuture for Resolve {
    type Output = Result<Resolution>;
    type IntoFuture = BoxFuture<'static, Result<Resolution>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

impl fmt::Debug for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolve").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Client {
    /// What stands at a path.
    pub fn lookup(&self, path: impl TryInto<FwPath, Error: Into<ParseError>>) -> Lookup {
        Lookup { client: self.clone(), call: by_path(OperationId::LookupPath, path) }
    }

    /// What stands along a path, and below its end. The empty path has all groups below it.
    pub fn resolve(&self, path: impl TryInto<FwPath, Error: Into<ParseError>>) -> Resolve {
        Resolve { client: self.clone(), call: by_path(OperationId::ResolvePath, path) }
    }

    /// The container with this id, of whatever kind: group, project, subject, session, acquisition, analysis, collection.
    pub fn get(&self, id: impl Into<String>) -> Lookup {
        Lookup { client: self.clone(), call: Ok(Call::new(OperationId::GetContainer).at(id)) }
    }
}

fn by_path(operation: OperationId, path: impl TryInto<FwPath, Error: Into<ParseError>>) -> Result<Call> {
    let path = path.try_into().map_err(|error| {
        let error: ParseError = error.into();
        Error::new(ErrorKind::Invalid, error.to_string()).with_operation(operation.operation().name)
    })?;
    Call::new(operation).body(json!({"path": path.to_wire()}))
}
