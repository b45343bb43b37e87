//! Puts planned DICOM containers on a site and leaves alone what is there already.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use flywheel::edit::Create;
use flywheel::{Acquisition, Project, Resource, Session, Source, Subject};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::command::Context;
use crate::dicom::classify::Classification;
use crate::dicom::pack::{Packed, pack};
use crate::dicom::plan::{AcquisitionPlan, FilePlan, Member, Plan, SessionPlan, SubjectPlan};
use crate::dicom::scan::Skipped;
use crate::digest::is_of;

/// What became of the archive of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It was not there, or other bytes were.
    Uploaded,
    /// The same bytes were there already.
    Unchanged,
    Failed,
}

/// One series, where it went and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Filed {
    pub(crate) subject: String,
    pub(crate) session: String,
    pub(crate) acquisition: String,
    pub(crate) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) modality: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) classification: Classification,
    /// DICOM files in the archive.
    pub(crate) members: u64,
    /// Bytes of the archive.
    pub(crate) size: u64,
    pub(crate) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The id of the acquisition.
    pub(crate) acquisition_id: String,
    /// SHA-384 of the archive, lower-case hex.
    pub(crate) sha384: String,
    /// The files in the archive.
    #[serde(skip)]
    pub(crate) sources: Vec<Member>,
}

/// All that an import did and did not do.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) project: String,
    /// Containers that were not there before.
    pub(crate) created: Created,
    pub(crate) series: Vec<Filed>,
    /// Files that are no DICOM objects, or could not be read to their end.
    pub(crate) skipped: Vec<Skipped>,
    /// Files that are imported although something is wrong with them.
    pub(crate) notes: Vec<Skipped>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Created {
    pub(crate) subjects: usize,
    pub(crate) sessions: usize,
    pub(crate) acquisitions: usize,
}

impl Report {
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.series.iter().filter(|series| series.outcome == outcome).count()
    }
}

/// A series with the container its archive goes to.
struct Placed {
    acquisition: Acquisition,
    subject: String,
    session: String,
    plan: AcquisitionPlan,
}

/// Makes the containers of `plan` that `project` lacks and uploads what they lack, `jobs` at a time. A series that cannot
/// be uploaded is part of the report and does not hold up the others.
///
/// # Errors
/// A container cannot be made or listed, or there is no room for temporary files.
pub(crate) async fn import(
    context: &Context,
    project: &Project,
    plan: Plan,
    jobs: usize,
) -> anyhow::Result<Report> {
    let temporary =
        tempfile::Builder::new().prefix("fw-import-").tempdir().context("no temporary folder can be made")?;
    let mut report = Report {
        project: project.label().to_owned(),
        notes: plan.notes,
        skipped: plan.skipped,
        ..Report::default()
    };
    let placed = place(context, project, plan.subjects, jobs, &mut report.created).await?;
    let task = context.progress.count("uploading series", placed.len() as u64);
    let filed = stream::iter(placed).map(|placed| async {
        let filed = file(context, placed, temporary.path()).await;
        task.advance(1);
        filed
    });
    let filed: Vec<(Filed, Vec<Skipped>)> = filed.buffered(jobs.max(1)).collect().await;
    drop(task);
    for (series, skipped) in filed {
        report.series.push(series);
        report.skipped.extend(skipped);
    }
    report.skipped.sort();
    Ok(report)
}

async fn place(
    context: &Context,
    project: &Project,
    subjects: Vec<SubjectPlan>,
    jobs: usize,
    created: &mut Created,
) -> anyhow::Result<Vec<Placed>> {
    let existing: Vec<Subject> = project.subjects().find().await?;
    let task = context.progress.count("making containers", subjects.len() as u64);
    let placed = stream::iter(subjects).map(|subject| {
        let existing = existing.iter().find(|existing| existing.label() == subject.label).cloned();
        let task = &task;
        async move {
            let placed = place_subject(project, subject, existing).await?;
            task.advance(1);
            anyhow::Ok(placed)
        }
    });
    let placed: Vec<(Vec<Placed>, Created)> = placed.buffered(jobs.max(1)).try_collect().await?;
    let mut all = Vec::new();
    for (placed, own) in placed {
        created.subjects += own.subjects;
        created.sessions += own.sessions;
        created.acquisitions += own.acquisitions;
        all.extend(placed);
    }
    Ok(all)
}

async fn place_subject(
    project: &Project,
    plan: SubjectPlan,
    existing: Option<Subject>,
) -> anyhow::Result<(Vec<Placed>, Created)> {
    let mut created = Created::default();
    let subject = match existing {
        Some(subject) => subject,
        None => {
            created.subjects += 1;
            let fields = [
                ("firstname", json!(plan.firstname)),
                ("lastname", json!(plan.lastname)),
                ("sex", json!(plan.sex)),
            ];
            let subject = with_known(project.add_subject(&plan.label), fields);
            subject.await.with_context(|| format!("subject {}", plan.label))?
        }
    };
    let mut placed = Vec::new();
    let mut sessions: Vec<Session> = subject.sessions().find().await?;
    for plan in plan.sessions {
        let session = match take_match(&mut sessions, &plan.label, plan.uid.as_deref()) {
            Some(session) => session,
            None => {
                created.sessions += 1;
                new_session(&subject, &plan).await.with_context(|| format!("session {}", plan.label))?
            }
        };
        let mut acquisitions: Vec<Acquisition> = session.acquisitions().find().await?;
        for plan in plan.acquisitions {
            let acquisition = match take_match(&mut acquisitions, &plan.label, plan.uid.as_deref()) {
                Some(acquisition) => acquisition,
                None => {
                    created.acquisitions += 1;
                    new_acquisition(&session, &plan)
                        .await
                        .with_context(|| format!("acquisition {}", plan.label))?
                }
            };
            let (subject, session) = (subject.label().to_owned(), session.label().to_owned());
            placed.push(Placed { acquisition, subject, session, plan });
        }
    }
    Ok((placed, created))
}

/// Containers that can be found again by what a header says.
trait Identified {
    fn label(&self) -> &str;
    fn uid(&self) -> Option<&str>;
}

macro_rules! identified {
    ($($kind:ident),*) => {$(
        impl Identified for $kind {
            fn label(&self) -> &str {
                Self::label(self)
            }

            fn uid(&self) -> Option<&str> {
                self.uid.as_deref()
            }
        }
    )*};
}
identified!(Session, Acquisition);

/// Takes the one with this uid out of `existing`; else the one with this label, unless its uid is another.
fn take_match<C: Identified>(existing: &mut Vec<C>, label: &str, uid: Option<&str>) -> Option<C> {
    let by_uid = uid.and_then(|uid| existing.iter().position(|own| own.uid() == Some(uid)));
    let by_label = || {
        let same =
            |own: &C| own.label() == label && (own.uid().is_none() || uid.is_none() || own.uid() == uid);
        existing.iter().position(same)
    };
    by_uid.or_else(by_label).map(|at| existing.swap_remove(at))
}

/// Sets the fields that a header says something of.
fn with_known<C: Resource>(
    create: Create<C>,
    fields: impl IntoIterator<Item = (&'static str, Json)>,
) -> Create<C> {
    let known = fields.into_iter().filter(|(_, value)| !value.is_null());
    known.fold(create, |create, (field, value)| create.set(field, value))
}

fn new_session(subject: &Subject, plan: &SessionPlan) -> Create<Session> {
    let fields = [
        ("uid", json!(plan.uid)),
        ("timestamp", json!(plan.timestamp)),
        ("timezone", json!(plan.timezone)),
        ("age", json!(plan.age)),
        ("weight", json!(plan.weight)),
        ("operator", json!(plan.operator)),
    ];
    with_known(subject.add_session(&plan.label), fields)
}

fn new_acquisition(session: &Session, plan: &AcquisitionPlan) -> Create<Acquisition> {
    let fields =
        [("uid", json!(plan.uid)), ("timestamp", json!(plan.timestamp)), ("timezone", json!(plan.timezone))];
    with_known(session.add_acquisition(&plan.label), fields)
}

/// Packs and uploads one series.
async fn file(context: &Context, placed: Placed, temporary: &Path) -> (Filed, Vec<Skipped>) {
    let Placed { acquisition, subject, session, plan } = placed;
    let mut filed = Filed {
        subject,
        session,
        acquisition: acquisition.label().to_owned(),
        file: plan.file.name.clone(),
        modality: plan.file.modality.clone(),
        classification: plan.file.classification.clone(),
        members: 0,
        size: 0,
        outcome: Outcome::Failed,
        error: None,
        acquisition_id: acquisition.id().to_owned(),
        sha384: String::new(),
        sources: Vec::new(),
    };
    let mut skipped = Vec::new();
    match file_series(context, &acquisition, plan.file, temporary, &mut filed, &mut skipped).await {
        Ok(outcome) => filed.outcome = outcome,
        Err(error) => filed.error = Some(format!("{error:#}")),
    }
    (filed, skipped)
}

async fn file_series(
    context: &Context,
    acquisition: &Acquisition,
    plan: FilePlan,
    temporary: &Path,
    filed: &mut Filed,
    skipped: &mut Vec<Skipped>,
) -> anyhow::Result<Outcome> {
    let (members, folder) = (plan.members.clone(), temporary.to_owned());
    let packed = tokio::task::spawn_blocking(move || pack(&members, &folder)).await??;
    (filed.members, filed.size, filed.sha384) = (packed.count, packed.size, packed.sha384.clone());
    let unread = |member: &Member| packed.skipped.iter().any(|skipped| skipped.path == member.path);
    filed.sources = plan.members.iter().filter(|member| !unread(member)).cloned().collect();
    skipped.extend(packed.skipped.iter().cloned());
    if packed.count == 0 {
        anyhow::bail!("none of its files can be read");
    }
    if is_there(acquisition, &plan.name, &packed) {
        return Ok(Outcome::Unchanged);
    }
    upload_archive(context, acquisition, &plan, &packed).await?;
    Ok(Outcome::Uploaded)
}

/// Uploads the archive of a series with what its header says of it.
///
/// # Errors
/// The upload failed.
pub(crate) async fn upload_archive(
    context: &Context,
    acquisition: &Acquisition,
    plan: &FilePlan,
    packed: &Packed,
) -> flywheel::Result<flywheel::File> {
    let mut metadata = json!({ "type": "dicom", "info": plan.info, "zip_member_count": packed.count });
    if let Some(modality) = &plan.modality {
        metadata["modality"] = json!(modality);
    }
    if !plan.classification.is_empty() {
        metadata["classification"] = json!(plan.classification);
    }
    let task = context.progress.transfer(plan.name.as_str(), Some(packed.size));
    let bar = task.handle();
    let file = acquisition
        .upload(Source::path(packed.file.path()))
        .name(&plan.name)
        .metadata(metadata)
        .on_progress(move |progress| bar.set_position(progress.transferred))
        .await?;
    task.done("uploaded", Some(packed.size));
    Ok(file)
}

/// Whether the acquisition has a file of this name with these bytes. A site that records no hash cannot tell.
fn is_there(acquisition: &Acquisition, name: &str, packed: &Packed) -> bool {
    let files = acquisition.files.as_deref().unwrap_or_default();
    files.iter().any(|file| {
        file.name.as_deref() == Some(name)
            && file.size == i64::try_from(packed.size).ok()
            && file.hash.as_deref().is_some_and(|hash| is_of(hash, &packed.sha384))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Fake(&'static str, Option<&'static str>);

    impl Identified for Fake {
        fn label(&self) -> &str {
            self.0
        }

        fn uid(&self) -> Option<&str> {
            self.1
        }
    }

    #[test]
    fn a_uid_goes_before_a_label_and_another_uid_is_another_container() {
        let mut existing = vec![Fake("a", Some("1")), Fake("b", None), Fake("c", Some("3"))];
        assert_eq!(take_match(&mut existing, "a", Some("3")).unwrap().label(), "c");
        assert!(take_match(&mut existing, "a", Some("2")).is_none());
        assert_eq!(take_match(&mut existing, "b", Some("2")).unwrap().label(), "b");
        assert_eq!(take_match(&mut existing, "a", None).unwrap().label(), "a");
        assert!(existing.is_empty());
    }
}
