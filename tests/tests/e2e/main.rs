//! End-to-end suites over a local site that listens on TCP.

#![allow(clippy::unwrap_used)]

mod described;
mod documents;
mod downloads;
mod lists;
mod python;
mod refusals;
mod roles;
mod uploads;
