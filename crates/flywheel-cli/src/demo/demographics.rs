//! The demographics report: who is in a project, how old and of which sex.

use std::path::Path;

use serde::Serialize;

use crate::printer::Table;

/// One subject, with the age at the first session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Person {
    pub(crate) subject: String,
    /// Years, to a hundredth.
    pub(crate) age: Option<f64>,
    pub(crate) sex: Option<String>,
}

/// Figures of a group of people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) subjects: usize,
    /// Years.
    pub(crate) mean_age: Option<f64>,
    /// Years, of the whole population.
    pub(crate) std_age: Option<f64>,
    pub(crate) percent_female: f64,
    pub(crate) percent_male: f64,
}

impl Summary {
    /// Ages that are not known take no part in the mean.
    pub(crate) fn of(people: &[Person]) -> Self {
        let ages: Vec<f64> = people.iter().filter_map(|person| person.age).collect();
        let count = ages.len() as f64;
        let mean_age = (count > 0.0).then(|| ages.iter().sum::<f64>() / count);
        let std_age =
            mean_age.map(|mean| (ages.iter().map(|age| (age - mean).powi(2)).sum::<f64>() / count).sqrt());
        let percent = |sex: &str| {
            let of_sex = people.iter().filter(|person| person.sex.as_deref() == Some(sex)).count();
            100.0 * of_sex as f64 / people.len().max(1) as f64
        };
        Self {
            subjects: people.len(),
            mean_age,
            std_age,
            percent_female: percent("female"),
            percent_male: percent("male"),
        }
    }

    pub(crate) fn table(&self) -> Table {
        let mut table = Table::report(["Measure", "Value"]).numeric([1]);
        let known = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| format!("{value:.2}"));
        table.row(["Total subjects".into(), self.subjects.into()]);
        table.row([
            "Mean age (std)".into(),
            format!("{} ({})", known(self.mean_age), known(self.std_age)).into(),
        ]);
        table.row(["Percent female".into(), format!("{:.1}", self.percent_female).into()]);
        table.row(["Percent male".into(), format!("{:.1}", self.percent_male).into()]);
        table
    }
}

/// # Errors
/// The file cannot be written.
pub(crate) fn save(people: &[Person], path: &Path) -> csv::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    for person in people {
        writer.serialize(person)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(age: Option<f64>, sex: &str) -> Person {
        Person { subject: "s".into(), age, sex: Some(sex.into()) }
    }

    #[test]
    fn unknown_ages_stay_out_of_the_mean_but_count_as_people() {
        let people = [
            person(Some(20.0), "male"),
            person(Some(40.0), "female"),
            person(None, "female"),
            person(None, "other"),
        ];
        let summary = Summary::of(&people);
        assert_eq!((summary.subjects, summary.mean_age, summary.std_age), (4, Some(30.0), Some(10.0)));
        assert_eq!((summary.percent_female, summary.percent_male), (50.0, 25.0));
    }

    #[test]
    fn nobody_has_no_age() {
        let summary = Summary::of(&[]);
        assert_eq!((summary.mean_age, summary.percent_male), (None, 0.0));
    }
}
