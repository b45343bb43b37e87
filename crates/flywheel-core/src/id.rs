//! Object ids: 24 hexadecimal digits that sort by the time they were made.

use std::{
    fmt,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An id as the platform gives to every container except groups and users: four bytes of seconds, five random bytes that
/// are constant in a process, a three-byte counter.
///
/// Ids made later compare greater, which is what paging by `after_id` rests on.
///
/// ```
/// use flywheel_core::id::ObjectId;
///
/// let id: ObjectId = "5eb0bf2e0a1b2c3d4e5f6071".parse()?;
/// assert_eq!(id.timestamp().to_rfc3339(), "2020-05-05T01:19:42+00:00");
/// assert!(ObjectId::generate() > id);
/// # Ok::<(), flywheel_core::id::InvalidId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId([u8; 12]);

/// A text that is not 24 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id: expected 24 hexadecimal digits")]
pub struct InvalidId(pub String);

impl ObjectId {
    /// A new id for this instant.
    pub fn generate() -> Self {
        Self::generate_at(Utc::now())
    }

    /// A new id that claims to be made at `time`; times outside 1970..2106 are brought into that range.
    pub fn generate_at(time: DateTime<Utc>) -> Self {
        static PROCESS: OnceLock<([u8; 5], AtomicU32)> = OnceLock::new();
        let (process, counter) = PROCESS.get_or_init(|| (rand::random(), AtomicU32::new(rand::random())));
        let count = counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Self::from_parts(seconds(time), *process, [count[1], count[2], count[3]])
    }

    /// The least id that an object made at `time` or later can have, for ranges over ids.
    pub fn first_at(time: DateTime<Utc>) -> Self {
        Self::from_parts(seconds(time), [0; 5], [0; 3])
    }

    fn from_parts(seconds: u32, process: [u8; 5], count: [u8; 3]) -> Self {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&process);
        bytes[9..].copy_from_slice(&count);
        Self(bytes)
    }

    /// Whether `text` is an id as the platform writes them: exactly 24 digits, lower case.
    pub fn is_id(text: &str) -> bool {
        text.len() == 24 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// When the id was made, to the second.
    pub fn timestamp(&self) -> DateTime<Utc> {
        let seconds = u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]]);
        DateTime::from_timestamp(i64::from(seconds), 0).unwrap_or_default()
    }

    /// The twelve bytes.
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

fn seconds(time: DateTime<Utc>) -> u32 {
    u32::try_from(time.timestamp().max(0)).unwrap_or(u32::MAX)
}

impl FromStr for ObjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(text.to_owned());
        let digits: Vec<u8> = text
            .chars()
            .map(|c| c.to_digit(16).map(|d| d as u8))
            .collect::<Option<_>>()
            .ok_or_else(invalid)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        if digits.len() != 24 {
            return Err(invalid());
        }
        bytes.try_into().map(Self).map_err(|_| invalid())
    }
}

impl TryFrom<String> for ObjectId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_one_process_differ_and_sort_by_second() {
        let time = |s| DateTime::from_timestamp(s, 0).unwrap();
        let ids: std::collections::HashSet<_> =
            (0..10_000).map(|_| ObjectId::generate_at(time(1_000))).collect();
        assert_eq!(ids.len(), 10_000);
        let later = ObjectId::generate_at(time(1_001));
        assert!(ids.iter().all(|id| *id < later && id.to_string() < later.to_string()));
        assert!(ids.iter().all(|id| *id >= ObjectId::first_at(time(1_000))));
    }

    #[test]
    fn wrong_length_and_wrong_digits_are_refused() {
        for text in
            ["", "5eb0bf2e0a1b2c3d4e5f607", "5eb0bf2e0a1b2c3d4e5f60711", "5eb0bf2e0a1b2c3d4e5f607g", "é"]
        {
            assert_eq!(text.parse::<ObjectId>(), Err(InvalidId(text.to_owned())));
        }
    }

    #[test]
    fn only_lower_case_counts_as_written_by_the_platform() {
        assert!(ObjectId::is_id("5eb0bf2e0a1b2c3d4e5f6071"));
        assert!(!ObjectId::is_id("5EB0BF2E0A1B2C3D4E5F6071"));
        assert_eq!(
            "5EB0BF2E0A1B2C3D4E5F6071".parse::<ObjectId>().unwrap().to_string(),
            "5eb0bf2e0a1b2c3d4e5f6071"
        );
    }

    proptest! {
        #[test]
        fn written_id_parses_back(bytes: [u8; 12]) {
            let id = ObjectId(bytes);
            prop_assert_eq!(id.to_string().parse::<ObjectId>().unwrap(), id);
            prop_assert_eq!(serde_json::from_value::<ObjectId>(serde_json::to_value(id).unwrap()).unwrap(), id);
        }
    }
}
