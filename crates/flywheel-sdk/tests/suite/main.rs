//! The ergonomic client against the local site over TCP, and against servers that misbehave on purpose.
#![allow(clippy::unwrap_used)]

mod admin;
mod bench;
mod blocking;
mod bulk;
mod cancel;
mod collections;
mod echo;
mod edits;
mod files;
mod finders;
mod folders;
#[cfg(any(feature = "arrow", feature = "polars"))]
mod frames;
mod gears;
mod hierarchy;
mod paging;
mod paths;
mod requests;
mod script;
mod search;
mod setup;
mod tree;
mod views;
mod wire;
