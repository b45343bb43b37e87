//! A thing of whatever kind, as lookups give it.

use flywheel_api::Client as Raw;
use serde_json::Value;

use crate::{
    Acquisition, Analysis, Client, Collection, ContainerRef, Error, ErrorKind, File, Gear, Group, Job, Kind,
    Project, Resource, Result, Session, Subject, resource::sealed::Parts,
};

macro_rules! nodes {
    ($($kind:ident $text:literal),* $(,)?) => {
        /// What stands at a path, or has an id.
        ///
        /// ```no_run
        /// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
        /// use flywheel::Node;
        ///
        /// match fw.lookup("neuro/Color Study").await? {
        ///     Node::Project(project) => println!("{} subjects", project.subjects().count().await?),
        ///     other => println!("a {}", other.kind_name()),
        /// }
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Node {
            $(#[doc = concat!("A ", $text, ".")] $kind($kind),)*
            /// Something this release has no type for: its document.
            Unknown(Value),
        }

        $(
            impl From<$kind> for Node {
                fn from(value: $kind) -> Self {
                    Self::$kind(value)
                }
            }

            impl TryFrom<Node> for $kind {
                type Error = Error;

                fn try_from(node: Node) -> Result<Self> {
                    match node {
                        Node::$kind(value) => Ok(value),
                        other => Err(other.not_a(Kind::$kind)),
                    }
                }
            }
        )*

        impl Node {
            /// What it is; `None` for what this release does not know.
            pub fn kind(&self) -> Option<Kind> {
                match self {
                    $(Self::$kind(_) => Some(Kind::$kind),)*
                    Self::Unknown(_) => None,
                }
            }

            /// Its id; empty when there is none.
            pub fn id(&self) -> &str {
                match self {
                    $(Self::$kind(value) => value.id(),)*
                    Self::Unknown(document) => text_at(document, "_id"),
                }
            }

            /// Its label, or its name where it is a file or a gear; empty when there is none.
            pub fn label(&self) -> &str {
                match self {
                    Self::File(file) => file.name(),
                    Self::Gear(gear) => gear.name(),
                    Self::Job(job) => job.label.as_deref().unwrap_or_default(),
                    Self::Group(value) => value.label(),
                    Self::Project(value) => value.label(),
                    Self::Subject(value) => value.label(),
                    Self::Session(value) => value.label(),
                    Self::Acquisition(value) => value.label(),
                    Self::Analysis(value) => value.label(),
                    Self::Collection(value) => value.label(),
                    Self::Unknown(document) => text_at(document, "label"),
                }
            }

            /// The same thing, reached through another client.
            pub(crate) fn through(self, client: &Client) -> Self {
                match self {
                    $(Self::$kind(value) => {
                        Self::$kind(Parts::from_parts(client.clone(), Parts::into_model(value)))
                    })*
                    Self::Unknown(document) => Self::Unknown(document),
                }
            }

            /// Makes a node of a document that says what it is.
            pub(crate) fn read(client: &Client, document: Value) -> Result<Self> {
                let named = ["node_type", "container_type"].map(|name| text_at(&document, name));
                let kind: Option<Kind> = named.into_iter().find_map(|name| name.parse().ok());
                match kind {
                    $(Some(Kind::$kind) => decode::<$kind>(client, document).map(Self::$kind),)*
                    _ => Ok(Self::Unknown(document)),
                }
            }
        }

        impl serde::Serialize for Node {
            /// The document as the site sent it.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$kind(value) => value.serialize(serializer),)*
                    Self::Unknown(document) => document.serialize(serializer),
                }
            }
        }
    };
}

nodes! {
    Group "group",
    Project "project",
    Subject "subject",
    Session "session",
    Acquisition "acquisition",
    Analysis "n analysis",
    Collection "collection",
    File "file",
    Gear "gear",
    Job "job",
}

impl Node {
    /// The name of its kind, also where this release does not know it.
    pub fn kind_name(&self) -> &str {
        match (self.kind(), self) {
            (Some(kind), _) => kind.as_str(),
            (None, Self::Unknown(document)) => match text_at(document, "container_type") {
                "" => "document of unknown kind",
                name => name,
            },
            (None, _) => "document",
        }
    }

    /// Its kind and id, as other documents point at it; `None` for what this release does not know.
    pub fn reference(&self) -> Option<ContainerRef> {
        self.kind().map(|kind| ContainerRef::new(kind, self.id()))
    }

    /// The thing itself, when it is of this kind.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it is of another kind; the message says which.
    pub fn cast<C>(self) -> Result<C>
    where
        C: TryFrom<Self, Error = Error>,
    {
        C::try_from(self)
    }

    fn not_a(&self, wanted: Kind) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!("{:?} is a {}, not a {wanted}", self.label(), self.kind_name()),
        )
    }
}

fn text_at<'a>(document: &'a Value, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn decode<C: Resource>(client: &Client, document: Value) -> Result<C> {
    let model = serde_json::from_value(document).map_err(|_| {
        Error::new(
            ErrorKind::Decode,
            format!("the document of the {} does not have the form of one", C::KIND),
        )
    })?;
    Ok(C::from_parts(client.clone(), model))
}

/// Reads a document and makes a node of it.
pub(crate) async fn fetch(client: &Client, raw: &Raw, call: crate::call::Call) -> Result<Node> {
    Node::read(client, call.send(raw).await?)
}
