//! Makes subjects, sessions and acquisitions from the rows of a CSV file, whose times are those of the clock of each scanner.
//!
//! ```text
//! cargo run -p flywheel-sdk --example add_from_csv
//! ```

mod common;

use std::fmt::Write as _;

use chrono::{NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use common::Failure;
use flywheel::{Age, Row};
use serde::Deserialize;

const TABLE: &str = "\
subject ID,FirstName,LastName,sex,age,time of scan,time zone
sub-01,Ada,Example,female,36,10/03/2019 15:32,America/Chicago
sub-02,Ben,Sample,male,51,09/23/2019 12:02,America/Chicago
sub-03,Cem,Muster,male,28.5,09/23/2019 12:02,Europe/Berlin
";

/// A row of the file.
#[derive(Deserialize)]
struct Scan {
    #[serde(rename = "subject ID")]
    subject: String,
    #[serde(rename = "FirstName")]
    first: String,
    #[serde(rename = "LastName")]
    last: String,
    sex: String,
    age: f64,
    #[serde(rename = "time of scan")]
    time: String,
    #[serde(rename = "time zone")]
    zone: String,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Old Scans").await?;

    let mut rows = Vec::new();
    for scan in csv::Reader::from_reader(TABLE.as_bytes()).deserialize() {
        rows.extend(rows_of(&scan?)?);
    }
    let report = project.create_many(rows).at_once(4).await?.complete()?;
    writeln!(out, "{} containers made", report.done.len())?;

    for acquisition in project.acquisitions().sort("timestamp").await? {
        let (subject, visit) = (acquisition.subject().await?, acquisition.session().await?);
        let scanned = acquisition.recorded_at().ok_or("every scan has a time")?;
        writeln!(
            out,
            "{} {:<11} aged {:>4} scanned {} = {}",
            subject.label(),
            subject.lastname.as_deref().unwrap_or_default(),
            visit.age_years().unwrap_or_default(),
            scanned.utc().to_rfc3339_opts(SecondsFormat::Secs, true),
            scanned.original()?.format("%d %B %Y %H:%M %Z"),
        )?;
    }
    Ok(())
}

/// The person, the visit and the scan that a row tells of.
fn rows_of(scan: &Scan) -> Result<[Row; 3], Failure> {
    let wall = NaiveDateTime::parse_from_str(&scan.time, "%m/%d/%Y %H:%M")?;
    let zone: Tz = scan.zone.parse()?;
    let time =
        zone.from_local_datetime(&wall).single().ok_or("a time that the clock never or twice showed")?;
    Ok([
        Row::subject(&scan.subject)
            .set("firstname", &scan.first)
            .set("lastname", &scan.last)
            .set("sex", &scan.sex),
        Row::session(&scan.subject, "Session1").set("age", Age::from_years(scan.age).seconds()),
        Row::acquisition(&scan.subject, "Session1", "Struct_T1")
            .set("timestamp", time.with_timezone(&Utc))
            .set("timezone", &scan.zone),
    ])
}
