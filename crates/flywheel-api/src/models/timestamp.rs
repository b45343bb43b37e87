//! A moment with the offset it was written with.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, TimeZone, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, as the platform writes it: `2020-05-05T01:22:06.229000+00:00`.
///
/// The offset is kept, so that what was read is written back unchanged; a text without one means UTC, as the
/// platform reads it. Two timestamps are equal when they are the same moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime<FixedOffset>);

/// A text that is not a moment in ISO 8601.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment in ISO 8601, such as 2020-05-05T01:22:06+00:00")]
pub struct TimestampError(());

impl Timestamp {
    /// This moment.
    pub fn now() -> Self {
        Self(Utc::now().fixed_offset())
    }

    /// The moment in UTC.
    pub fn utc(&self) -> DateTime<Utc> {
        self.0.to_utc()
    }

    /// The moment with the offset it was written with.
    pub fn with_offset(&self) -> DateTime<FixedOffset> {
        self.0
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for Timestamp {
    fn from(moment: DateTime<Z>) -> Self {
        Self(moment.fixed_offset())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.utc()
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        flywheel_core::time::parse(text).map(Self).map_err(|_| TimestampError(()))
    }
}

impl TryFrom<&str> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: &str) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

/// Writes a fraction only where there is one, in microseconds as the platform does; finer ones in full.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.0.nanosecond() {
            0 => "%Y-%m-%dT%H:%M:%S%:z",
            fraction if fraction % 1_000 == 0 => "%Y-%m-%dT%H:%M:%S%.6f%:z",
            _ => "%Y-%m-%dT%H:%M:%S%.9f%:z",
        };
        self.0.format(form).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a moment in ISO 8601")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Other("text"), &self))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parsed(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_the_platform_writes_goes_back_unchanged() {
        for text in
            ["2020-05-05T01:22:06.229000+00:00", "2020-05-05T01:22:06+00:00", "2021-11-30T23:59:59-06:00"]
        {
            assert_eq!(parsed(text).to_string(), text);
            assert_eq!(serde_json::to_value(parsed(text)).unwrap(), text);
        }
    }

    #[test]
    fn the_offset_is_kept_and_the_moment_compared() {
        let (local, utc) = (parsed("2020-05-05T03:22:06+02:00"), parsed("2020-05-05T01:22:06Z"));
        assert_eq!(local, utc);
        assert_ne!(local.to_string(), utc.to_string());
        assert_eq!(local.with_offset().offset().local_minus_utc(), 7200);
    }

    #[test]
    fn a_text_without_a_zone_means_utc() {
        assert_eq!(parsed("2020-05-05T01:22:06.5").to_string(), "2020-05-05T01:22:06.500000+00:00");
        assert_eq!(parsed("2020-05-05").to_string(), "2020-05-05T00:00:00+00:00");
    }

    #[test]
    fn a_fraction_finer_than_the_platforms_is_not_cut() {
        assert_eq!(
            parsed("2020-05-05T01:22:06.123456789Z").to_string(),
            "2020-05-05T01:22:06.123456789+00:00"
        );
    }

    #[test]
    fn what_is_no_moment_is_refused_without_being_repeated() {
        let error = serde_json::from_str::<Timestamp>(r#""Jane""#).unwrap_err().to_string();
        assert!(error.contains("ISO 8601") && !error.contains("Jane"), "{error}");
    }
}
