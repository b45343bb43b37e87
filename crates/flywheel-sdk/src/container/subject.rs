//! Subjects: the people, animals and phantoms of a project.

use chrono::NaiveDate;
use flywheel_api::{
    OperationId,
    types::{Cohort, MlType, SubjectState},
};
use flywheel_core::filter::field;
use serde_json::json;

use super::{ancestors, container};
use crate::{
    Acquisition, Finder, Session,
    edit::{Create, fields},
    resource::resource,
};

resource! {
    /// A person, an animal or a phantom.
    ///
    /// Lists leave out what tells who it is (names, sex, race, ethnicity); [`reload`](Self::reload), or
    /// [`full`](crate::Finder::full) on the finder, brings it.
    Subject: SubjectOutput, cursor id
}

container!(Subject: info notes files tree);
ancestors!(Subject: group Group, project Project);

fields!(Subject {
    /// First name.
    firstname: String,
    /// Last name.
    lastname: String,
    /// `male`, `female`, `other` or `unknown`.
    sex: String,
    /// `Control` or `Study`.
    cohort: Cohort,
    /// `human`, `animal` or `phantom`.
    subject_type as "type": String,
    /// Race, in the words of the platform's list.
    race: String,
    /// Ethnicity, in the words of the platform's list.
    ethnicity: String,
    /// Species.
    species: String,
    /// Strain.
    strain: String,
    /// Day of birth.
    date_of_birth: NaiveDate,
    /// `Training`, `Testing` or `Validation`.
    mlset: MlType,
    /// `In utero`, `Alive` or `Dead`.
    state: SubjectState,
    /// The project it belongs to, by id; another one moves it.
    project: String,
});

impl Subject {
    /// Its sessions.
    pub fn sessions(&self) -> Finder<Session> {
        Finder::over(&self.client, OperationId::GetSubjectSessions, vec![self.id().to_owned()])
    }

    /// The acquisitions of all its sessions.
    pub fn acquisitions(&self) -> Finder<Acquisition> {
        Finder::all(&self.client).filter(field("parents.subject").eq(self.id()))
    }

    /// A new session of it.
    pub fn add_session(&self, label: impl Into<String>) -> Create<Session> {
        let label: String = label.into();
        let parents = self.parents.as_ref().and_then(|parents| parents.project.as_deref());
        Create::new(&self.client, OperationId::AddSession, self.sessions().labelled(&label))
            .set("project", parents.or(self.project.as_deref()))
            .set("subject", json!({"_id": self.id()}))
            .set("label", label)
    }
}
