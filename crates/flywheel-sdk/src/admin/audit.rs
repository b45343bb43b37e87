//! Who changed what: the change log of each container, and reports for audits.

use flywheel_api::{
    OperationId,
    types::{AuditTrailReport, AuditTrailReportStatus, ChangeLogDocument, FieldChangeLogDocument},
};
use serde_json::json;

use crate::{
    Acquisition, Analysis, Client, File, Project, Request, Resource, Session, Subject, Transfer,
    call::Call,
    list::List,
    transfer::{Download, Downloaded},
};

use super::Device;

/// Reports for audits; for administrators of projects, on sites that have an audit trail. See [`Client::audit_trail`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditTrail {
    client: Client,
}

/// One report for an audit, which the site makes in its own time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditReport {
    client: Client,
    /// What the site says of it.
    pub document: AuditTrailReport,
}

impl Client {
    /// Reports for audits.
    ///
    /// ```no_run
    /// # async fn run(fw: flywheel::Client, project: flywheel::Project) -> flywheel::Result<()> {
    /// let report = fw.audit_trail().create(&project, "visit of 3 May", []).await?;
    /// report.to_path("audit.csv").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn audit_trail(&self) -> AuditTrail {
        AuditTrail { client: self.clone() }
    }
}

impl AuditTrail {
    /// The reports of a project.
    pub fn reports(&self, project: &Project) -> List<AuditTrailReport> {
        let of = flywheel_core::filter::field("project_id").eq(project.id());
        List::new(&self.client, OperationId::ListAuditTrailReports).filter(of)
    }

    /// Begins a report on a project, or on some of its subjects, given by id.
    pub fn create(
        &self,
        project: &Project,
        label: impl Into<String>,
        subjects: impl IntoIterator<Item = String>,
    ) -> Request<'static, AuditReport> {
        let subjects: Vec<String> = subjects.into_iter().collect();
        let mut body = json!({"project_id": project.id(), "label": label.into()});
        if !subjects.is_empty() {
            body["subject_ids"] = subjects.into();
        }
        self.report(Call::new(OperationId::AddAuditTrailReport).sending(body))
    }

    /// Calls a report off, by its id.
    pub fn cancel(&self, id: impl Into<String>) -> Request<'static, AuditReport> {
        let body = json!({"status": AuditTrailReportStatus::Canceled});
        self.report(Call::new(OperationId::ModifyAuditTrailReport).at(id).sending(body))
    }

    /// Deletes a report, by its id.
    pub fn delete(&self, id: impl Into<String>) -> Request<'static, ()> {
        Call::new(OperationId::DeleteAuditTrailReport).at(id).done(&self.client)
    }

    fn report(&self, call: Call) -> Request<'static, AuditReport> {
        let client = self.client.clone();
        call.answer(&self.client).map(move |document| Ok(AuditReport { client, document }))
    }
}

impl AuditReport {
    /// Its id.
    pub fn id(&self) -> &str {
        self.document.id.as_deref().unwrap_or_default()
    }

    /// Writes it to `path`, as comma-separated values, in one step once it is there whole.
    pub fn to_path(&self, path: impl AsRef<std::path::Path>) -> Transfer<Downloaded> {
        let operation = OperationId::DownloadAuditTrailReport.operation();
        Download::request(&self.client, operation, &[self.id()]).to_path(path)
    }

    /// An address that gives it to whoever has it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where the storage of the site signs no addresses.
    pub fn url(&self) -> Request<'static, String> {
        Call::new(OperationId::GetAuditTrailReportDownloadUrl).at(self.id()).answer(&self.client)
    }
}

/// Defines the change logs of the kinds that have one.
macro_rules! changes {
    ($($name:ident)*) => {$(
        impl $name {
            /// Who changed what of it, and when.
            pub fn changes(&self) -> Request<'static, ChangeLogDocument> {
                log(self, OperationId::GetChangeLog).answer(self.client())
            }

            /// The values that one field of it has had, newest first.
            pub fn field_changes(&self, field: impl Into<String>) -> Request<'static, FieldChangeLogDocument> {
                log(self, OperationId::GetFieldChangeLog).at(field).answer(self.client())
            }
        }
    )*};
}

changes!(Project Subject Session Acquisition Analysis File Device);

fn log<C: Resource>(of: &C, operation: OperationId) -> Call {
    Call::new(operation).at(C::KIND.as_str()).at(of.id())
}
