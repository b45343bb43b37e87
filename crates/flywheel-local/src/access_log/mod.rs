//! The access log: who looked at, took or changed what.
//!
//! | file | what it holds |
//! |---|---|
//! | `kinds` | which requests count, and as what |
//! | `witness` | noting them as they are answered |
//! | `deeds` | noting what a write did, in its transaction, where the request alone does not tell |
//! | `journal` | keeping the notes until they are in the database |
//! | `entry` | from a note to the entry of the report |
//!
//! A note is appended to a file before its request is answered, which costs no wait for the database and survives a kill
//! of the process. In batches the notes become rows of the table `access_log`; reading the report first empties the file.

mod deeds;
mod entry;
mod journal;
mod kinds;
mod witness;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    deeds::{container_moved, file_moved, file_replaced},
    journal::Journal,
    kinds::{TYPES, of_route},
    witness::{Witness, record, watch},
};
