//! Instants as people look at them: in UTC, on this machine's clock, on the clock of the place where it happened.

use chrono::{DateTime, Local, Utc};
use chrono_tz::Tz;
use flywheel_api::models::Timestamp;

use crate::{Error, ErrorKind, Result};

/// An instant, and the time zone it was recorded in where the site knows it.
///
/// ```
/// use flywheel::Moment;
///
/// let scanned = Moment::new("2024-07-01T12:00:00Z".parse()?, Some("Europe/Berlin"));
/// assert_eq!(scanned.original()?.to_rfc3339(), "2024-07-01T14:00:00+02:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    time: DateTime<Utc>,
    zone: Option<String>,
}

impl Moment {
    /// The instant, and the IANA name of its zone (`America/Chicago`) where one is known.
    pub fn new(time: DateTime<Utc>, zone: Option<&str>) -> Self {
        Self { time, zone: zone.map(str::to_owned) }
    }

    pub(crate) fn of(time: Option<&Timestamp>, zone: Option<&str>) -> Option<Self> {
        time.map(|time| Self::new(time.utc(), zone))
    }

    /// In UTC.
    pub fn utc(&self) -> DateTime<Utc> {
        self.time
    }

    /// On the clock of this machine.
    pub fn local(&self) -> DateTime<Local> {
        self.time.with_timezone(&Local)
    }

    /// The IANA name of the zone it was recorded in.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// On the clock of the place where it was recorded.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the site does not know the zone, or names one that does not exist.
    pub fn original(&self) -> Result<DateTime<Tz>> {
        let zone = self.zone().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the time zone of this timestamp is not recorded")
                .with_hint("Use utc() or local(), or set `timezone` on the container.")
        })?;
        flywheel_core::time::in_zone(self.time, zone).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("{zone:?} is no time zone of the IANA database"))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn zone_that_is_missing_or_unknown_is_an_error() {
        let time = "2024-01-01T00:00:00Z".parse().unwrap();
        assert!(Moment::new(time, None).original().unwrap_err().is_invalid());
        assert!(
            Moment::new(time, Some("Mars/Olympus"))
                .original()
                .unwrap_err()
                .to_string()
                .contains("Mars/Olympus")
        );
        assert_eq!(
            Moment::new(time, Some("Asia/Tokyo")).original().unwrap().to_rfc3339(),
            "2024-01-01T09:00:00+09:00"
        );
    }

    #[test]
    fn local_time_is_the_same_instant() {
        let time = "2024-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(Moment::new(time, None).local().to_utc(), time);
    }
}
