//! One run of a gear, put together and checked before it is sent.

use flywheel_api::{OperationId, types::JobPriority};
use flywheel_core::gear::{Base, Manifest};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Gear;
use crate::{
    Analysis, Client, ContainerRef, Error, File, Job, Kind, Request, Resource, Result, call::Call, resource,
};

/// A run of a gear. [`job`](Self::job) and [`analysis`](Self::analysis) say what comes of it, [`run`](Self::run) leaves that
/// to the gear. Values are held against the manifest before anything is sent.
#[must_use = "nothing runs before job(), analysis() or run()"]
#[derive(Clone, Debug)]
pub struct Invoke {
    client: Client,
    gear: Gear,
    inputs: Map<String, Value>,
    config: Map<String, Value>,
    destination: Option<ContainerRef>,
    label: Option<String>,
    tags: Vec<String>,
    priority: JobPriority,
    provider: Option<String>,
    mistake: Option<String>,
}

/// What an input can be given: a file, or a container where the gear takes one.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file by the container it hangs on and its name.
    File(ContainerRef, String),
    /// A container.
    Container(ContainerRef),
    /// A file whose document does not say where it stands.
    Nowhere,
}

impl From<&File> for Source {
    fn from(file: &File) -> Self {
        file.parent_ref().map_or(Self::Nowhere, |parent| Self::File(parent, file.name().to_owned()))
    }
}

impl From<(ContainerRef, &str)> for Source {
    fn from((parent, name): (ContainerRef, &str)) -> Self {
        Self::File(parent, name.to_owned())
    }
}

impl From<ContainerRef> for Source {
    fn from(container: ContainerRef) -> Self {
        Self::Container(container)
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Invoked {
    /// A job that writes to the container of its input, or to its destination.
    Job(Job),
    /// An analysis, whose [`job`](Analysis::job) computes it.
    Analysis(Analysis),
}

impl Invoke {
    pub(super) fn new(gear: &Gear) -> Self {
        Self {
            client: gear.client().clone(),
            gear: gear.clone(),
            inputs: Map::new(),
            config: Map::new(),
            destination: None,
            label: None,
            tags: Vec::new(),
            priority: JobPriority::Medium,
            provider: None,
            mistake: None,
        }
    }

    /// Gives an input a file (`&file`), a file by place and name, or a container.
    pub fn input(mut self, name: impl Into<String>, source: impl Into<Source>) -> Self {
        let name = name.into();
        match source.into() {
            Source::File(parent, file) => {
                self.inputs.insert(name, json!({"type": parent.kind, "id": parent.id, "name": file}));
            }
            Source::Container(container) => {
                self.inputs.insert(name, json!({"type": container.kind, "id": container.id}));
            }
            Source::Nowhere => {
                self.note(format!(
                    "the document of the file for input {name:?} does not say where it stands; call reload()"
                ));
            }
        }
        self
    }

    /// Gives a configuration key a value; others keep the defaults of the manifest.
    pub fn config(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        let key = key.into();
        match serde_json::to_value(value) {
            Ok(value) => drop(self.config.insert(key, value)),
            Err(error) => self.note(format!("config {key:?} has no form in JSON: {error}")),
        }
        self
    }

    /// Gives several configuration keys their values.
    pub fn configs(mut self, values: impl IntoIterator<Item = (String, Value)>) -> Self {
        self.config.extend(values);
        self
    }

    /// Where it runs: the container that an analysis hangs on, or that outputs are written to. Without one, outputs go to
    /// the container of the first input.
    pub fn destination(mut self, container: impl Into<ContainerRef>) -> Self {
        self.destination = Some(container.into());
        self
    }

    /// The label of the job or the analysis. An analysis without one gets the gear's name and the time.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// A tag of the job.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Tags of the job.
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// How urgent it is; medium when nothing is said.
    pub fn priority(mut self, priority: impl Into<JobPriority>) -> Self {
        self.priority = priority.into();
        self
    }

    /// The compute provider, by its id. For site administrators.
    pub fn compute_provider(mut self, id: impl Into<String>) -> Self {
        self.provider = Some(id.into());
        self
    }

    fn note(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }

    /// Runs it as the gear is meant to run: as an analysis or as a plain job.
    pub fn run(self) -> Request<'static, Invoked> {
        if self.gear.is_analysis() {
            self.analysis().map(|analysis| Ok(Invoked::Analysis(analysis)))
        } else {
            self.job().map(|job| Ok(Invoked::Job(job)))
        }
    }

    /// Queues it as a job.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the gear makes analyses, or what was given does not fit its manifest.
    pub fn job(self) -> Request<'static, Job> {
        let client = self.client.clone();
        let body = self.into_job();
        Request::new(&client.clone(), move |raw| async move {
            let id = Call::new(OperationId::AddJob).body(body?)?.make(&raw).await?;
            resource::get(&client, &id).await
        })
    }

    /// The document of a plain job.
    pub(super) fn into_job(self) -> Result<Map<String, Value>> {
        if self.gear.is_analysis() {
            let hint = format!("{} makes analyses: call analysis() or run().", self.gear.name());
            return Err(self.mistaken("this gear does not run as a plain job".to_owned()).with_hint(hint));
        }
        let mut body = self.body()?;
        if let Some(label) = &self.label {
            body.insert("label".to_owned(), label.as_str().into());
        }
        if let Some(destination) = &self.destination {
            body.insert("destination".to_owned(), json!(destination));
        }
        Ok(body)
    }

    /// Makes an analysis on the destination and queues the job that computes it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) without a destination, when the gear makes none, or when what was given does not fit its manifest.
    pub fn analysis(self) -> Request<'static, Analysis> {
        let client = self.client.clone();
        let prepared = self.analysis_call();
        Request::new(&client.clone(), move |raw| async move {
            let id = prepared?.make(&raw).await?;
            resource::get(&client, &id).await
        })
    }

    fn analysis_call(&self) -> Result<Call> {
        if !self.gear.is_analysis() {
            let hint = format!("{} writes to containers: call job() or run().", self.gear.name());
            return Err(self.mistaken("this gear makes no analyses".to_owned()).with_hint(hint));
        }
        let Some(destination) = &self.destination else {
            return Err(self
                .mistaken("an analysis needs a container to hang on".to_owned())
                .with_hint("Call destination(..)."));
        };
        let Some(operation) = destination.kind.routes().add_analysis else {
            return Err(self.mistaken(format!("no analysis can hang on a {}", destination.kind)));
        };
        let label = self.label.clone().unwrap_or_else(|| self.gear.label_for_now());
        Call::new(operation).at(&destination.id).body(json!({"label": label, "job": self.body()?}))
    }

    /// The job's document, checked.
    fn body(&self) -> Result<Map<String, Value>> {
        if let Some(mistake) = &self.mistake {
            return Err(self.mistaken(mistake.clone()));
        }
        if let Ok(manifest) = self.gear.manifest() {
            self.check_names(&manifest)?;
        }
        let config = self.gear.complete_config("invoke", &self.config)?;
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        set("gear_id", self.gear.id().into());
        set("inputs", self.inputs.clone().into());
        set("config", config.into());
        set("tags", self.tags.clone().into());
        set("priority", self.priority.as_str().into());
        if let Some(provider) = &self.provider {
            set("compute_provider_id", provider.clone().into());
        }
        Ok(body)
    }

    /// Every input and configuration key is one of the manifest, and no required file is missing.
    fn check_names(&self, manifest: &Manifest) -> Result<()> {
        let files = || manifest.inputs().filter(|input| input.base() == Base::File);
        if let Some(name) = self.inputs.keys().find(|name| !files().any(|input| input.name == name.as_str()))
        {
            return Err(self
                .mistaken(format!("there is no file input {name:?}"))
                .with_hint(listed("Its inputs", files().map(|input| input.name))));
        }
        if let Some(missing) =
            files().find(|input| input.is_required_file() && !self.inputs.contains_key(input.name))
        {
            let hint = format!("Call input({:?}, &file).", missing.name);
            return Err(self.mistaken(format!("the input {:?} is required", missing.name)).with_hint(hint));
        }
        let known = || manifest.config().map(|(key, _)| key);
        if let Some(key) = self.config.keys().find(|key| !known().any(|name| name == key.as_str())) {
            return Err(self
                .mistaken(format!("there is no config {key:?}"))
                .with_hint(listed("Its config", known())));
        }
        Ok(())
    }

    fn mistaken(&self, message: String) -> Error {
        self.gear.mistaken("invoke", &message)
    }
}

/// `Its inputs: a, b.`
fn listed<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { format!("{what}: none.") } else { format!("{what}: {}.", names.join(", ")) }
}

impl Invoked {
    /// The job; of an analysis, the one that computes it.
    pub fn job(&self) -> Request<'static, Option<Job>> {
        match self {
            Self::Job(job) => {
                let job = job.clone();
                Request::new(&job.client().clone(), move |_| std::future::ready(Ok(Some(job))))
            }
            Self::Analysis(analysis) => analysis.job(),
        }
    }

    /// The id of what was made.
    pub fn id(&self) -> &str {
        match self {
            Self::Job(job) => job.id(),
            Self::Analysis(analysis) => analysis.id(),
        }
    }

    /// What was made.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Job(_) => Kind::Job,
            Self::Analysis(_) => Kind::Analysis,
        }
    }
}
