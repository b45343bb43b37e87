//! Gear rules: gears that run by themselves on files as they arrive or change.

use std::future::IntoFuture;

use flywheel_api::{
    OperationId,
    types::{GearRuleConditionType as ConditionType, GearRuleOutput, JobPriority},
};
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Gear;
use crate::{Client, Error, ErrorKind, Project, Request, Resource, Result, call::Call};

/// A rule as the site has it.
pub type Rule = GearRuleOutput;

/// What a file must be like for a rule to fire.
///
/// ```
/// use flywheel::gear::Condition;
///
/// let dicom = Condition::file_type("dicom");
/// let not_localizer = Condition::file_name("*localizer*");
/// let t1 = Condition::matching("file.name", "t1.*gz");
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    #[serde(rename = "type")]
    kind: ConditionType,
    value: Value,
    regex: bool,
}

impl Condition {
    /// The aspect (`file.type`, `file.name`, `file.modality`, `file.classification`, `file.tags`, `file.parent_ref.type`,
    /// `container.has-type`, `container.has-classification`, `gear.name`, `gear.version`) equals the value, whatever the case;
    /// a file name may have the wildcards of a shell.
    pub fn equal(aspect: impl Into<ConditionType>, value: impl Into<String>) -> Self {
        Self { kind: aspect.into(), value: value.into().into(), regex: false }
    }

    /// The aspect matches the regular expression from its start, whatever the case.
    pub fn matching(aspect: impl Into<ConditionType>, pattern: impl Into<String>) -> Self {
        Self { kind: aspect.into(), value: pattern.into().into(), regex: true }
    }

    /// The type of the file.
    pub fn file_type(value: impl Into<String>) -> Self {
        Self::equal("file.type", value)
    }

    /// The name of the file, with the wildcards of a shell.
    pub fn file_name(value: impl Into<String>) -> Self {
        Self::equal("file.name", value)
    }

    /// The modality of the file.
    pub fn modality(value: impl Into<String>) -> Self {
        Self::equal("file.modality", value)
    }

    /// One of the words of the file's classification.
    pub fn classification(value: impl Into<String>) -> Self {
        Self::equal("file.classification", value)
    }

    /// One of the tags of the file.
    pub fn tag(value: impl Into<String>) -> Self {
        Self::equal("file.tags", value)
    }
}

/// The rules of a project, or those that each new project of the site starts with.
///
/// ```no_run
/// # async fn run(project: flywheel::Project, gear: flywheel::Gear) -> flywheel::Result<()> {
/// use flywheel::gear::Condition;
///
/// let rule = project
///     .rules()
///     .add("smooth T1", &gear)
///     .all(Condition::file_type("nifti"))
///     .not(Condition::file_name("*localizer*"))
///     .config("fwhm", 8)
///     .await?;
/// project.rules().change(rule.id.unwrap_or_default()).disabled(true).await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Rules {
    client: Client,
    /// The project; none for the site.
    project: Option<String>,
}

impl Project {
    /// Its gear rules.
    pub fn rules(&self) -> Rules {
        Rules { client: self.client().clone(), project: Some(self.id().to_owned()) }
    }
}

impl Client {
    /// The gear rules that each new project starts with. For site administrators.
    pub fn site_rules(&self) -> Rules {
        Rules { client: self.clone(), project: None }
    }
}

impl Rules {
    /// The call of the project's operation or of the site's.
    fn call(&self, of_project: OperationId, of_site: OperationId) -> Call {
        match &self.project {
            Some(id) => Call::new(of_project).at(id),
            None => Call::new(of_site),
        }
    }

    /// All of them.
    pub fn list(&self) -> Request<'static, Vec<Rule>> {
        self.call(OperationId::GetProjectRules, OperationId::GetSiteRules).rows(&self.client)
    }

    /// One of them.
    pub fn get(&self, id: impl Into<String>) -> Request<'static, Rule> {
        self.call(OperationId::GetProjectRule, OperationId::GetSiteRule).at(id).answer(&self.client)
    }

    /// A new one that runs this gear, to be told when.
    pub fn add(&self, name: impl Into<String>, gear: &Gear) -> RuleBuilder {
        let call = self.call(OperationId::AddProjectRule, OperationId::AddSiteRule);
        let mut builder = RuleBuilder::new(&self.client, call, true);
        if let Some(project) = &self.project {
            builder = builder.set("project_id", project);
        }
        builder.set("name", name.into()).set("gear_id", gear.id())
    }

    /// Other values for some parts of one.
    pub fn change(&self, id: impl Into<String>) -> RuleBuilder {
        let call = self.call(OperationId::ModifyProjectRule, OperationId::ModifySiteRule).at(id);
        RuleBuilder::new(&self.client, call, false)
    }

    /// Takes one away. Jobs that it started stay.
    pub fn remove(&self, id: impl Into<String>) -> Request<'static, ()> {
        self.call(OperationId::RemoveProjectRule, OperationId::RemoveSiteRule).at(id).done(&self.client)
    }
}

/// A rule that is being put together; sent when awaited.
#[must_use = "nothing is sent until this is awaited"]
#[derive(Clone, Debug)]
pub struct RuleBuilder {
    client: Client,
    call: Call,
    new: bool,
    body: Result<Map<String, Value>, String>,
}

impl RuleBuilder {
    fn new(client: &Client, call: Call, new: bool) -> Self {
        Self { client: client.clone(), call, new, body: Ok(Map::new()) }
    }

    /// Gives a part a value, by its name in the API.
    pub fn set(mut self, name: &str, value: impl Serialize) -> Self {
        crate::edit::put(&mut self.body, name.to_owned(), value);
        self
    }

    /// The body and the value as JSON, unless one of them has failed; the first failure is kept.
    fn written(&mut self, name: &str, value: impl Serialize) -> Option<(&mut Map<String, Value>, Value)> {
        let value = match serde_json::to_value(value) {
            Ok(value) => value,
            Err(error) => {
                if self.body.is_ok() {
                    self.body = Err(format!("{name} has no form in JSON: {error}"));
                }
                return None;
            }
        };
        self.body.as_mut().ok().map(|body| (body, value))
    }

    fn push(mut self, list: &str, value: impl Serialize) -> Self {
        if let Some((body, value)) = self.written(list, value)
            && let Some(entries) = body.entry(list).or_insert_with(|| json!([])).as_array_mut()
        {
            entries.push(value);
        }
        self
    }

    /// A condition that must hold, with all others of this sort.
    pub fn all(self, condition: Condition) -> Self {
        self.push("all", condition)
    }

    /// A condition of which one must hold.
    pub fn any(self, condition: Condition) -> Self {
        self.push("any", condition)
    }

    /// A condition that must not hold.
    pub fn not(self, condition: Condition) -> Self {
        self.push("not", condition)
    }

    /// Gives a configuration key of the gear a value.
    pub fn config(mut self, key: &str, value: impl Serialize) -> Self {
        if let Some((body, value)) = self.written(key, value)
            && let Some(config) = body.entry("config").or_insert_with(|| json!({})).as_object_mut()
        {
            config.insert(key.to_owned(), value);
        }
        self
    }

    /// The input that the file goes to which sets the rule off.
    pub fn triggering_input(self, name: impl Into<String>) -> Self {
        self.set("triggering_input", name.into())
    }

    /// Gives another input always the same file, in its present version.
    pub fn fixed_input(self, name: impl Into<String>, file: &crate::File) -> Self {
        self.push(
            "fixed_inputs",
            json!({"input": name.into(), "file_id": file.id(), "version": file.version()}),
        )
    }

    /// Another gear or version.
    pub fn gear(self, gear: &Gear) -> Self {
        self.set("gear_id", gear.id())
    }

    /// The role whose permissions its jobs have, by its id.
    pub fn role(self, id: impl Into<String>) -> Self {
        self.set("role_id", id.into())
    }

    /// Whether it moves on to newer versions of the gear as they are added.
    pub fn auto_update(self, yes: bool) -> Self {
        self.set("auto_update", yes)
    }

    /// Whether it rests.
    pub fn disabled(self, yes: bool) -> Self {
        self.set("disabled", yes)
    }

    /// Tags of its jobs.
    pub fn tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        let tags: Vec<String> = tags.into_iter().map(Into::into).collect();
        self.set("tags", tags)
    }

    /// How urgent its jobs are.
    pub fn priority(self, priority: impl Into<JobPriority>) -> Self {
        self.set("priority", priority.into().as_str())
    }

    /// The request, for options of this call.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a new rule without a condition.
    pub fn request(self) -> Request<'static, Rule> {
        let call = self.body.map_err(|message| mistaken(&message)).and_then(|body| {
            let conditions = ["all", "any", "not"];
            if self.new && !conditions.iter().any(|list| body.contains_key(*list)) {
                return Err(
                    mistaken("a rule needs a condition").with_hint("Call all(..), any(..) or not(..).")
                );
            }
            self.call.body(body)
        });
        Request::new(&self.client, move |raw| async move { call?.send(&raw).await })
    }
}

impl IntoFuture for RuleBuilder {
    type Output = Result<Rule>;
    type IntoFuture = BoxFuture<'static, Result<Rule>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

fn mistaken(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_operation("add_project_rule")
}
