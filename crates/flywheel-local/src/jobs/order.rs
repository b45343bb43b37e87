//! What is asked for, checked against the gear and the asker's rights, and made a job in the queue.

use flywheel_core::gear::{Base, Manifest};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    context,
    inputs::{self, Taken},
    store::{self, Job, KEYED, OUTPUTS},
};
use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult},
    gears::{
        series,
        store::{self as gears, Gear},
    },
    kind::Kind,
    providers,
    store::{
        Doc,
        containers::{self, Container},
        new_id, now,
    },
};

/// The compute provider that every local site has: the site itself.
pub(crate) const PROVIDER: &str = "5ca1ab1e0000000000000002";

/// A job that is asked for. The default of each field is what a caller means that says nothing about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    /// The version of the gear.
    pub(crate) gear_id: String,
    /// References of files by the gear's inputs: `{type, id, name}` or `{file_id}`, either with a `version`.
    pub(crate) inputs: Doc,
    /// `{type, id}` of where outputs go; without one, the container of the first input.
    pub(crate) destination: Option<Value>,
    /// Configuration; the manifest's defaults are added.
    pub(crate) config: Doc,
    /// Tags besides those that every job has.
    pub(crate) tags: Vec<String>,
    /// low, medium, high or critical.
    pub(crate) priority: Option<String>,
    /// A name for people.
    pub(crate) label: String,
    /// The compute provider, when one is named.
    pub(crate) compute_provider_id: Option<String>,
    /// The batch that it belongs to.
    pub(crate) batch: Option<String>,
    /// Further fields of the document: `attempt`, `previous_job_id`, `original_job_id`.
    pub(crate) history: Doc,
}

/// In whose name a job is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asker<'a> {
    /// Who calls.
    Caller(&'a Caller),
    /// A gear rule of a project. Its job may do what the role allows in that project.
    Rule {
        /// The rule.
        rule: &'a str,
        /// The role; none may only read.
        role: Option<&'a str>,
        /// The project.
        project: &'a str,
    },
}

impl Asker<'_> {
    /// Whether the asker may do this to the container. A rule may read its own project.
    pub(super) fn may(&self, db: &Connection, container: &Container, action: Action) -> ApiResult<bool> {
        match self {
            Asker::Caller(caller) => access::allowed(db, caller, container, action),
            Asker::Rule { project, .. } => Ok(container.ancestor(Kind::Project) == Some(*project)),
        }
    }

    /// 403 unless [`Asker::may`].
    pub(super) fn require(&self, db: &Connection, container: &Container, action: Action) -> ApiResult<()> {
        match self {
            Asker::Caller(caller) => access::authorize(db, caller, container, action),
            Asker::Rule { .. } if self.may(db, container, action)? => Ok(()),
            Asker::Rule { rule, .. } => {
                Err(ApiError::forbidden(format!("The gear rule {rule} cannot reach out of its project")))
            }
        }
    }

    fn origin(&self) -> Value {
        match self {
            Asker::Caller(caller) => caller.origin(),
            Asker::Rule { .. } => json!({"type": "system", "id": null}),
        }
    }

    /// The tag that says where its jobs come from.
    fn tag(&self) -> Option<&'static str> {
        matches!(self, Asker::Rule { .. }).then_some("auto")
    }
}

/// Puts a job into the queue, with its destination as the order says.
///
/// # Errors
/// 400 for a gear that never runs, inputs it does not have and impossible destinations; 403 when the asker may not; 404 for
/// what is not there; 412 for an unknown compute provider; 422 for a configuration that the manifest does not admit and
/// inputs that are missing.
pub(crate) fn enqueue(db: &Connection, asker: Asker<'_>, order: Order) -> ApiResult<Job> {
    let (prepared, destination) = ready(db, asker, order)?;
    prepared.submit(db, asker, &destination)
}

/// Checks everything about an order, and finds its destination.
///
/// # Errors
/// As [`enqueue`].
pub(crate) fn ready(db: &Connection, asker: Asker<'_>, order: Order) -> ApiResult<(Prepared, Container)> {
    let prepared = prepare(db, asker, order)?;
    let destination = match (&prepared.order.destination, prepared.inputs.first()) {
        (Some(given), _) => named(db, given)?,
        (None, Some(first)) => first.container.clone(),
        (None, None) => {
            return Err(ApiError::bad_request("Name a destination: there is no input to take it from"));
        }
    };
    if !matches!(destination.kind, Kind::Project | Kind::Subject | Kind::Session | Kind::Acquisition) {
        let message = format!("A {} cannot be the destination of a job", destination.kind);
        return Err(ApiError::bad_request(message));
    }
    asker.require(db, &destination, Action::JobsManage)?;
    Ok((prepared, destination))
}

fn named(db: &Connection, reference: &Value) -> ApiResult<Container> {
    let text = |key: &str| reference.get(key).and_then(Value::as_str);
    let (Some(kind), Some(id)) = (text("type"), text("id")) else {
        return Err(ApiError::bad_request("A destination is {type, id}"));
    };
    let kind = Kind::parse(kind)
        .ok_or_else(|| ApiError::bad_request(format!("{kind:?} is no kind of container")))?;
    containers::get(db, kind, id)
}

/// An order that was checked, but for its destination.
#[derive(Debug)]
pub(crate) struct Prepared {
    order: Order,
    gear: Gear,
    manifest: Manifest,
    config: Doc,
    inputs: Vec<Taken>,
}

/// Checks everything about an order but its destination.
///
/// # Errors
/// As [`enqueue`].
pub(crate) fn prepare(db: &Connection, asker: Asker<'_>, order: Order) -> ApiResult<Prepared> {
    let gear = gears::get(db, &order.gear_id)?;
    let manifest = gear.manifest()?;
    if gear.is_disabled() {
        return Err(ApiError::bad_request(format!("Gear {} {} is disabled", gear.name(), gear.version())));
    }
    if manifest.invalid().is_some() {
        return Err(ApiError::bad_request("Gear marked as invalid, will not run!"));
    }
    let config = complete_config(&manifest, &order.config)?;
    let inputs = taken(db, &asker, &manifest, &order)?;
    if let Asker::Caller(caller) = asker {
        let project = destination_project(db, &order, &inputs)?;
        series::require(db, caller, gear.name(), project.as_deref())?;
        may_name_provider(caller, order.compute_provider_id.as_deref())?;
    }
    Ok(Prepared { order, gear, manifest, config, inputs })
}

/// A configuration with the manifest's defaults.
///
/// # Errors
/// 422 for one that the manifest does not admit.
pub(crate) fn complete_config(manifest: &Manifest, given: &Doc) -> ApiResult<Doc> {
    manifest.complete_config(given).map_err(|error| {
        ApiError::unprocessable(error.to_string())
            .with("reason", "config did not match manifest")
            .with("key", error.key)
            .with("error", error.error)
    })
}

fn taken(db: &Connection, asker: &Asker<'_>, manifest: &Manifest, order: &Order) -> ApiResult<Vec<Taken>> {
    let mut taken = Vec::new();
    for (name, reference) in &order.inputs {
        let input = manifest.input(name).ok_or_else(|| {
            ApiError::bad_request(format!("Job input {name:?} is not listed in the gear's manifest"))
        })?;
        if input.base() != Base::File {
            let message = format!("The input {name:?} is of base {}: the site gives it", input.base().name());
            return Err(ApiError::bad_request(message));
        }
        taken.push(inputs::take(db, asker, name, reference)?);
    }
    let missing =
        manifest.inputs().find(|input| input.is_required_file() && !order.inputs.contains_key(input.name));
    match missing {
        None => Ok(taken),
        Some(input) => {
            let message = format!("The input {:?} is required by the gear's manifest", input.name);
            Err(ApiError::unprocessable(message)
                .with("reason", "inputs did not match manifest")
                .with("key", input.name))
        }
    }
}

fn destination_project(db: &Connection, order: &Order, inputs: &[Taken]) -> ApiResult<Option<String>> {
    let container = match (&order.destination, inputs.first()) {
        (Some(given), _) => Some(named(db, given)?),
        (None, first) => first.map(|first| first.container.clone()),
    };
    Ok(container.and_then(|container| container.ancestor(Kind::Project).map(str::to_owned)))
}

/// 403 when a caller names a compute provider who may not.
pub(super) fn may_name_provider(caller: &Caller, named: Option<&str>) -> ApiResult<()> {
    match named {
        Some(_) if !caller.is_superuser() => {
            Err(ApiError::forbidden("Only site administrators name a compute provider"))
        }
        _ => Ok(()),
    }
}

impl Prepared {
    /// What documents say about the gear.
    pub(crate) fn gear_info(&self) -> Value {
        self.gear.info()
    }

    /// The provider that computes the job.
    ///
    /// # Errors
    /// 412 when the order names one that is not there.
    pub(crate) fn provider(&self, db: &Connection) -> ApiResult<Doc> {
        let project = destination_project(db, &self.order, &self.inputs)?;
        providers::computing(db, self.order.compute_provider_id.as_deref(), project.as_deref())
    }

    /// The entries of the files that are taken in, for an analysis to keep.
    pub(crate) fn input_entries(&self) -> Vec<Value> {
        let entries = self.inputs.iter().map(|taken| {
            let mut doc = taken.file.doc.clone();
            doc.insert("file_group".into(), "inputs".into());
            doc.into()
        });
        entries.collect()
    }

    /// Puts the job into the queue, to write into this container.
    pub(crate) fn submit(self, db: &Connection, asker: Asker<'_>, destination: &Container) -> ApiResult<Job> {
        let (id, time) = (new_id(), now());
        let mut config_inputs = Doc::new();
        for input in self.manifest.inputs().filter(|input| input.base() == Base::Context) {
            let found = context::find(db, &asker, destination, input.name)?;
            config_inputs.insert(input.name.to_owned(), context_value(found));
        }
        for taken in &self.inputs {
            config_inputs.insert(taken.name.clone(), taken.in_config());
        }
        let keyed = self.manifest.inputs().any(|input| input.base() == Base::ApiKey);
        let inputs: Doc = self.inputs.iter().map(|taken| (taken.name.clone(), taken.reference())).collect();
        let doc = json!({
            "_id": id,
            "gear_id": self.gear.id,
            "gear_info": self.gear.info(),
            "inputs": inputs,
            "destination": destination.reference(),
            "tags": self.tags(&asker, destination),
            "priority": self.order.priority.as_deref().unwrap_or("medium"),
            "attempt": 1,
            "created": time,
            "modified": time,
            "state": "pending",
            "transitions": {"pending": time},
            "config": {"config": self.config, "inputs": config_inputs, "destination": destination.reference()},
            "origin": asker.origin(),
            "saved_files": [],
            "failed_output_accepted": false,
            "profile": self.profile(),
            "related_container_ids": self.related(destination),
            "label": self.order.label,
            "compute_provider_id": self.provider(db)?.get("_id"),
            "parents": destination.parents_of_child(),
            OUTPUTS: [],
            KEYED: keyed,
        });
        let Value::Object(mut doc) = doc else { return Err(ApiError::internal("a job is no object")) };
        if self.manifest.shows_job() {
            doc["config"]["job"] = json!({"id": id});
        }
        if let Asker::Rule { rule, role, .. } = asker {
            doc.insert("rule_id".into(), rule.into());
            doc.extend(role.map(|role| ("role_id".to_owned(), Value::from(role))));
        }
        doc.extend(self.order.batch.map(|batch| ("batch".to_owned(), Value::from(batch))));
        doc.extend(self.order.history);
        let job = Job { id, doc };
        store::insert(db, &job)?;
        Ok(job)
    }

    /// The given tags, the gear's name, and what the job belongs to.
    fn tags(&self, asker: &Asker<'_>, destination: &Container) -> Vec<String> {
        let analysis = (destination.kind == Kind::Analysis).then_some("analysis");
        let batch = self.order.batch.as_ref().map(|_| "batch");
        let more = [Some(self.gear.name()), analysis, asker.tag(), batch].into_iter().flatten();
        let mut tags: Vec<String> = Vec::new();
        for tag in self.order.tags.iter().map(String::as_str).chain(more) {
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }

    fn profile(&self) -> Value {
        let sizes = self.inputs.iter().filter_map(|taken| taken.file.doc.get("size")?.as_u64());
        json!({"total_input_files": self.inputs.len(), "total_input_size_bytes": sizes.sum::<u64>()})
    }

    /// The destination, the containers of the inputs, and all above them but their groups.
    fn related(&self, destination: &Container) -> Vec<String> {
        let mut related: Vec<String> = Vec::new();
        let containers = std::iter::once(destination).chain(self.inputs.iter().map(|taken| &taken.container));
        for container in containers {
            let above = Kind::LEVELS.into_iter().filter(|kind| *kind != Kind::Group);
            for id in above.filter_map(|kind| container.ancestor(kind)).chain([container.id.as_str()]) {
                if !related.iter().any(|known| known == id) {
                    related.push(id.to_owned());
                }
            }
        }
        related
    }
}

fn context_value(found: Option<context::Found>) -> Value {
    match found {
        Some(found) => json!({"base": "context", "found": true, "value": found.value}),
        None => json!({"base": "context", "found": false}),
    }
}
