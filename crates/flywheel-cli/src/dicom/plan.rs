//! The containers a scan leads to: patient to subject, study to session, series to acquisition with one archive.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use chrono_tz::Tz;
use dicom_dictionary_std::tags;
use serde::Serialize;
use serde_json::Value as Json;

use super::classify::{Classification, classify_mr};
use super::facts::{UNKNOWN, Zone, age, date, display_name, label, person, sex, subject_label, time};
use super::header::Header;
use super::info::file_info;
use super::scan::Skipped;
use super::source::Source;
use super::value::DataSet;

/// One file of a series.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) source: Source,
    /// Path relative to the scanned folder, `/` between its parts.
    pub(crate) path: String,
    /// Path inside the archive of the series: the part of `path` beneath the deepest folder all members share.
    pub(crate) name: String,
    /// Bytes, 0 where only unpacking would tell.
    pub(crate) size: u64,
    /// What is wrong with a file that is filed all the same.
    pub(crate) note: Option<String>,
}

/// Files sorted into series as a scan finds them, in any order.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    series: BTreeMap<SeriesKey, Series>,
    skipped: Vec<Skipped>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SeriesKey {
    subject: String,
    study: String,
    series: String,
}

#[derive(Debug)]
struct Series {
    members: Vec<Member>,
    rank: Rank,
    lead: Header,
}

/// The lowest rank leads its series: whole before damaged, then by instance number, then by path.
type Rank = (bool, i64, String);

/// All containers to make, in a stable order.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Plan {
    pub(crate) subjects: Vec<SubjectPlan>,
    pub(crate) skipped: Vec<Skipped>,
    /// Files that are imported although something is wrong with them, or filed by a fallback.
    pub(crate) notes: Vec<Skipped>,
}

/// A subject to make.
#[derive(Debug, Serialize)]
pub(crate) struct SubjectPlan {
    pub(crate) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) firstname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lastname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sex: Option<&'static str>,
    pub(crate) sessions: Vec<SessionPlan>,
}

/// A session to make.
#[derive(Debug, Serialize)]
pub(crate) struct SessionPlan {
    pub(crate) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<DateTime<FixedOffset>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timezone: Option<String>,
    /// Seconds at the time of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age: Option<i64>,
    /// Kilograms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operator: Option<String>,
    pub(crate) acquisitions: Vec<AcquisitionPlan>,
}

/// An acquisition to make, with its one archive.
#[derive(Debug, Serialize)]
pub(crate) struct AcquisitionPlan {
    pub(crate) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<DateTime<FixedOffset>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timezone: Option<String>,
    pub(crate) file: FilePlan,
}

/// The archive of one series.
#[derive(Debug, Serialize)]
pub(crate) struct FilePlan {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) modality: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) classification: Classification,
    #[serde(skip)]
    pub(crate) info: Json,
    #[serde(rename = "files", serialize_with = "count")]
    pub(crate) members: Vec<Member>,
}

fn count<S: serde::Serializer>(members: &[Member], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(members.len() as u64)
}

impl Grouping {
    pub(crate) fn skip(&mut self, path: String, reason: impl Into<String>) {
        self.skipped.push(Skipped { path, reason: reason.into() });
    }

    /// Files one header. A missing patient, study or series is replaced by what is said in [`Plan::notes`].
    pub(crate) fn add(&mut self, mut member: Member, header: Header) {
        let data = &header.data;
        let (subject, fallback) = subject_label(data);
        let folder = member.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let study = data.text(tags::STUDY_INSTANCE_UID).unwrap_or_else(|| format!("none {folder}"));
        let series = data.text(tags::SERIES_INSTANCE_UID).unwrap_or_else(|| format!("none {}", member.path));
        if let Some(fallback) = fallback {
            member.note = Some(member.note.map_or(fallback.clone(), |note| format!("{note}; {fallback}")));
        }
        let number = data.number(tags::INSTANCE_NUMBER).map_or(i64::MAX, |number| number as i64);
        let rank = (header.ended_early.is_some(), number, member.path.clone());
        match self.series.entry(SeriesKey { subject, study, series }) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Series { members: vec![member], rank, lead: header });
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let series = entry.get_mut();
                series.members.push(member);
                if rank < series.rank {
                    (series.rank, series.lead) = (rank, header);
                }
            }
        }
    }

    /// The containers, with times in `zone` where a header does not state its own offset.
    pub(crate) fn plan(self, zone: Tz) -> Plan {
        let mut plan = Plan { skipped: self.skipped, ..Plan::default() };
        let mut leads = Vec::new();
        for (key, mut series) in self.series {
            series.members.sort_by(|a, b| a.path.cmp(&b.path));
            plan.notes.extend(series.members.iter().filter_map(|member| {
                Some(Skipped { path: member.path.clone(), reason: member.note.clone()? })
            }));
            leads.push((key, series));
        }
        for subject in leads.chunk_by_owned(|(key, _)| key.subject.clone()) {
            plan.subjects.push(plan_subject(subject, zone));
        }
        plan.skipped.sort();
        plan.notes.sort();
        plan
    }
}

/// Splits a sorted list into runs of equal keys, giving the items away.
trait ChunkByOwned<T> {
    fn chunk_by_owned<K: PartialEq>(self, key: impl Fn(&T) -> K) -> Vec<Vec<T>>;
}

impl<T> ChunkByOwned<T> for Vec<T> {
    fn chunk_by_owned<K: PartialEq>(self, key: impl Fn(&T) -> K) -> Vec<Vec<T>> {
        let mut chunks: Vec<Vec<T>> = Vec::new();
        for item in self {
            match chunks.last_mut() {
                Some(chunk) if chunk.last().is_some_and(|last| key(last) == key(&item)) => chunk.push(item),
                _ => chunks.push(vec![item]),
            }
        }
        chunks
    }
}

type Keyed = Vec<(SeriesKey, Series)>;

fn plan_subject(series: Keyed, zone: Tz) -> SubjectPlan {
    let label = series.first().map(|(key, _)| key.subject.clone()).unwrap_or_default();
    let names = series.iter().find_map(|(_, series)| person(&series.lead.data.text(tags::PATIENT_NAME)?));
    let (lastname, firstname) = names.unwrap_or_default();
    let sex = series.iter().find_map(|(_, series)| sex(&series.lead.data));
    let studies = series.chunk_by_owned(|(key, _)| key.study.clone());
    let mut sessions: Vec<_> = studies.into_iter().map(|series| plan_session(series, zone)).collect();
    sessions.sort_by(|a, b| (a.timestamp, &a.label, &a.uid).cmp(&(b.timestamp, &b.label, &b.uid)));
    make_unique(sessions.iter_mut().map(|session| &mut session.label));
    SubjectPlan { label, firstname, lastname, sex, sessions }
}

fn plan_session(series: Keyed, zone: Tz) -> SessionPlan {
    let mut planned: Vec<_> = series.into_iter().map(|(_, series)| plan_acquisition(series, zone)).collect();
    planned.sort_by(|(a, _), (b, _)| a.cmp(b));
    let first = planned.first().map(|(_, (_, data))| session_facts(data, zone));
    let mut acquisitions: Vec<_> = planned.into_iter().map(|(_, (acquisition, _))| acquisition).collect();
    make_unique(acquisitions.iter_mut().map(|acquisition| &mut acquisition.label));
    for acquisition in &mut acquisitions {
        acquisition.file.name = format!("{}.dicom.zip", safe_file_name(&acquisition.label));
    }
    SessionPlan { acquisitions, ..first.unwrap_or_else(|| session_facts(&DataSet::default(), zone)) }
}

fn session_facts(data: &DataSet, zone: Tz) -> SessionPlan {
    let date = date(data, tags::STUDY_DATE);
    let time = time(data, tags::STUDY_TIME);
    let zone = Zone::of(data, zone);
    let timestamp = date.and_then(|date| zone.at(date.and_time(time.unwrap_or_default())));
    let uid = data.text(tags::STUDY_INSTANCE_UID);
    let dated = match (date, time) {
        (Some(date), Some(time)) => Some(date.and_time(time).format("%Y-%m-%d %H_%M_%S").to_string()),
        (Some(date), None) => Some(date.format("%Y-%m-%d").to_string()),
        _ => None,
    };
    let label = dated
        .or_else(|| label(data.text(tags::STUDY_DESCRIPTION)))
        .or_else(|| label(data.text(tags::STUDY_ID)))
        .or_else(|| uid.clone().map(|uid| format!("study {uid}")))
        .unwrap_or_else(|| format!("{UNKNOWN} study"));
    SessionPlan {
        label,
        uid,
        timestamp,
        timezone: timestamp.and_then(|_| zone.name()),
        age: age(data, date),
        weight: data.number(tags::PATIENT_WEIGHT).filter(|kilograms| *kilograms > 0.0),
        operator: data
            .text(tags::OPERATORS_NAME)
            .map(|name| display_name(&name))
            .filter(|name| !name.is_empty()),
        acquisitions: Vec::new(),
    }
}

/// Order of series within their study.
type SeriesOrder = (i64, Option<DateTime<FixedOffset>>, Option<String>, String);

fn plan_acquisition(series: Series, zone: Tz) -> (SeriesOrder, (AcquisitionPlan, DataSet)) {
    let Series { mut members, lead: Header { data, .. }, rank } = series;
    name_members(&mut members);
    let number = data.number(tags::SERIES_NUMBER).map(|number| number as i64);
    let zone = Zone::of(&data, zone);
    let times = [
        (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
        (tags::SERIES_DATE, tags::SERIES_TIME),
        (tags::STUDY_DATE, tags::STUDY_TIME),
    ];
    let timestamp = times
        .into_iter()
        .find_map(|(day, clock)| zone.at(date(&data, day)?.and_time(time(&data, clock).unwrap_or_default())));
    let modality = data.text(tags::MODALITY).map(|modality| modality.to_uppercase());
    let classification =
        if modality.as_deref() == Some("MR") { classify_mr(&data) } else { Classification::new() };
    let acquisition = AcquisitionPlan {
        label: series_label(&data, number, modality.as_deref(), &rank.2),
        uid: data.text(tags::SERIES_INSTANCE_UID),
        timestamp,
        timezone: timestamp.and_then(|_| zone.name()),
        file: FilePlan { name: String::new(), modality, classification, info: file_info(&data), members },
    };
    ((number.unwrap_or(i64::MAX), timestamp, acquisition.uid.clone(), rank.2), (acquisition, data))
}

fn series_label(data: &DataSet, number: Option<i64>, modality: Option<&str>, path: &str) -> String {
    let described =
        label(data.text(tags::SERIES_DESCRIPTION)).or_else(|| label(data.text(tags::PROTOCOL_NAME)));
    let described = described.or_else(|| modality.map(str::to_owned));
    match (number, described) {
        (Some(number), Some(described)) => format!("{number} - {described}"),
        (None, Some(described)) => described,
        (Some(number), None) => format!("{number} - {UNKNOWN}"),
        (None, None) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let stem = name.strip_suffix(".dcm").unwrap_or(name);
            label(Some(stem.to_owned())).unwrap_or_else(|| UNKNOWN.to_owned())
        }
    }
}

/// Names members by their path beneath the deepest folder all of them are in.
fn name_members(members: &mut [Member]) {
    let folders = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
    let Some(first) = members.first() else { return };
    let mut common: Vec<String> = folders(&first.path).split('/').map(str::to_owned).collect();
    for member in members.iter() {
        let own = folders(&member.path);
        let shared = common.iter().zip(own.split('/')).take_while(|(a, b)| a.as_str() == *b).count();
        common.truncate(shared);
    }
    let length: usize = common.iter().map(|part| part.len() + 1).sum();
    let beneath = if common.iter().all(String::is_empty) { 0 } else { length };
    for member in members {
        member.name = member.path.get(beneath..).unwrap_or(&member.path).to_owned();
    }
}

fn safe_file_name(label: &str) -> String {
    label
        .chars()
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*') { '_' } else { c })
        .collect()
}

/// Gives siblings of one label a number, so that each can be found by its path.
fn make_unique<'a>(labels: impl Iterator<Item = &'a mut String>) {
    let mut seen = BTreeSet::new();
    for label in labels {
        let plain = label.clone();
        let mut number = 1;
        while !seen.insert(label.clone()) {
            number += 1;
            *label = format!("{plain} ({number})");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dicom::header::fixture::data_set;
    use dicom_core::{Tag, VR};

    type Element<'a> = (Tag, VR, &'a str);

    fn group(files: &[(&str, &[Element<'_>])]) -> Grouping {
        let mut grouping = Grouping::default();
        for &(path, elements) in files {
            let member = Member {
                source: Source::File(path.into()),
                path: path.to_owned(),
                name: path.to_owned(),
                size: 1,
                note: None,
            };
            grouping.add(member, Header { data: data_set(elements), ended_early: None });
        }
        grouping
    }

    fn plan(files: &[(&str, &[Element<'_>])]) -> Plan {
        group(files).plan(chrono_tz::Europe::Berlin)
    }

    #[test]
    fn patient_study_and_series_become_containers() {
        let elements: &[_] = &[
            (tags::STUDY_DATE, VR::DA, "20200601"),
            (tags::STUDY_TIME, VR::TM, "130021.5"),
            (tags::MODALITY, VR::CS, "MR"),
            (tags::SERIES_DESCRIPTION, VR::LO, "T1w / sag"),
            (tags::PATIENT_NAME, VR::PN, "Doe^Jane"),
            (tags::PATIENT_ID, VR::LO, "A/1"),
            (tags::PATIENT_SEX, VR::CS, "F"),
            (tags::PATIENT_AGE, VR::AS, "030Y"),
            (tags::PATIENT_WEIGHT, VR::DS, "61.5"),
            (tags::STUDY_INSTANCE_UID, VR::UI, "1.2"),
            (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3"),
            (tags::SERIES_NUMBER, VR::IS, "4"),
        ];
        let plan = plan(&[("x/y/2.dcm", elements), ("x/y/1.dcm", elements), ("x/z/1.dcm", elements)]);
        insta::assert_json_snapshot!(plan);
        let names: Vec<_> =
            plan.subjects[0].sessions[0].acquisitions[0].file.members.iter().map(|m| &m.name).collect();
        assert_eq!(names, ["y/1.dcm", "y/2.dcm", "z/1.dcm"]);
    }

    #[test]
    fn siblings_of_one_label_are_numbered() {
        let series = |uid| {
            [
                (tags::PATIENT_ID, VR::LO, "P"),
                (tags::STUDY_INSTANCE_UID, VR::UI, "1"),
                (tags::SERIES_INSTANCE_UID, VR::UI, uid),
                (tags::MODALITY, VR::CS, "CT"),
            ]
        };
        let plan = plan(&[("a", &series("1.1")), ("b", &series("1.2"))]);
        let labels: Vec<_> =
            plan.subjects[0].sessions[0].acquisitions.iter().map(|a| a.file.name.as_str()).collect();
        assert_eq!(labels, ["CT.dicom.zip", "CT (2).dicom.zip"]);
    }

    #[test]
    fn a_missing_patient_is_filed_by_a_stated_fallback() {
        let named = plan(&[("a", &[(tags::PATIENT_NAME, VR::PN, "Doe^Jane")])]);
        assert_eq!(named.subjects[0].label, "Jane Doe");
        assert_eq!(named.notes[0].reason, "no patient id: filed under the patient's name");
        let nameless = plan(&[("a", &[(tags::SOP_CLASS_UID, VR::UI, "1")])]);
        assert_eq!(nameless.subjects[0].label, "unknown");
        assert_eq!(nameless.notes.len(), 1);
    }
}
