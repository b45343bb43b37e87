//! The ergonomic client against the local site over TCP, and against servers that misbehave on purpose.
#![allow(clippy::unwrap_used)]

mod bench;
mod blocking;
mod bulk;
mod edits;
mod files;
mod finders;
mod folders;
mod hierarchy;
mod paging;
mod paths;
mod requests;
