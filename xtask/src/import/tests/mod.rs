//! Tests of the importer on tiny synthetic sources and, where they can be had, on released wheels.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod documents;
mod released;
mod tiny;
mod wheels;

pub(crate) use self::released::wheel;
