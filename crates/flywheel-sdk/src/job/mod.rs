//! Jobs: runs of gears, watched until they end, their logs, and what is done to many at once.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let acquisition = project.add_subject("sub-01").await?.add_session("s").await?.add_acquisition("T1w").await?;
//! # let gear = fw.add_gear(serde_json::json!({
//! #     "name": "smooth", "label": "Smooth", "description": "Smooths an image.", "version": "1.0.0",
//! #     "author": "Jo", "license": "MIT", "url": "", "source": "", "config": {},
//! #     "inputs": {"image": {"base": "file", "type": {"enum": ["nifti"]}}},
//! # })).await?;
//! # let file = acquisition.upload(flywheel::Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//! # let mut job = gear.invoke().input("image", &file).job().await?;
//! # job.clone().cancel().await?;
//! use flywheel::JobState;
//! use std::time::Duration;
//!
//! if job.wait().at_most(Duration::from_secs(3600)).await? != JobState::Complete {
//!     eprintln!("{}", job.log_text().await?);
//! }
//! # Ok(())
//! # }
//! ```

mod logs;
mod own;
mod row;
mod wait;

use flywheel_api::{
    OperationId,
    types::{JobDetail, JobOutputConfig, JobPriority, JobState, ModifiedResult},
};
use serde_json::{Map, Value, json};

use row::Row;

pub use logs::{LogLine, LogStream};
pub use own::MyJobs;
pub use wait::Watch;

use crate::{
    Client, Error, ErrorKind, Moment, Project, Request, Resource, Result, Session,
    call::Call,
    edit::Update,
    resource::{self, resource, sealed::Parts},
};

resource! {
    /// One run of a gear.
    Job: JobOutput, cursor id, row Row
}

/// Whether a job in this state has come to its end.
pub(crate) fn is_over(state: &JobState) -> bool {
    matches!(state, JobState::Complete | JobState::Failed | JobState::Cancelled)
}

impl Job {
    /// How far it is; `None` when the site does not say.
    pub fn state(&self) -> Option<&JobState> {
        self.state.as_ref()
    }

    /// Whether it has come to its end, well or not.
    pub fn is_over(&self) -> bool {
        self.state().is_some_and(is_over)
    }

    /// When it was queued.
    pub fn created_at(&self) -> Option<Moment> {
        Moment::of(self.created.as_ref(), None)
    }

    /// When it last changed or gave a sign of life.
    pub fn modified_at(&self) -> Option<Moment> {
        Moment::of(self.modified.as_ref(), None)
    }

    /// The name of its gear, as the job remembers it.
    pub fn gear_name(&self) -> &str {
        self.gear_info.as_ref().and_then(|gear| gear.name.as_deref()).unwrap_or_default()
    }

    /// Calls it off.
    pub fn cancel(&mut self) -> Request<'_, ()> {
        self.change_state(JobState::Cancelled)
    }

    /// Puts it into another state. Users may cancel; the other changes are for engines and site administrators.
    pub fn change_state(&mut self, state: impl Into<JobState>) -> Request<'_, ()> {
        Update::new(self).set("state", state.into().as_str()).request()
    }

    /// Queues it again as a new job, which is given back. Only failed jobs, and each once.
    pub fn retry(&self) -> Request<'static, Self> {
        self.again(false)
    }

    /// Queues it again as a new job however it ended. For site administrators.
    pub fn retry_anyway(&self) -> Request<'static, Self> {
        self.again(true)
    }

    fn again(&self, anyway: bool) -> Request<'static, Self> {
        let call =
            Call::new(OperationId::RetryJob).at(self.id()).query_opt("ignoreState", anyway.then_some(true));
        let client = self.client.clone();
        Request::new(&self.client, move |raw| async move {
            let id = call.make(&raw).await?;
            resource::get(&client, &id).await
        })
    }

    /// Makes it more or less urgent. Only while it is pending; the answer says whether it was.
    pub fn set_priority(&self, priority: impl Into<JobPriority>) -> Request<'static, bool> {
        self.client.set_job_priority([self.id()], priority).map(|changed| Ok(changed > 0))
    }

    /// With its inputs and outputs as files.
    pub fn detail(&self) -> Request<'static, JobDetail> {
        Call::new(OperationId::GetJobDetail).at(self.id()).answer(&self.client)
    }

    /// The `config.json` that the gear sees.
    pub fn config_document(&self) -> Request<'static, JobOutputConfig> {
        Call::new(OperationId::GetJobConfig).at(self.id()).answer(&self.client)
    }
}

impl Client {
    /// Makes several jobs more or less urgent; gives the number of those that were still pending.
    pub fn set_job_priority<T: Into<String>>(
        &self,
        ids: impl IntoIterator<Item = T>,
        priority: impl Into<JobPriority>,
    ) -> Request<'static, u64> {
        let body = json!({"job_ids": texts(ids), "priority": priority.into().as_str()});
        let call = Call::new(OperationId::UpdateJobsPriority).sending(body);
        call.answer(self).map(|result: ModifiedResult| {
            Ok(result.modified.and_then(|jobs| u64::try_from(jobs).ok()).unwrap_or_default())
        })
    }

    /// How many jobs the site has, by state, and more that it counts. For site administrators.
    pub fn job_statistics(&self) -> Request<'static, Map<String, Value>> {
        Call::new(OperationId::GetJobsStats).answer(self)
    }
}

impl Project {
    /// Jobs that read from or write to it.
    pub fn jobs(&self) -> Request<'static, Vec<Job>> {
        listed(self.client(), Call::new(OperationId::GetProjectJobs).at(self.id()))
    }
}

impl Session {
    /// Jobs that read from or write to it, or anything below it.
    pub fn jobs(&self) -> Request<'static, Vec<Job>> {
        listed(self.client(), Call::new(OperationId::GetSessionJobs).at(self.id()))
    }
}

fn texts<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Vec<String> {
    ids.into_iter().map(Into::into).collect()
}

/// The jobs of a list that stands bare, below `jobs`, or in a page.
fn listed(client: &Client, call: Call) -> Request<'static, Vec<Job>> {
    let client = client.clone();
    call.answer(&client.clone()).map(move |answer: Value| {
        let rows = match answer {
            Value::Array(rows) => rows,
            Value::Object(mut fields) => {
                let rows = fields.remove("jobs").or_else(|| fields.remove("results"));
                rows.and_then(|rows| rows.as_array().cloned()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        rows.into_iter().map(|row| job(&client, row)).collect()
    })
}

pub(crate) fn job(client: &Client, document: Value) -> Result<Job> {
    let row: Row = serde_json::from_value(document)
        .map_err(|error| Error::new(ErrorKind::Decode, format!("a job could not be read: {error}")))?;
    Ok(Job::from_parts(client.clone(), row.into()))
}
