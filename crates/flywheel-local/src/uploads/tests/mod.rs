//! Tests of uploads that find their own place, through the router.
#![allow(clippy::unwrap_used)]

mod devices;
mod hierarchy;
mod placed;
