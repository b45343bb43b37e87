//! Gears: the programs that a site runs, how they are run, on one thing or on many, by hand or by rule.
//!
//! A [`Gear`] is one version of a program. [`Gear::invoke`] puts a run together and checks it against the gear's manifest
//! before anything is sent; [`Gear::propose_batch`] finds out what a gear would run on; [`Rule`]s run gears on files as they
//! arrive. What runs is a [`Job`](crate::Job).
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let acquisition = project.add_subject("sub-01").await?.add_session("s").await?.add_acquisition("T1w").await?;
//! use flywheel::{JobState, Source};
//! use serde_json::json;
//!
//! let gear = fw
//!     .add_gear(json!({
//!         "name": "smooth", "label": "Smooth", "description": "Smooths an image.", "version": "1.0.0",
//!         "author": "Jo", "license": "MIT", "url": "", "source": "",
//!         "config": {"fwhm": {"type": "number", "default": 6, "minimum": 0}},
//!         "inputs": {"image": {"base": "file", "type": {"enum": ["nifti"]}}},
//!     }))
//!     .await?;
//! let file = acquisition.upload(Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//!
//! // A mistake is found before anything is sent.
//! let mistaken = gear.invoke().input("image", &file).config("fwhm", -1).job().await.unwrap_err();
//! assert!(mistaken.is_invalid());
//!
//! let mut job = gear.invoke().input("image", &file).config("fwhm", 8).tag("tour").job().await?;
//! assert_eq!(job.state(), Some(&JobState::Pending));
//! job.cancel().await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod batch;
mod details;
mod invoke;
mod rule;
mod wrap;

use flywheel_api::{OperationId, types::GearCategory};
use flywheel_core::gear::{Manifest, ManifestError};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use access::{GearAccess, Permitted};
pub use batch::{Batch, Candidate, OptionalInputs, Proposal, ProposeBatch};
pub use invoke::{Invoke, Invoked, Source as InputSource};
pub use rule::{Condition, Rule, RuleBuilder, Rules};

use crate::{
    Client, Error, ErrorKind, Finder, Request, call::Call, edit::Delete, resource, resource::resource,
};

resource! {
    /// A program that the site can run, in one version.
    Gear: GearDocument, cursor id
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

    /// Whether its runs make analyses, rather than writing to the container of their input.
    pub fn is_analysis(&self) -> bool {
        self.category == Some(GearCategory::Analysis)
    }

    /// Its manifest, checked.
    ///
    /// # Errors
    /// Everything that is wrong with it; sites hold gears older than today's rules.
    pub fn manifest(&self) -> Result<Manifest, ManifestError> {
        Manifest::new(serde_json::to_value(&self.gear).unwrap_or_default())
    }

    /// The configuration that a run has when it says nothing. Keys without a default are absent; empty when the manifest
    /// breaks today's rules.
    pub fn default_config(&self) -> Map<String, Value> {
        self.manifest().map(|manifest| manifest.default_config()).unwrap_or_default()
    }

    /// A call of it that cannot be right, found before it is sent.
    fn mistaken(&self, operation: &'static str, message: &str) -> Error {
        let text = format!("gear {} {}: {message}", self.name(), self.version());
        Error::new(ErrorKind::Invalid, text).with_operation(operation)
    }

    /// The configuration of a call with the defaults of the manifest filled in. A gear from before today's rules gets it
    /// as it was given: the site knows what such a gear takes.
    fn complete_config(
        &self,
        operation: &'static str,
        given: &Map<String, Value>,
    ) -> crate::Result<Map<String, Value>> {
        let Ok(manifest) = self.manifest() else { return Ok(given.clone()) };
        let complete = manifest.complete_config(given);
        complete
            .map_err(|error| self.mistaken(operation, &format!("config {:?}: {}", error.key, error.error)))
    }

    /// What its analyses are called when nothing is said: its name and the time on the clock of this machine.
    fn label_for_now(&self) -> String {
        format!("{} {}", self.name(), chrono::Local::now().format("%Y-%m-%d %H:%M:%S"))
    }

    /// A run of it, to be put together.
    pub fn invoke(&self) -> Invoke {
        Invoke::new(self)
    }

    /// What values `context` inputs would have when run for a container: each with where it was found, if anywhere.
    pub fn context_of(
        &self,
        container: impl Into<crate::ContainerRef>,
    ) -> Request<'static, Map<String, Value>> {
        self.seen_from(OperationId::GetGearContext, &container.into())
    }

    /// The files at and below a container that fit its inputs, as the site suggests them.
    pub fn suggestions_at(
        &self,
        container: impl Into<crate::ContainerRef>,
    ) -> Request<'static, flywheel_api::types::GearSuggestionOutput> {
        self.seen_from(OperationId::GetGearSuggest, &container.into())
    }

    fn seen_from<T: serde::de::DeserializeOwned + Send + 'static>(
        &self,
        operation: OperationId,
        container: &crate::ContainerRef,
    ) -> Request<'static, T> {
        Call::new(operation).at(self.id()).at(container.kind.plural()).at(&container.id).answer(&self.client)
    }

    /// The JSON Schema of a whole run of it, `{config, inputs}`, as the site has it.
    pub fn invocation_schema(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetGearInvocation).at(self.id()).answer(&self.client)
    }

    /// Takes this version out of use; jobs that ran it keep their record. For developers and site administrators.
    pub fn disable(&self) -> Request<'static, ()> {
        Call::new(OperationId::DisableGear).at(self.id()).done(&self.client)
    }

    /// Takes this version into use again. For developers and site administrators.
    pub fn enable(&self) -> Request<'static, ()> {
        Call::new(OperationId::EnableGear).at(self.id()).done(&self.client)
    }

    /// Deletes this version. What it has made stays. For site administrators.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }
}

impl Finder<Gear> {
    /// Every version of each gear; without, the newest alone.
    pub fn all_versions(self) -> Self {
        self.parameter("all_versions", true)
    }

    /// Also gears that the site holds to be unfit to run, such as those whose manifest breaks today's rules.
    pub fn with_invalid(self) -> Self {
        self.parameter("include_invalid", true)
    }
}

impl Client {
    /// Adds a gear by its manifest, or by a whole document `{category, gear, exchange}`. The manifest is checked before
    /// anything is sent. For developers and site administrators.
    ///
    /// A bare manifest is a `utility` unless its `custom.gear-builder.category` says otherwise.
    pub fn add_gear(&self, document: impl Serialize) -> Request<'static, Gear> {
        let call = gear_document(document)
            .map(|(name, document)| Call::new(OperationId::AddGear).at(name).sending(document));
        let client = self.clone();
        Request::new(self, move |raw| async move {
            let id = call?.make(&raw).await?;
            resource::get::<Gear>(&client, &id).await
        })
    }
}

/// A gear's document with the name in its manifest.
fn gear_document(document: impl Serialize) -> crate::Result<(String, Value)> {
    let invalid = |message: String| Error::new(ErrorKind::Invalid, message).with_operation("add_gear");
    let document = serde_json::to_value(document).map_err(|error| invalid(error.to_string()))?;
    let whole = document.get("gear").is_some_and(Value::is_object);
    let manifest = if whole { document["gear"].clone() } else { document.clone() };
    let checked = Manifest::new(manifest).map_err(|error| invalid(error.to_string()))?;
    let name = checked.name().to_owned();
    if whole {
        return Ok((name, document));
    }
    let category = checked.category().unwrap_or("utility").to_owned();
    let exchange = json!({"git-commit": "local", "rootfs-hash": "local", "rootfs-url": "local"});
    Ok((name, json!({"category": category, "gear": document, "exchange": exchange})))
}
