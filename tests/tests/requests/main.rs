//! What each method of the ergonomic crate sends: a program per area against a local site that writes every request down.
//!
//! Each request is held against the operation of the description that it calls, query and body included, and the whole
//! notebook of an area is a snapshot: the call as the program writes it, and below it what it sent. docs/PARITY.md says
//! which operations the crate calls; one that no notebook shows fails `every_operation_that_is_called_is_shown`.

#![allow(clippy::unwrap_used)]

mod desk;

mod accounts;
mod collections;
mod containers;
mod files;
mod gears;
mod hierarchy;
mod metadata;
mod methods;
mod options;
mod parity;
mod projects;
mod search;
mod site;
mod transfers;
mod views;
