//! Reports who takes part in a study: numbers, mean age and its spread, shares of the sexes; and one row a person as CSV.
//!
//! ```text
//! cargo run -p flywheel-sdk --example demographics
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{Age, Client, Project};
use futures::TryStreamExt;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Aging Study").cast().await?;

    let mut report = csv::Writer::from_writer(Vec::new());
    report.write_record(["subject", "sex", "age"])?;
    let (mut ages, mut sexes) = (Vec::new(), Vec::new());
    let mut subjects = project.subjects().sort("label").full().iter();
    while let Some(subject) = subjects.try_next().await? {
        // The age is that of the first visit; who has none, or none with an age, has an empty cell.
        let visit = subject.sessions().sort("created").find_first().await?;
        let age = visit.and_then(|visit| visit.age_years());
        let sex = subject.sex.as_ref().map_or("", |sex| sex.as_str());
        let cell = age.map(|age| format!("{age:.1}")).unwrap_or_default();
        report.write_record([subject.label(), sex, &cell])?;
        ages.extend(age);
        sexes.push(sex.to_owned());
    }

    let (mean, spread) = mean_and_spread(&ages);
    let share =
        |wanted| 100.0 * sexes.iter().filter(|sex| *sex == wanted).count() as f64 / sexes.len() as f64;
    writeln!(out, "Demographics of {}", project.label())?;
    writeln!(out, "{:<16} {}", "Subjects", sexes.len())?;
    writeln!(out, "{:<16} {mean:.2} ({spread:.2}), known for {}", "Mean age (SD)", ages.len())?;
    writeln!(out, "{:<16} {:.1} %", "Female", share("female"))?;
    writeln!(out, "{:<16} {:.1} %", "Male", share("male"))?;

    // The report is kept with the study.
    let bytes = report.into_inner()?;
    let file = project.upload(flywheel::Source::bytes("demographics.csv", bytes)).await?;
    writeln!(out, "\n{}", file.name())?;
    out.push_str(&String::from_utf8(file.download().bytes().await?.to_vec())?);
    Ok(())
}

/// The mean, and the standard deviation of a sample.
fn mean_and_spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() as f64 - 1.0)).sqrt())
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Aging Study").await?;
    for (label, sex, years) in [
        ("sub-01", "male", Some(38.0)),
        ("sub-02", "female", Some(62.0)),
        ("sub-03", "female", None),
        ("sub-04", "female", Some(44.0)),
    ] {
        let subject = project.add_subject(label).sex(sex).await?;
        if let Some(years) = years {
            subject.add_session("baseline").age(Age::from_years(years).seconds()).await?;
        }
    }
    Ok(())
}
