//! Every endpoint of the Flywheel API, typed.

pub mod error;
pub mod operation;
pub mod transport;

mod client;
#[allow(missing_docs, unused_imports, clippy::all, unreachable_pub, reason = "checked where it is made")]
#[rustfmt::skip]
mod generated;
pub mod models;
pub mod support;

pub use client::Client;
pub use error::{Error, ErrorKind};
pub use generated::builder;
pub use generated::operations::OperationId;
pub use generated::types;
pub use operation::Operation;
pub use support::response::{ByteStream, ResponseValue};
