//! Acquisitions: single scans and recordings, which hold most of the files.

use flywheel_api::models::Timestamp;

use super::{ancestors, container};
use crate::{edit::fields, resource::resource};

resource! {
    /// One scan or recording.
    Acquisition: AcquisitionOutput, cursor id
}

container!(Acquisition: info notes files tree scanned);
ancestors!(Acquisition: group Group, project Project, subject Subject, session Session);

fields!(Acquisition {
    /// Unique id of the series, as DICOM has it.
    uid: String,
    /// When it was recorded.
    timestamp: Timestamp,
    /// The IANA name of the time zone it was recorded in.
    timezone: String,
    /// The session it belongs to, by id; another one moves it.
    session: String,
});
