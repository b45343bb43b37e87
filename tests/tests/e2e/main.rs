//! End-to-end suites over a local site that listens on TCP.

#![allow(clippy::unwrap_used)]

mod accounts;
mod concurrency;
mod described;
mod documents;
mod downloads;
mod gears;
mod hazards;
mod hostile;
mod kill;
mod limits;
mod lists;
mod python;
mod refusals;
mod roles;
mod search;
mod uploads;
mod views;
