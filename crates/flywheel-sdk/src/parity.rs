//! What of the API and of the official Python client this crate offers, operation by operation and helper by helper.
#![doc = include_str!("../../../docs/PARITY.md")]

#[allow(unused_imports, reason = "the names that the page links to")]
use crate::{
    admin::*, bulk::*, collection::*, container::*, context::*, edit::*, file::*, finder::*, folder::*,
    gear::*, hierarchy::*, job::*, list::*, resolve::*, search::*, transfer::*, view::*, *,
};
