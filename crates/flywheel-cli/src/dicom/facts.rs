//! What a header says of a patient and a study, in the platform's terms.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, SubsecRound, TimeZone};
use chrono_tz::Tz;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use flywheel_core::age::Age;

use super::value::DataSet;

/// What a patient without any identification is filed under.
pub(super) const UNKNOWN: &str = "unknown";
/// The platform's limit for subject labels and names. Characters.
const LONGEST_NAME: usize = 64;
const LONGEST_LABEL: usize = 128;
/// Older patients are dates made up for anonymity. Years.
const OLDEST: f64 = 130.0;

/// The label of the subject and, when it is not the patient's id, what stands in for it.
pub(super) fn subject_label(data: &DataSet) -> (String, Option<String>) {
    let shorten = |text: String| text.chars().take(LONGEST_NAME).collect::<String>();
    if let Some(id) = label(data.text(tags::PATIENT_ID)) {
        return (shorten(id), None);
    }
    let name = data.text(tags::PATIENT_NAME).map(|name| display_name(&name));
    match label(name) {
        Some(name) => (shorten(name), Some("no patient id: filed under the patient's name".to_owned())),
        None => (UNKNOWN.to_owned(), Some(format!("neither patient id nor name: filed under \"{UNKNOWN}\""))),
    }
}

/// Family and given name of the first group of a person name that has any.
pub(super) fn person(name: &str) -> Option<(Option<String>, Option<String>)> {
    let group = name.split('=').find(|group| group.contains(|c: char| c != '^' && !c.is_whitespace()))?;
    let mut parts = group.split('^').map(|part| {
        let part: String = part.trim().replace('/', "_").chars().take(LONGEST_NAME).collect();
        (!part.is_empty()).then_some(part)
    });
    Some((parts.next().flatten(), parts.next().flatten()))
}

pub(super) fn display_name(name: &str) -> String {
    let (last, first) = person(name).unwrap_or_default();
    [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

pub(super) fn sex(data: &DataSet) -> Option<&'static str> {
    match data.text(tags::PATIENT_SEX)?.to_uppercase().as_str() {
        "M" => Some("male"),
        "F" => Some("female"),
        "O" => Some("other"),
        _ => None,
    }
}

/// Seconds, from the stated age or else from birth to study.
pub(super) fn age(data: &DataSet, study: Option<NaiveDate>) -> Option<i64> {
    let stated = data.text(tags::PATIENT_AGE).and_then(|text| {
        let unit = text.chars().last().filter(char::is_ascii_alphabetic);
        let count: f64 = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim().parse().ok()?;
        match unit {
            Some('Y') | None => Some(Age::from_years(count)),
            Some('M') => Some(Age::from_months(count)),
            Some('W') => Some(Age::from_weeks(count)),
            Some('D') => Some(Age::from_days(count)),
            _ => None,
        }
    });
    let lived = || Some(Age::from_days((study? - date(data, tags::PATIENT_BIRTH_DATE)?).num_days() as f64));
    let plausible = |age: &Age| age.seconds() >= 0 && age.years() <= OLDEST;
    stated
        .filter(|age| age.seconds() > 0)
        .filter(plausible)
        .or_else(|| lived().filter(plausible))
        .map(Age::seconds)
}

/// `YYYYMMDD`, and the older `YYYY.MM.DD`.
pub(super) fn date(data: &DataSet, tag: Tag) -> Option<NaiveDate> {
    let digits: String = data.text(tag)?.chars().filter(char::is_ascii_digit).collect();
    NaiveDate::parse_from_str(digits.get(..8)?, "%Y%m%d").ok()
}

/// `HHMMSS.FFFFFF` with anything after the hours left out, and the older `HH:MM:SS`. To the millisecond, which is what
/// the platform keeps.
pub(super) fn time(data: &DataSet, tag: Tag) -> Option<NaiveTime> {
    let text = data.text(tag)?.replace(':', "");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let part = |range: std::ops::Range<usize>| whole.get(range).map_or(Some(0), |digits| digits.parse().ok());
    let hours: u32 = whole.get(..2)?.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let time = NaiveTime::from_hms_nano_opt(hours, part(2..4)?, part(4..6)?.min(59), nanoseconds)?;
    Some(time.trunc_subsecs(3))
}

/// The zone the times of a header are in.
pub(super) enum Zone {
    Stated(FixedOffset),
    Named(Tz),
}

impl Zone {
    /// What Timezone Offset From UTC says, otherwise `default`.
    pub(super) fn of(data: &DataSet, default: Tz) -> Self {
        let stated =
            data.text(tags::TIMEZONE_OFFSET_FROM_UTC).and_then(|text| text.parse::<FixedOffset>().ok());
        stated.map_or(Self::Named(default), Self::Stated)
    }

    pub(super) fn at(&self, local: NaiveDateTime) -> Option<DateTime<FixedOffset>> {
        match self {
            Self::Stated(offset) => offset.from_local_datetime(&local).earliest(),
            Self::Named(zone) => {
                let time = zone.from_local_datetime(&local).earliest()?;
                Some(time.with_timezone(&time.offset().fix()))
            }
        }
    }

    /// The IANA name; an offset has one only when it is whole hours, with the sign the other way round.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Named(zone) => Some(zone.name().to_owned()),
            Self::Stated(offset) => {
                match (offset.local_minus_utc() / 3600, offset.local_minus_utc() % 3600) {
                    (0, 0) => Some("UTC".to_owned()),
                    (hours, 0) if (-12..=14).contains(&hours) => Some(format!("Etc/GMT{:+}", -hours)),
                    _ => None,
                }
            }
        }
    }
}

/// A label made of `text`: a slash would end a path segment, control characters end lines, and runs of spaces are
/// padding.
pub(super) fn label(text: Option<String>) -> Option<String> {
    let text: String = text?.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(LONGEST_LABEL).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dicom::header::fixture::data_set;
    use dicom_core::VR;

    #[test]
    fn age_is_the_stated_one_or_the_time_since_birth() {
        let age_of =
            |elements: &[(Tag, VR, &str)]| age(&data_set(elements), NaiveDate::from_ymd_opt(2020, 6, 1));
        assert_eq!(age_of(&[(tags::PATIENT_AGE, VR::AS, "030Y")]), Some(946_728_000));
        assert_eq!(age_of(&[(tags::PATIENT_AGE, VR::AS, "006M")]), Some(15_552_000));
        assert_eq!(age_of(&[(tags::PATIENT_BIRTH_DATE, VR::DA, "20200501")]), Some(31 * 86_400));
        assert_eq!(age_of(&[(tags::PATIENT_BIRTH_DATE, VR::DA, "18000101")]), None);
        assert_eq!(age_of(&[(tags::PATIENT_BIRTH_DATE, VR::DA, "20210101")]), None);
        assert_eq!(age_of(&[]), None);
    }

    #[test]
    fn a_stated_offset_goes_before_the_given_zone() {
        let at = |elements: &[(Tag, VR, &str)]| {
            let data = data_set(elements);
            let zone = Zone::of(&data, chrono_tz::Europe::Berlin);
            let local =
                date(&data, tags::STUDY_DATE).unwrap().and_time(time(&data, tags::STUDY_TIME).unwrap());
            (zone.at(local).unwrap().to_rfc3339(), zone.name().unwrap())
        };
        let day = (tags::STUDY_DATE, VR::DA, "2020.06.01");
        let time = (tags::STUDY_TIME, VR::TM, "13:00");
        assert_eq!(at(&[day, time]), ("2020-06-01T13:00:00+02:00".into(), "Europe/Berlin".into()));
        let offset = (tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "-0500");
        assert_eq!(at(&[day, time, offset]), ("2020-06-01T13:00:00-05:00".into(), "Etc/GMT+5".into()));
    }

    #[test]
    fn a_name_without_letters_of_the_first_group_is_taken_from_the_next() {
        assert_eq!(person("=山田^太郎"), Some((Some("山田".into()), Some("太郎".into()))));
        assert_eq!(person("^^="), None);
        assert_eq!(person("Doe"), Some((Some("Doe".into()), None)));
    }
}
