//! Sessions: visits, with the age of the subject at the time.

use flywheel_api::{OperationId, models::Timestamp};
use flywheel_core::age::Age;

use super::{ancestors, container};
use crate::{
    Acquisition, Finder,
    edit::{Create, fields},
    resource::resource,
};

resource! {
    /// A visit: what was recorded of one subject on one occasion.
    Session: SessionOutput, cursor id
}

container!(Session: info notes files tree scanned);
ancestors!(Session: group Group, project Project, subject Subject);

fields!(Session {
    /// Unique id of the study, as DICOM has it.
    uid: String,
    /// When it took place.
    timestamp: Timestamp,
    /// The IANA name of the time zone it took place in.
    timezone: String,
    /// Age of the subject at the time, in seconds.
    age: i64,
    /// Weight of the subject at the time, in kilograms.
    weight: f64,
    /// Who ran it.
    operator: String,
    /// The project it belongs to, by id; another one moves it.
    project: String,
});

macro_rules! ages {
    ($($name:ident $unit:ident $words:literal;)*) => {
        impl Session {
            $(
                #[doc = concat!("Age of the subject at the time, in ", $words, ".")]
                pub fn $name(&self) -> Option<f64> {
                    self.subject_age().map(Age::$unit)
                }
            )*
        }
    };
}

ages! {
    age_years years "years of 365.25 days";
    age_months months "months of 30 days";
    age_weeks weeks "weeks";
    age_days days "days";
}

impl Session {
    /// Its acquisitions.
    pub fn acquisitions(&self) -> Finder<Acquisition> {
        Finder::over(&self.client, OperationId::GetSessionAcquisitions, vec![self.id().to_owned()])
    }

    /// A new acquisition in it.
    pub fn add_acquisition(&self, label: impl Into<String>) -> Create<Acquisition> {
        let label: String = label.into();
        Create::new(&self.client, OperationId::AddAcquisition, self.acquisitions().labelled(&label))
            .set("session", self.id())
            .set("label", label)
    }

    /// Age of the subject at the time.
    pub fn subject_age(&self) -> Option<Age> {
        self.age.map(Age::from_seconds)
    }
}
