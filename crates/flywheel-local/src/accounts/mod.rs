//! The calls on users, devices and their keys, and the codes of persons.

pub(crate) mod devices;
pub(crate) mod keys;
pub(crate) mod master_codes;
pub(crate) mod own;
pub(crate) mod users;
