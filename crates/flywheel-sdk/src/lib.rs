//! A client for Flywheel, the platform for medical-imaging research data.

pub mod blocking;
mod call;
mod client;
pub mod container;
pub mod edit;
pub mod file;
pub mod finder;
mod kind;
mod moment;
mod node;
mod people;
mod request;
pub mod resolve;
mod resource;
mod site;
pub mod transfer;
mod work;

pub use client::{Client, ClientBuilder};
pub use container::{Acquisition, Analysis, Collection, Group, Project, Session, Subject};
pub use file::File;
pub use finder::{Cursor, Finder, Items, Page, Pages};
pub use flywheel_api::{
    Error, ErrorKind, OperationId,
    error::Detail,
    models::{Odd, Timestamp},
    transport::{CallOptions, CredentialFiles, Environment, RetryPolicy, Timeouts},
    types,
};
pub use flywheel_core::{
    age::Age,
    filter::{Filter, field},
    key::ApiKey,
    modality::Classification,
    path::FwPath,
    sort::Sort,
};
pub use kind::{ContainerRef, Kind, UnknownKind};
pub use moment::Moment;
pub use node::Node;
pub use people::{Role, User};
pub use request::Request;
pub use resource::Resource;
pub use transfer::{
    Archive, ArchiveFormat, ArchiveSummary, Canceller, Download, Downloaded, Progress, Source, Transfer,
    Upload, Zip, ZipMember,
};
pub use work::{DataViewExecution, Gear, Job};

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;
