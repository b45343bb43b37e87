//! `GET /report/project`: the people in projects, by race, ethnicity and sex.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use flywheel_core::time;
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::span::instant;
use crate::{
    access::{Access, roles},
    error::ApiResult,
    guard::{Guard, require_object_id},
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        containers::{self, Container},
        records::{self, AccountKind},
    },
};

const RACES: [&str; 7] = [
    "American Indian or Alaska Native",
    "Asian",
    "Native Hawaiian or Other Pacific Islander",
    "Black or African American",
    "White",
    "More Than One Race",
    UNKNOWN,
];
const ETHNICITIES: [&str; 3] = ["Not Hispanic or Latino", "Hispanic or Latino", UNKNOWN];
const SEXES: [&str; 3] = ["Female", "Male", UNKNOWN];
const UNKNOWN: &str = "Unknown or Not Reported";
const TOTAL: &str = "Total";

/// A year of 365.25 days, seconds.
const YEAR: i64 = 31_557_600;

/// `GET /report/project?projects=&start_date=&end_date=`
pub(super) async fn report(
    _guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let given = params.all("projects").flat_map(|ids| ids.split(',')).filter(|id| !id.is_empty());
    let named: Vec<String> = given.map(str::to_owned).collect();
    named.iter().try_for_each(|id| require_object_id(id))?;
    let day = |name: &str| -> ApiResult<Option<String>> { Ok(instant(&params, name)?.map(time::format)) };
    let (from, to) = (day("start_date")?, day("end_date")?);
    let work = move |db: &Connection| {
        let projects = if named.is_empty() { every_project(db)? } else { named };
        let reports = projects
            .iter()
            .map(|id| one(db, &containers::get(db, Kind::Project, id)?, from.as_deref(), to.as_deref()));
        Ok(json!({"projects": reports.collect::<ApiResult<Vec<Value>>>()?}))
    };
    state.store.read(work).await.map(Json)
}

fn every_project(db: &Connection) -> ApiResult<Vec<String>> {
    let mut statement =
        db.prepare_cached("SELECT id FROM containers WHERE kind = 2 AND deleted IS NULL ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A person with sessions in the time of the report.
struct Person {
    sex: Option<String>,
    race: Option<String>,
    ethnicity: Option<String>,
    /// At the last session that knows it, seconds.
    age: Option<i64>,
    sessions: i64,
}

fn people(db: &Connection, project: &str, from: Option<&str>, to: Option<&str>) -> ApiResult<Vec<Person>> {
    let mut statement = db.prepare_cached(
        "SELECT s.doc ->> '$.sex', s.doc ->> '$.race', s.doc ->> '$.ethnicity', max(q.doc ->> '$.age'), count(*)
         FROM containers q JOIN containers s ON s.id = q.subject_id
         WHERE q.project_id = :project AND q.kind = 4 AND q.deleted IS NULL
            AND (:from IS NULL OR coalesce(q.timestamp, q.created) >= :from)
            AND (:to IS NULL OR coalesce(q.timestamp, q.created) <= :to)
         GROUP BY s.id",
    )?;
    let rows = statement.query_map(named_params! {":project": project, ":from": from, ":to": to}, |row| {
        Ok(Person {
            sex: row.get(0)?,
            race: row.get(1)?,
            ethnicity: row.get(2)?,
            age: row.get(3)?,
            sessions: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn one(db: &Connection, project: &Container, from: Option<&str>, to: Option<&str>) -> ApiResult<Value> {
    let people = people(db, &project.id, from, to)?;
    let of_sex = |sexes: &[&str]| {
        let fits = |person: &&Person| person.sex.as_deref().is_some_and(|sex| sexes.contains(&sex));
        people.iter().filter(fits).count()
    };
    let (female, male) = (of_sex(&["female"]), of_sex(&["male"]));
    let aged = |adult: bool| {
        people.iter().filter(|person| person.age.is_some_and(|age| (age >= 18 * YEAR) == adult)).count()
    };
    let group = containers::find(db, project.ancestor(Kind::Group).unwrap_or_default())?;
    Ok(json!({
        "name": project.label(), "group_name": group.map(|group| group.label().to_owned()),
        "admins": admins(db, project)?, "session_count": people.iter().map(|person| person.sessions).sum::<i64>(),
        "subjects_count": people.len(), "female_count": female, "male_count": male,
        "other_count": people.len() - female - male, "demographics_grid": grid(&people),
        "demographics_total": people.len(), "over_18_count": aged(true), "under_18_count": aged(false),
    }))
}

/// The names of those who administer a project.
fn admins(db: &Connection, project: &Container) -> ApiResult<Vec<Value>> {
    let role = roles::built_in(db, Access::Admin)?;
    let mut names = Vec::new();
    for entry in project.doc.get("permissions").and_then(Value::as_array).into_iter().flatten() {
        let mut roles = entry.get("role_ids").and_then(Value::as_array).into_iter().flatten();
        let Some(id) = entry.get("_id").and_then(Value::as_str).filter(|_| roles.any(|id| *id == role))
        else {
            continue;
        };
        let user = records::account(db, AccountKind::User, id)?.unwrap_or_default();
        let part = |key: &str| user.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", part("firstname"), part("lastname"));
        names.push(match name.trim() {
            "" => id.into(),
            name => name.into(),
        });
    }
    Ok(names)
}

/// Races by ethnicities by sexes, each with a total.
fn grid(people: &[Person]) -> Value {
    let mut cells: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
    for person in people {
        let word = |given: &Option<String>, known: &[&'static str]| {
            known.iter().copied().find(|word| given.as_deref() == Some(*word)).unwrap_or(UNKNOWN)
        };
        let race = word(&person.race, &RACES);
        let ethnicity = word(&person.ethnicity, &ETHNICITIES);
        let sex = match person.sex.as_deref() {
            Some("female") => "Female",
            Some("male") => "Male",
            _ => UNKNOWN,
        };
        for race in [race, TOTAL] {
            for (ethnicity, sex) in [(ethnicity, sex), (TOTAL, TOTAL)] {
                *cells.entry((race, ethnicity, sex)).or_default() += 1;
            }
        }
    }
    let mut grid = json!({});
    for race in RACES.into_iter().chain([TOTAL]) {
        for ethnicity in ETHNICITIES {
            for sex in SEXES {
                grid[race][ethnicity][sex] = cells.get(&(race, ethnicity, sex)).copied().unwrap_or(0).into();
            }
        }
        grid[race][TOTAL] = cells.get(&(race, TOTAL, TOTAL)).copied().unwrap_or(0).into();
    }
    grid
}
