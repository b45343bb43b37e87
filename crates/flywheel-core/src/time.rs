//! Timestamps as the platform reads them (leniently) and writes them (one way).

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, SecondsFormat, TimeZone,
    Timelike, Utc,
};
use chrono_tz::Tz;

/// A text that is no date or timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date or timestamp: expected ISO 8601, such as 2020-05-05T01:22:06Z")]
pub struct InvalidTime(pub String);

/// Reads an ISO 8601 date or timestamp and keeps its offset; without one it means UTC.
///
/// Accepts a date alone, `T` or a space before the time, times to the minute, second or fraction (dot or comma), and
/// offsets `Z`, `±HH:MM`, `±HHMM` and `±HH`. Dates and times may be written without their separators (`20200505T012206Z`).
///
/// # Errors
/// [`InvalidTime`] when the text is none of these or names a day or an hour that does not exist.
///
/// ```
/// use flywheel_core::time::parse;
///
/// assert_eq!(parse("2020-05-05")?.to_rfc3339(), "2020-05-05T00:00:00+00:00");
/// assert_eq!(parse("2020-05-05 01:22:06.5-0600")?.to_rfc3339(), "2020-05-05T01:22:06.500-06:00");
/// # Ok::<(), flywheel_core::time::InvalidTime>(())
/// ```
pub fn parse(text: &str) -> Result<DateTime<FixedOffset>, InvalidTime> {
    let text = text.trim();
    let read = read(text).or_else(|| read(&with_separators(text)?));
    read.ok_or_else(|| InvalidTime(text.to_owned()))
}

/// [`parse`], brought to UTC.
///
/// # Errors
/// As [`parse`].
pub fn parse_utc(text: &str) -> Result<DateTime<Utc>, InvalidTime> {
    parse(text).map(|time| time.to_utc())
}

/// The basic form of ISO 8601, `20200505T012206.5Z`, in the extended one.
fn with_separators(text: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned());
    let part = |range: std::ops::Range<usize>| digits(text.get(range)?);
    let date = format!("{}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?);
    let Some(rest) = text.get(9..) else { return (text.len() == 8).then_some(date) };
    let separator = text.get(8..9)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (clock, rest) = rest.split_at_checked(end)?;
    let clock = match clock.len() {
        4 => format!("{}:{}", clock.get(..2)?, clock.get(2..)?),
        6 => format!("{}:{}:{}", clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?),
        _ => return None,
    };
    Some(format!("{date}{separator}{clock}{rest}"))
}

fn read(text: &str) -> Option<DateTime<FixedOffset>> {
    let date = read_date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    let (time, offset) = match rest.chars().next() {
        None => (NaiveTime::MIN, utc_offset()),
        Some('T' | 't' | ' ') => {
            let rest = rest.get(1..)?.trim_start();
            let end = rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len());
            (read_time(rest.get(..end)?)?, read_offset(rest.get(end..)?.trim())?)
        }
        Some(_) => return None,
    };
    let local = NaiveDateTime::new(date, time);
    // The platform writes times in UTC with years of four digits; an offset can leave them.
    offset.from_local_datetime(&local).single().filter(|time| (0..=9999).contains(&time.to_utc().year()))
}

fn read_date(text: &str) -> Option<NaiveDate> {
    let digits = |range: std::ops::Range<usize>| number(text.get(range)?);
    let dashes = text.get(4..5)? == "-" && text.get(7..8)? == "-";
    dashes.then(|| NaiveDate::from_ymd_opt(digits(0..4)? as i32, digits(5..7)?, digits(8..10)?))?
}

fn read_time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) =
        text.split_once(['.', ',']).map_or((text, None), |(clock, part)| (clock, Some(part)));
    let mut parts = clock.split(':').map(|part| (part.len() == 2).then(|| number(part))?);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None if fraction.is_some() => return None,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let nanos = match fraction {
        Some(digits) => fraction_nanos(digits)?,
        None => 0,
    };
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)
}

fn fraction_nanos(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let kept: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    number(&kept)
}

fn read_offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.split_at_checked(1) {
        None => return Some(utc_offset()),
        Some(("Z" | "z", "")) => return Some(utc_offset()),
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        Some(_) => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':').filter(|(hours, _)| hours.len() == 2)?,
        _ => return None,
    };
    let (hours, minutes) = (number(hours)? as i32, number(minutes)? as i32);
    (minutes < 60).then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)))?
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn utc_offset() -> FixedOffset {
    Utc.fix()
}

/// Reads the two forms that a filter value takes for a time, and no other: `YYYY-MM-DD` and
/// `YYYY-MM-DDTHH:MM[:SS[.fraction]][Z|±HH:MM]`.
pub fn parse_in_filter(text: &str) -> Option<DateTime<Utc>> {
    let bytes = text.as_bytes();
    let separated = matches!(bytes.get(10), None | Some(b'T'));
    let plain = bytes.iter().all(|b| b.is_ascii_digit() || b"-+:.TZ".contains(b));
    let offset = text.get(16..).and_then(|tail| tail.find(['+', '-']).and_then(|at| tail.get(at..)));
    let long_offset = offset.is_none_or(|offset| offset.len() == 6);
    (separated && plain && long_offset).then(|| read(text).map(|time| time.to_utc()))?
}

/// Writes a time as the platform does: UTC with an explicit offset, microseconds only when there are any.
///
/// ```
/// use flywheel_core::time::{format, parse_utc};
///
/// assert_eq!(format(parse_utc("2020-05-05T01:22:06.229Z")?), "2020-05-05T01:22:06.229000+00:00");
/// assert_eq!(format(parse_utc("2020-05-05")?), "2020-05-05T00:00:00+00:00");
/// # Ok::<(), flywheel_core::time::InvalidTime>(())
/// ```
pub fn format(time: DateTime<Utc>) -> String {
    let precision = if time.nanosecond() / 1_000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    time.to_rfc3339_opts(precision, false)
}

/// The time rounded down to the millisecond, which is what the platform stores.
pub fn to_stored_precision(time: DateTime<Utc>) -> DateTime<Utc> {
    let nanos = time.nanosecond();
    time.with_nanosecond(nanos - nanos % 1_000_000).unwrap_or(time)
}

/// The time in the zone with the given IANA name (`Europe/Berlin`); `None` when there is no such zone.
pub fn in_zone(time: DateTime<Utc>, zone: &str) -> Option<DateTime<Tz>> {
    zone.parse::<Tz>().ok().map(|zone| time.with_timezone(&zone))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lenient_forms_keep_their_offset() {
        let shown = |text: &str| parse(text).unwrap().to_rfc3339();
        assert_eq!(shown("2020-05-05T01:22"), "2020-05-05T01:22:00+00:00");
        assert_eq!(shown("2020-05-05T01:22Z"), "2020-05-05T01:22:00+00:00");
        assert_eq!(shown("2020-05-05t01:22:06,25z"), "2020-05-05T01:22:06.250+00:00");
        assert_eq!(shown("2020-05-05 01:22:06 +05"), "2020-05-05T01:22:06+05:00");
        assert_eq!(shown("2020-05-05T01:22:06.229000+00:00"), "2020-05-05T01:22:06.229+00:00");
        assert_eq!(shown("20200505T012206.5Z"), "2020-05-05T01:22:06.500+00:00");
        assert_eq!(shown("20200505T0122-0600"), "2020-05-05T01:22:00-06:00");
        assert_eq!(shown("20200505"), "2020-05-05T00:00:00+00:00");
        assert_eq!(shown("2020-05-05T01:22:06.1234567891Z"), "2020-05-05T01:22:06.123456789+00:00");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2020",
            "2020-13-01",
            "2020-02-30",
            "2020-05-05T",
            "2020-05-05T25:00",
            "2020-05-05T1:22",
            "2020-05-05x",
            "2020-05-05T01:22:06.",
            "20200505T01",
            "20200505T",
            "2020050",
            "20200505T01220",
            "2020-05-05T01:22+5",
            "2020-05-05T01:22.5",
            "+020-05-05",
            "2020-05-0é",
            "9999-12-31T23:59-01:00",
            "0000-01-01T00:00+01:00",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn filter_values_take_the_strict_forms_only() {
        assert!(parse_in_filter("2019-08-07").is_some());
        assert!(parse_in_filter("2019-08-07T10:00").is_some());
        assert!(parse_in_filter("2019-08-07T10:00:00.5+02:00").is_some());
        for text in
            ["2019-08-07 10:00", "2019-08-07t10:00", "2019-08-07T10:00+0200", "2019-08", "2019-08-07T10:00z"]
        {
            assert!(parse_in_filter(text).is_none(), "{text}");
        }
    }

    #[test]
    fn original_zone_is_found_by_name() {
        let time = parse_utc("2020-07-01T12:00:00Z").unwrap();
        assert_eq!(in_zone(time, "Europe/Berlin").unwrap().to_rfc3339(), "2020-07-01T14:00:00+02:00");
        assert!(in_zone(time, "Europe/Atlantis").is_none());
    }

    proptest! {
        #[test]
        fn written_time_parses_back_to_the_microsecond(seconds in -62_135_596_800i64..253_402_300_799, micros in 0u32..1_000_000) {
            let time = DateTime::from_timestamp(seconds, micros * 1_000).unwrap();
            prop_assert_eq!(parse_utc(&format(time)).unwrap(), time);
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), like in "[0-9T:+.Z é-]{0,40}") {
            let _ = (parse(&text), parse(&like), parse_in_filter(&text), parse_in_filter(&like));
        }
    }
}
