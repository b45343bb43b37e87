//! Tests of the site through its router, without sockets.
#![allow(clippy::unwrap_used)]

mod accounts;
mod analyses;
mod api;
mod collections;
mod hazards;
mod hierarchy;
mod lists;
mod moves;
mod permissions;
mod refusals;
mod scale;
mod serving;
mod shared_parts;
mod sharing;
mod words;

pub(crate) use api::{Answer, Api, Person};
