//! What a researcher asks of a project, each question a few lines against the client.

use std::path::Path;

use flywheel::{Acquisition, Age, Analysis, File, Project, Session, Source, field};
use futures::TryStreamExt;
use serde::Serialize;
use serde_json::Value as Json;

use super::completeness::{Count, INCOMPLETE, announced};
use super::demographics::Person;
use super::missing::Present;
use super::quality::{Assessment, judge};
use crate::printer::Table;

/// The tag of acquisitions that were selected.
const SELECTED: &str = "t1-of-twenties";
/// Part of the name of files that hold quality measures.
const QUALITY: &str = "mriqc";

/// Every subject with sex, and age at the first session.
///
/// # Errors
/// The site cannot be asked.
pub(crate) async fn people(project: &Project) -> flywheel::Result<Vec<Person>> {
    let mut people = Vec::new();
    let mut subjects = project.subjects().full().iter();
    while let Some(subject) = subjects.try_next().await? {
        let session = subject.sessions().find_first().await?;
        let age = session.and_then(|session| session.age_years()).map(|age| (age * 100.0).round() / 100.0);
        people.push(Person { subject: subject.label().to_owned(), age, sex: subject.sex.clone() });
    }
    people.sort_by(|a, b| a.subject.cmp(&b.subject));
    Ok(people)
}

/// Labels of all acquisitions by subject.
///
/// # Errors
/// The site cannot be asked.
pub(crate) async fn acquisitions(project: &Project) -> flywheel::Result<Present> {
    let mut present = Present::new();
    let mut subjects = project.subjects().iter();
    while let Some(subject) = subjects.try_next().await? {
        let labels = present.entry(subject.label().to_owned()).or_default();
        let mut acquisitions = subject.acquisitions().iter();
        while let Some(acquisition) = acquisitions.try_next().await? {
            labels.insert(acquisition.label().to_owned());
        }
    }
    Ok(present)
}

/// Assesses every file of quality measures and tags the acquisitions that are not good enough.
///
/// # Errors
/// The site cannot be asked, or does not take a tag.
pub(crate) async fn quality(project: &Project) -> flywheel::Result<Vec<Assessment>> {
    let mut rows = Vec::new();
    let mut sessions = project.sessions().iter();
    while let Some(session) = sessions.try_next().await? {
        let mut acquisitions = session.acquisitions().with_info().iter();
        while let Some(mut acquisition) = acquisitions.try_next().await? {
            let Some(row) = assess(&session, &acquisition) else { continue };
            if !row.flags.is_empty() {
                acquisition.tags().add(row.flags.iter().copied()).await?;
            }
            rows.push(row);
        }
    }
    rows.sort_by(|a, b| (&a.subject, &a.acquisition).cmp(&(&b.subject, &b.acquisition)));
    Ok(rows)
}

fn assess(session: &Session, acquisition: &Acquisition) -> Option<Assessment> {
    let files = acquisition.files.as_deref().unwrap_or_default();
    let file = files.iter().find(|file| file.name.as_deref().is_some_and(|name| name.contains(QUALITY)))?;
    let measurement =
        file.classification.as_ref().and_then(|own| own.get("Measurement")).cloned().unwrap_or_default();
    let measures = judge(&measurement, file.info.as_ref().unwrap_or(&Json::Null))?;
    let subject = session.subject.as_ref().and_then(|subject| subject.label.clone());
    Some(Assessment {
        subject: subject.unwrap_or_default(),
        session: session.label().to_owned(),
        acquisition: acquisition.label().to_owned(),
        file: file.name.clone().unwrap_or_default(),
        measurement: measurement.join(" "),
        snr: measures.snr,
        mean_fd: measures.mean_fd,
        flags: measures.flags,
    })
}

/// Counts the images of every DICOM series that announces how many it has, and tags the acquisitions that lack some.
///
/// # Errors
/// The site cannot be asked, or does not take a tag.
pub(crate) async fn completeness(project: &Project) -> flywheel::Result<Vec<Count>> {
    let mut rows = Vec::new();
    let mut sessions = project.sessions().iter();
    while let Some(session) = sessions.try_next().await? {
        let mut acquisitions = session.acquisitions().with_info().iter();
        while let Some(mut acquisition) = acquisitions.try_next().await? {
            let files = acquisition.files.as_deref().unwrap_or_default();
            let counted = files.iter().find_map(|file| {
                let images = u64::try_from(file.zip_member_count?).ok()?;
                Some((images, announced(file.info.as_ref()?)?))
            });
            let Some((images, announced)) = counted else { continue };
            let subject =
                session.subject.as_ref().and_then(|subject| subject.label.clone()).unwrap_or_default();
            let acquisition_label = acquisition.label().to_owned();
            let count = Count {
                subject,
                session: session.label().to_owned(),
                acquisition: acquisition_label,
                images,
                announced,
            };
            if !count.is_complete() {
                acquisition.tags().add([INCOMPLETE]).await?;
            }
            rows.push(count);
        }
    }
    rows.sort_by(|a, b| {
        (&a.subject, &a.session, &a.acquisition).cmp(&(&b.subject, &b.session, &b.acquisition))
    });
    Ok(rows)
}

/// A file of the curated selection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Selected {
    pub(crate) subject: String,
    /// Years, to a tenth.
    pub(crate) age: f64,
    pub(crate) acquisition: String,
    pub(crate) file: String,
}

/// Structural T1 files of subjects from 20 up to 30 years old, leaving out reference scans. Their acquisitions are tagged.
///
/// # Errors
/// The site cannot be asked, or does not take a tag.
pub(crate) async fn curate(project: &Project) -> flywheel::Result<Vec<Selected>> {
    let (from, to) = (Age::from_years(20.0).seconds(), Age::from_years(30.0).seconds());
    let mut selection = Vec::new();
    let mut sessions = project.sessions().filter(field("age").gte(from) & field("age").lt(to)).iter();
    while let Some(session) = sessions.try_next().await? {
        let mut acquisitions = session.acquisitions().filter("label=~^((?!SBRef).)*$").iter();
        while let Some(mut acquisition) = acquisitions.try_next().await? {
            let files: Vec<File> = acquisition.files().await?.into_iter().filter(is_structural_t1).collect();
            if !files.is_empty() {
                acquisition.tags().add([SELECTED]).await?;
            }
            selection.extend(files.iter().map(|file| Selected {
                subject:
                    session.subject.as_ref().and_then(|subject| subject.label.clone()).unwrap_or_default(),
                age: (session.age_years().unwrap_or_default() * 10.0).round() / 10.0,
                acquisition: acquisition.label().to_owned(),
                file: file.name().to_owned(),
            }));
        }
    }
    selection.sort_by(|a, b| (&a.subject, &a.file).cmp(&(&b.subject, &b.file)));
    Ok(selection)
}

fn is_structural_t1(file: &File) -> bool {
    if !matches!(file.file_type(), Some("dicom" | "nifti")) {
        return false;
    }
    let has = |aspect: &str, value: &str| {
        let classification = file.classification.as_ref().and_then(|own| own.get(aspect));
        classification.is_some_and(|values| values.iter().any(|own| own == value))
    };
    has("Intent", "Structural") && has("Measurement", "T1")
}

pub(crate) fn selection_table(selection: &[Selected]) -> Table {
    let mut table = Table::report(["Subject", "Age", "Acquisition", "File"]).numeric([1]);
    for row in selection {
        table.row([
            (&row.subject).into(),
            format!("{:.1}", row.age).into(),
            (&row.acquisition).into(),
            (&row.file).into(),
        ]);
    }
    table
}

/// The first analysis with this label of any session, by subject.
///
/// # Errors
/// The site cannot be asked.
pub(crate) async fn first_analysis(project: &Project, label: &str) -> flywheel::Result<Option<Analysis>> {
    let mut subjects = project.subjects().sort("label:asc").iter();
    while let Some(subject) = subjects.try_next().await? {
        for session in subject.sessions().await? {
            if let Some(analysis) = session.analyses().filter(field("label").eq(label)).find_first().await? {
                return Ok(Some(analysis));
            }
        }
    }
    Ok(None)
}

/// A member that was read out of an archive without the rest of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Member {
    pub(crate) file: String,
    pub(crate) members: usize,
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

/// Reads the first member of an archive of `files` whose path `wanted` likes.
///
/// # Errors
/// The site cannot be asked.
pub(crate) async fn read_member(
    files: &[File],
    wanted: impl Fn(&str) -> bool,
) -> flywheel::Result<Option<Member>> {
    for file in files.iter().filter(|file| file.name().ends_with(".zip")) {
        let zip = file.zip().await?;
        if let Some(member) = zip.members.iter().find(|member| wanted(&member.path)) {
            let bytes = file.zip_member(&member.path).bytes().await?.to_vec();
            let (path, members) = (member.path.clone(), zip.members.len());
            return Ok(Some(Member {
                file: file.name().to_owned(),
                members,
                path,
                size: bytes.len() as u64,
                bytes,
            }));
        }
    }
    Ok(None)
}

/// Keeps a report with the project it is about.
///
/// # Errors
/// The report cannot be read or uploaded.
pub(crate) async fn attach(project: &Project, report: &Path) -> flywheel::Result<File> {
    project.upload(Source::path(report).tags(["report"])).await
}
