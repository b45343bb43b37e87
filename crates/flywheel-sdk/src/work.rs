//! Gears, jobs and runs of data views: what the site computes.

use flywheel_api::{
    OperationId,
    types::{JobLogRecord, JobState},
};

use crate::{Moment, Request, call::Call, edit::Update, resource::resource};

resource! {
    /// A program that the site can run, in one version.
    Gear: GearDocument, cursor id
}

resource! {
    /// One run of a gear.
    Job: JobOutput, cursor id
}

resource! {
    /// One run of a data view.
    DataViewExecution: DataViewExecution, cursor id
}

impl Gear {
    /// Its name, such as `dcm2niix`.
    pub fn name(&self) -> &str {
        self.gear.as_ref().and_then(|manifest| manifest.name.as_deref()).unwrap_or_default()
    }

    /// Its title for people.
    pub fn label(&self) -> &str {
        self.gear.as_ref().and_then(|manifest| manifest.label.as_deref()).unwrap_or_default()
    }

    /// Its version.
    pub fn version(&self) -> &str {
        self.gear.as_ref().and_then(|manifest| manifest.version.as_deref()).unwrap_or_default()
    }
}

impl Job {
    /// How far it is; `None` when the site does not say.
    pub fn state(&self) -> Option<&JobState> {
        self.state.as_ref()
    }

    /// When it was queued.
    pub fn created_at(&self) -> Option<Moment> {
        Moment::of(self.created.as_ref(), None)
    }

    /// Calls it off.
    pub fn cancel(&mut self) -> Request<'_, ()> {
        Update::new(self).set("state", "cancelled").request()
    }

    /// What it has written so far.
    pub fn logs(&self) -> Request<'static, JobLogRecord> {
        let call = Call::new(OperationId::GetJobLogs).at(self.id());
        Request::new(&self.client, move |raw| async move { call.send(&raw).await })
    }
}
