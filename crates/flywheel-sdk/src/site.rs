//! The doors of the client: a finder for each kind of thing, and what the site says about itself.

use flywheel_api::{
    OperationId,
    types::{ConfigOut, Version},
};

use crate::{
    Acquisition, Analysis, Client, Collection, DataViewExecution, Device, File, Finder, Gear, Group, Job,
    Modality, Project, Request, Role, Session, Subject, User, call::Call,
};

macro_rules! finders {
    ($($name:ident $kind:ident $words:literal;)*) => {
        impl Client {
            $(
                #[doc = concat!("Finds ", $words, ".")]
                pub fn $name(&self) -> Finder<$kind> {
                    Finder::all(self)
                }
            )*
        }
    };
}

finders! {
    users User "people with accounts";
    roles Role "roles that users can have in projects";
    groups Group "groups";
    projects Project "projects of all groups";
    subjects Subject "subjects of all projects";
    sessions Session "sessions of all projects";
    acquisitions Acquisition "acquisitions of all projects";
    analyses Analysis "analyses of all containers";
    collections Collection "collections";
    files File "files of all containers";
    gears Gear "gears, each in its latest version unless `parameter(\"all_versions\", true)` asks for all";
    jobs Job "jobs";
    data_view_executions DataViewExecution "runs of data views";
    devices Device "machines that send data";
    modalities Modality "modalities, with the words that classify files of each";
}

impl Client {
    /// The releases of the site's parts.
    pub fn version(&self) -> Request<'static, Version> {
        Request::new(self, |raw| async move { Call::new(OperationId::GetVersion).send(&raw).await })
    }

    /// How the site is set up.
    pub fn config(&self) -> Request<'static, ConfigOut> {
        Request::new(self, |raw| async move { Call::new(OperationId::GetConfig).send(&raw).await })
    }
}
