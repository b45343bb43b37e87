//! What was sent, so that what comes back can be held against it.

use std::collections::BTreeMap;

use crate::dicom::plan::Member;

/// One file as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Bytes.
    pub(crate) size: u64,
    /// SHA-384, lower-case hex.
    pub(crate) sha384: String,
    /// The files inside, where it is an archive of DICOM files.
    pub(crate) members: Vec<Member>,
}

/// Every file that was sent, by the id of its container and its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(BTreeMap<(String, String), Sent>);

impl Ledger {
    pub(crate) fn enter(&mut self, container: impl Into<String>, name: impl Into<String>, sent: Sent) {
        self.0.insert((container.into(), name.into()), sent);
    }

    pub(crate) fn get(&self, container: &str, name: &str) -> Option<&Sent> {
        self.0.get(&(container.to_owned(), name.to_owned()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.values().map(|sent| sent.size).sum()
    }

    pub(crate) fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
