//! Batches: one gear over many containers. The site says first what would run and what would not; nothing runs before
//! [`Proposal::run`].

use std::collections::BTreeMap;

use flywheel_api::{
    OperationId,
    types::{CancelledBatchOutput, JobPriority, JobState},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Gear, Invoke};
use crate::{Client, ContainerRef, Error, ErrorKind, Job, Request, Resource, Result, call::Call, job};

/// What is done about inputs that a gear can do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionalInputs {
    /// They are left out.
    #[default]
    Ignored,
    /// They are given where exactly one file fits.
    Flexible,
    /// They are needed like the others.
    Required,
}

impl OptionalInputs {
    fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Flexible => "flexible",
            Self::Required => "required",
        }
    }
}

/// A batch to be proposed; sent by [`send`](Self::send).
///
/// ```no_run
/// # async fn run(gear: flywheel::Gear, sessions: Vec<flywheel::Session>) -> flywheel::Result<()> {
/// use flywheel::gear::OptionalInputs;
///
/// let proposal = gear
///     .propose_batch(&sessions)
///     .config("fwhm", 8)
///     .optional_inputs(OptionalInputs::Flexible)
///     .send()
///     .await?;
/// println!("{} would run, {} lack a file", proposal.matched.len(), proposal.not_matched.len());
/// let batch = proposal.run().await?;
/// println!("{} jobs", batch.jobs.len());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is proposed before send()"]
#[derive(Clone, Debug)]
pub struct ProposeBatch {
    gear: Gear,
    body: Map<String, Value>,
    config: Map<String, Value>,
    mistake: Option<String>,
}

impl Gear {
    /// Finds out what it would run on at and below some containers, all of one kind.
    pub fn propose_batch<T: Into<ContainerRef>>(&self, targets: impl IntoIterator<Item = T>) -> ProposeBatch {
        let targets: Vec<_> = targets.into_iter().map(|target| json!(target.into())).collect();
        let mut body = Map::new();
        body.insert("gear_id".to_owned(), self.id().into());
        body.insert("targets".to_owned(), targets.into());
        body.insert("optional_input_policy".to_owned(), OptionalInputs::default().name().into());
        ProposeBatch { gear: self.clone(), body, config: Map::new(), mistake: None }
    }
}

impl ProposeBatch {
    fn set(mut self, name: &str, value: Value) -> Self {
        self.body.insert(name.to_owned(), value);
        self
    }

    /// Gives a configuration key a value; others keep the defaults of the manifest.
    pub fn config(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        let key = key.into();
        match serde_json::to_value(value) {
            Ok(value) => drop(self.config.insert(key, value)),
            Err(error) => {
                self.mistake.get_or_insert(format!("config {key:?} has no form in JSON: {error}"));
            }
        }
        self
    }

    /// What is done about optional inputs.
    pub fn optional_inputs(self, policy: OptionalInputs) -> Self {
        self.set("optional_input_policy", policy.name().into())
    }

    /// The label of the analyses that it makes; the name of the gear and the time when nothing is said.
    pub fn label(self, label: impl Into<String>) -> Self {
        self.set("analysis", json!({"label": label.into()}))
    }

    /// Tags of the jobs.
    pub fn tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        self.set("tags", tags.into_iter().map(|tag| Value::String(tag.into())).collect())
    }

    /// How urgent the jobs are.
    pub fn priority(self, priority: impl Into<JobPriority>) -> Self {
        self.set("priority", priority.into().as_str().into())
    }

    /// The compute provider of the jobs, by its id. For site administrators.
    pub fn compute_provider(self, id: impl Into<String>) -> Self {
        self.set("compute_provider_id", id.into().into())
    }

    /// Only what a collection holds.
    pub fn within(self, collection: &crate::Collection) -> Self {
        self.set("target_context", json!(collection.reference()))
    }

    /// Asks the site.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] without targets, with targets of several kinds, or with a configuration that the manifest does not
    /// admit.
    pub fn send(self) -> Request<'static, Proposal> {
        let client = self.gear.client().clone();
        let call = self.call();
        Request::new(&client.clone(), move |raw| async move {
            let document: Document = call?.send(&raw).await?;
            Ok(Proposal::of(client, document))
        })
    }

    fn call(self) -> Result<Call> {
        let mistaken = |message: String| self.gear.mistaken("propose_batch", &message);
        if let Some(mistake) = &self.mistake {
            return Err(mistaken(mistake.clone()));
        }
        let kinds: std::collections::BTreeSet<_> = self.body["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|target| target["type"].as_str())
            .collect();
        match kinds.len() {
            1 => {}
            0 => return Err(mistaken("there are no targets".to_owned())),
            _ => {
                let kinds: Vec<_> = kinds.into_iter().collect();
                return Err(mistaken(format!("the targets are of several kinds: {}", kinds.join(", "))));
            }
        }
        let config = self.gear.complete_config("propose_batch", &self.config)?;
        let mut body = self.body.clone();
        body.insert("config".to_owned(), config.into());
        if self.gear.is_analysis() && !body.contains_key("analysis") {
            body.insert("analysis".to_owned(), json!({"label": self.gear.label_for_now()}));
        }
        Call::new(OperationId::ProposeBatch).body(body)
    }
}

/// A container that a batch considered.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Its id.
    #[serde(rename = "_id", alias = "id", default)]
    pub id: String,
    /// Its label, where the site says it.
    #[serde(default)]
    pub label: Option<String>,
    /// The file of each input, as `{type, id, name}`; empty for what does not match.
    #[serde(default)]
    pub inputs: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: Option<String>,
    #[serde(default)]
    matched: Vec<Candidate>,
    #[serde(default)]
    not_matched: Vec<Candidate>,
    #[serde(default)]
    ambiguous: Vec<Candidate>,
    #[serde(default)]
    improper_permissions: Vec<String>,
}

/// What a batch would run on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Proposal {
    client: Client,
    id: Option<String>,
    /// What it runs on.
    pub matched: Vec<Candidate>,
    /// What lacks a file for a required input.
    pub not_matched: Vec<Candidate>,
    /// What has several files for one input.
    pub ambiguous: Vec<Candidate>,
    /// Ids of what the caller may not write to.
    pub improper_permissions: Vec<String>,
}

impl Proposal {
    fn of(client: Client, document: Document) -> Self {
        let Document { id, matched, not_matched, ambiguous, improper_permissions } = document;
        Self { client, id, matched, not_matched, ambiguous, improper_permissions }
    }

    /// The id of the batch; `None` when nothing matched and the site kept nothing.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Queues one job for each match.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when nothing matched; [`ErrorKind::Conflict`] or `Invalid` when it was started before.
    pub fn run(&self) -> Request<'static, Batch> {
        match &self.id {
            Some(id) => start(&self.client, id),
            None => Request::failed(
                &self.client,
                Error::new(ErrorKind::Invalid, "nothing matched, so there is nothing to run")
                    .with_operation("start_batch")
                    .with_hint("not_matched and ambiguous say why."),
            ),
        }
    }
}

fn start(client: &Client, id: &str) -> Request<'static, Batch> {
    let (client, id) = (client.clone(), id.to_owned());
    Request::new(&client.clone(), move |raw| async move {
        Call::new(OperationId::StartBatch).at(&id).send_only(&raw).await?;
        read(&raw, client, &id).await
    })
}

async fn read(raw: &flywheel_api::Client, client: Client, id: &str) -> Result<Batch> {
    let call = Call::new(OperationId::GetBatch).at(id).query("jobs", true);
    Batch::of(client, call.send(raw).await?)
}

#[derive(Deserialize)]
struct BatchDocument {
    #[serde(rename = "_id")]
    id: String,
    state: Option<JobState>,
    gear_id: Option<String>,
    #[serde(default)]
    jobs: Vec<Value>,
}

/// A batch that is kept on the site.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch {
    client: Client,
    /// Its id.
    pub id: String,
    /// How far it is; pending before it is started.
    pub state: Option<JobState>,
    /// The gear that it runs; `None` for jobs that were put together one by one.
    pub gear_id: Option<String>,
    /// Its jobs, each with its id alone where the site says no more.
    pub jobs: Vec<Job>,
}

impl Batch {
    fn of(client: Client, document: BatchDocument) -> Result<Self> {
        let BatchDocument { id, state, gear_id, jobs } = document;
        // Ids alone where the site does not write jobs out.
        let job = |document: Value| {
            job::job(&client, if document.is_string() { json!({"id": document}) } else { document })
        };
        let jobs = jobs.into_iter().map(job).collect::<Result<_>>()?;
        Ok(Self { client, id, state, gear_id, jobs })
    }

    /// Queues its jobs. Only from pending.
    pub fn run(&self) -> Request<'static, Self> {
        start(&self.client, &self.id)
    }

    /// Calls off what has not begun yet; gives the number of jobs that were. Only while it runs.
    pub fn cancel(&self) -> Request<'static, u64> {
        let call = Call::new(OperationId::CancelBatch).at(&self.id);
        Request::new(&self.client, move |raw| async move {
            let cancelled: CancelledBatchOutput = call.send(&raw).await?;
            Ok(cancelled.number_cancelled.and_then(|jobs| u64::try_from(jobs).ok()).unwrap_or_default())
        })
    }

    /// Reads it again, in place.
    pub fn reload(&mut self) -> Request<'_, ()> {
        let client = self.client.clone();
        Request::new(&client.clone(), move |raw| async move {
            *self = read(&raw, client, &self.id).await?;
            Ok(())
        })
    }
}

impl Client {
    /// One's own batches; all of them for site administrators.
    pub fn batches(&self) -> Request<'static, Vec<Batch>> {
        let client = self.clone();
        Request::new(self, move |raw| async move {
            let found = Call::new(OperationId::GetAllBatches).list::<BatchDocument>(&raw).await?;
            found.items.into_iter().map(|document| Batch::of(client.clone(), document)).collect()
        })
    }

    /// A batch, by its id.
    pub fn batch(&self, id: impl Into<String>) -> Request<'static, Batch> {
        let (client, id) = (self.clone(), id.into());
        Request::new(self, move |raw| async move { read(&raw, client, &id).await })
    }

    /// Puts runs that were prepared one by one into one batch, which [`Batch::run`] then starts. Each is checked against its
    /// gear's manifest before anything is sent.
    pub fn batch_of(&self, runs: impl IntoIterator<Item = Invoke>) -> Request<'static, Batch> {
        let jobs: Result<Vec<_>> = runs.into_iter().map(Invoke::into_job).collect();
        let client = self.clone();
        Request::new(self, move |raw| async move {
            let call = Call::new(OperationId::CreateBatchJobFromJobs).body(json!({"jobs": jobs?}))?;
            let id = call.make(&raw).await?;
            read(&raw, client, &id).await
        })
    }
}
