//! The table of subjects: written by the demonstration, then read back as a lab's own table would be.

use std::io::{Read, Write};

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::random::Random;

/// How the table writes a time of scan.
const TIME_FORMAT: &str = "%m/%d/%Y %H:%M";
const WOMEN: &[&str] = &["Amara", "Birgit", "Chiara", "Dilnoza", "Elif", "Fatou", "Grace", "Hana"];
const MEN: &[&str] = &["Anselm", "Bao", "Carlos", "Dmitri", "Emeka", "Farid", "Günther", "Hiro"];
const FAMILIES: &[&str] = &[
    "Adeyemi",
    "Brandt",
    "Castillo",
    "Dvořák",
    "Eriksen",
    "Fontaine",
    "García",
    "Haddad",
    "Ito",
    "Jensen",
    "Kovács",
    "Lindqvist",
];

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(rename = "Subject ID")]
    pub(crate) id: String,
    #[serde(rename = "FirstName")]
    pub(crate) firstname: String,
    #[serde(rename = "LastName")]
    pub(crate) lastname: String,
    pub(crate) sex: String,
    /// Years at the time of scan.
    pub(crate) age: f64,
    /// Local time of the scanner.
    #[serde(rename = "time of scan")]
    pub(crate) time_of_scan: String,
}

impl Row {
    /// When the scan was, with the scanner's time zone attached.
    ///
    /// # Errors
    /// The text is not `MM/DD/YYYY HH:MM`, or names an hour that the change to summer time leaves out.
    pub(crate) fn scanned_at(&self, zone: Tz) -> anyhow::Result<DateTime<Tz>> {
        let local = self.local_time()?;
        zone.from_local_datetime(&local)
            .earliest()
            .ok_or_else(|| anyhow::anyhow!("{}: there is no {local} in {zone}", self.id))
    }

    /// # Errors
    /// The text is not `MM/DD/YYYY HH:MM`.
    pub(crate) fn local_time(&self) -> anyhow::Result<NaiveDateTime> {
        NaiveDateTime::parse_from_str(&self.time_of_scan, TIME_FORMAT)
            .map_err(|error| anyhow::anyhow!("{}: time of scan {:?}: {error}", self.id, self.time_of_scan))
    }
}

/// `count` made-up people.
pub(crate) fn invent(count: usize, random: &mut Random) -> Vec<Row> {
    let first_day =
        NaiveDate::from_ymd_opt(2019, 9, 23).and_then(|day| day.and_hms_opt(8, 0, 0)).unwrap_or_default();
    (0..count)
        .map(|index| {
            let (sex, names) = if random.unit() < 0.5 { ("female", WOMEN) } else { ("male", MEN) };
            let time =
                first_day + Duration::days(index as i64 * 3) + Duration::minutes(random.below(9 * 60) as i64);
            // Every third subject is in the twenties, so that a selection by age has something to select.
            let age = if index % 3 == 0 { random.between(20.0, 30.0) } else { random.between(30.0, 75.0) };
            Row {
                id: format!("sub-{:02}", index + 1),
                firstname: names.get(random.below(names.len())).copied().unwrap_or_default().to_owned(),
                lastname: FAMILIES.get(random.below(FAMILIES.len())).copied().unwrap_or_default().to_owned(),
                sex: sex.to_owned(),
                age: (age * 10.0).round() / 10.0,
                time_of_scan: time.format(TIME_FORMAT).to_string(),
            }
        })
        .collect()
}

/// # Errors
/// Writing failed.
pub(crate) fn write(rows: &[Row], to: impl Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer.flush()?)
}

/// # Errors
/// A column is missing or an age is no number.
pub(crate) fn read(from: impl Read) -> csv::Result<Vec<Row>> {
    csv::Reader::from_reader(from).into_deserialize().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_reads_back_as_it_was_written() {
        let rows = invent(12, &mut Random::seeded(7));
        let mut text = Vec::new();
        write(&rows, &mut text).unwrap();
        assert!(text.starts_with(b"Subject ID,FirstName,LastName,sex,age,time of scan\n"));
        assert_eq!(read(&text[..]).unwrap(), rows);
    }

    #[test]
    fn a_time_of_scan_keeps_its_zone() {
        let row =
            Row { time_of_scan: "10/03/2019 15:32".into(), ..invent(1, &mut Random::seeded(1)).remove(0) };
        let time = row.scanned_at(chrono_tz::America::Chicago).unwrap();
        assert_eq!(time.to_rfc3339(), "2019-10-03T15:32:00-05:00");
        let skipped_hour = Row { time_of_scan: "03/10/2019 02:30".into(), ..row };
        assert!(skipped_hour.scanned_at(chrono_tz::America::Chicago).is_err());
    }
}
