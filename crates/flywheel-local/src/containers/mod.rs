//! The calls on containers: making, showing, listing, changing, moving and deleting them, and the lists they carry.

pub(crate) mod analyses;
pub(crate) mod change;
pub(crate) mod collections;
pub(crate) mod create;
pub(crate) mod fields;
pub(crate) mod info;
pub(crate) mod notes;
pub(crate) mod permissions;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod tags;
