//! Other fields or free metadata for many containers and files.

use serde::Serialize;

use super::Bulk;
use crate::{
    Client, ContainerRef, Error, ErrorKind, Kind, Result,
    call::Call,
    edit::{Change, as_object, info_call, storable},
    resource,
};

impl Client {
    /// Merges free metadata into many containers and files: top-level keys are given values, others stay. Keys with `.` or
    /// `$`, which the platform cannot keep, are refused before anything is sent. See [`bulk`](crate::bulk).
    ///
    /// ```no_run
    /// # async fn run(fw: flywheel::Client, project: flywheel::Project) -> flywheel::Result<()> {
    /// use serde_json::json;
    ///
    /// let sessions = project.sessions().await?;
    /// let marks = sessions.iter().map(|session| (session.reference(), json!({"release": 2})));
    /// fw.update_info_many(marks).at_once(8).await?.complete()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_info_many<I: Serialize>(
        &self,
        changes: impl IntoIterator<Item = (ContainerRef, I)>,
    ) -> Bulk<()> {
        self.calls(changes, |target, info| {
            let info = storable(as_object("info", info)?, false)?;
            info_call(target.kind, &target.id, &Change::Merge(info))
        })
    }

    /// Gives fields of many containers other values, by the fields' names in the API. See [`bulk`](crate::bulk).
    pub fn update_many<I: Serialize>(
        &self,
        changes: impl IntoIterator<Item = (ContainerRef, I)>,
    ) -> Bulk<()> {
        self.calls(changes, |target, fields| {
            let modify = target.kind.routes().modify.filter(|_| target.kind != Kind::File);
            let modify = modify.ok_or_else(|| resource::unsupported(target.kind, "change"))?;
            Call::new(modify).at(&target.id).body(as_object("a change", fields)?)
        })
    }

    fn calls<I: Serialize>(
        &self,
        changes: impl IntoIterator<Item = (ContainerRef, I)>,
        call: impl Fn(&ContainerRef, I) -> Result<Call>,
    ) -> Bulk<()> {
        let (mut calls, mut refused) = (Vec::new(), None);
        for (target, change) in changes {
            match call(&target, change) {
                Ok(call) => calls.push((target.to_string(), call)),
                Err(error) => {
                    let message = format!("{target}: {}", error.message());
                    refused.get_or_insert(Error::new(ErrorKind::Invalid, message));
                }
            }
        }
        let raw = self.raw().clone();
        let send = move |call: Call, _| {
            let raw = raw.clone();
            async move { call.send_only(&raw).await }
        };
        Bulk::new(calls, send).refused(refused)
    }
}
