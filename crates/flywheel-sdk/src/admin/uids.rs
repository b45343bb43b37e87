//! Unique ids of studies and series, and codes of people: what the site has already.

use chrono::NaiveDate;
use flywheel_api::{
    OperationId,
    types::{MasterSubjectCodeOutput, UidCheckOutput},
};
use serde_json::json;

use crate::{Client, Request, call::Call};

impl Client {
    /// Which of these unique ids of studies sessions on the site have.
    pub fn known_session_uids<T: Into<String>>(
        &self,
        uids: impl IntoIterator<Item = T>,
    ) -> Request<'static, Vec<String>> {
        self.known_uids("sessions", uids, |found| found.sessions)
    }

    /// Which of these unique ids of series acquisitions on the site have.
    pub fn known_acquisition_uids<T: Into<String>>(
        &self,
        uids: impl IntoIterator<Item = T>,
    ) -> Request<'static, Vec<String>> {
        self.known_uids("acquisitions", uids, |found| found.acquisitions)
    }

    fn known_uids<T: Into<String>>(
        &self,
        level: &str,
        uids: impl IntoIterator<Item = T>,
        pick: fn(UidCheckOutput) -> Option<Vec<String>>,
    ) -> Request<'static, Vec<String>> {
        let uids: Vec<String> = uids.into_iter().map(Into::into).collect();
        let found: Request<'static, UidCheckOutput> =
            Call::new(OperationId::CheckUidsExist).sending(json!({level: uids})).answer(self);
        found.map(move |found| Ok(pick(found).unwrap_or_default()))
    }

    /// The code of a person whom a patient id tells: the same for the same id, made when it is new.
    pub fn master_code_of_patient(&self, id: impl Into<String>) -> Request<'static, String> {
        self.master_code(json!({"patient_id": id.into(), "use_patient_id": true}))
    }

    /// The code of a person whom name and day of birth tell: the same for the same person, made when it is new.
    pub fn master_code_of_person(
        &self,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        date_of_birth: NaiveDate,
    ) -> Request<'static, String> {
        self.master_code(json!({
            "first_name": first_name.into(),
            "last_name": last_name.into(),
            "date_of_birth": date_of_birth,
            "use_patient_id": false,
        }))
    }

    fn master_code(&self, person: serde_json::Value) -> Request<'static, String> {
        let made: Request<'static, MasterSubjectCodeOutput> =
            Call::new(OperationId::CreateMasterSubjectCode).sending(person).answer(self);
        made.map(|made| Ok(made.code.unwrap_or_default()))
    }

    /// Whether a code is some person's.
    pub fn is_master_code(&self, code: impl Into<String>) -> Request<'static, bool> {
        let call = Call::new(OperationId::VerifyMasterSubjectCode).at(code);
        call.done(self).recover(|outcome| match outcome {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        })
    }
}
