//! What generated methods are built from: one call, one answer, one way to encode a path segment.

pub(crate) mod address;
pub(crate) mod call;
#[cfg(test)]
mod corpus;
pub mod decode;
pub mod multipart;
pub mod response;
pub mod segment;
