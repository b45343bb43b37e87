//! The calls on users, devices and their keys.

pub(crate) mod devices;
pub(crate) mod keys;
pub(crate) mod users;
