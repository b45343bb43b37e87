//! What administrators of a project set: its settings, its session templates, its gear rules, its lock.

use flywheel_api::{
    OperationId,
    types::{
        CatalogListOutput, DeletedResult, ModifiedResult, ProjectDeleteStatusOutput, ProjectSettingsOutput,
        SessionTemplateRecalcOutput, SharingFilterOptions,
    },
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Client, Project, Request, Resource, call::Call, list::List};

/// What a session must hold to be complete: labels, acquisitions, files.
///
/// ```no_run
/// # async fn run(mut project: flywheel::Project) -> flywheel::Result<()> {
/// use flywheel::admin::Template;
///
/// let template = Template::new().session("^ses").acquisition("T1", 1, ["Structural"]).acquisition("bold", 2, [""; 0]);
/// project.set_templates([template]).await?;
/// for session in project.sessions().await? {
///     println!("{} {:?}", session.label(), session.satisfies_template);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, Serialize)]
pub struct Template {
    #[serde(skip_serializing_if = "Map::is_empty")]
    session: Map<String, Value>,
    acquisitions: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<bool>,
}

impl Template {
    /// A template that every session satisfies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only for sessions whose label matches this pattern from its start.
    #[must_use]
    pub fn session(mut self, label: impl Into<String>) -> Self {
        self.session.insert("label".to_owned(), label.into().into());
        self
    }

    /// At least `minimum` acquisitions whose label matches, with a file for each of these words of a classification.
    #[must_use]
    pub fn acquisition<W: Into<String>>(
        mut self,
        label: impl Into<String>,
        minimum: u32,
        classified: impl IntoIterator<Item = W>,
    ) -> Self {
        let files: Vec<_> =
            classified.into_iter().map(|word| json!({"minimum": 1, "classification": word.into()})).collect();
        let mut acquisition = json!({"label": label.into(), "minimum": minimum});
        if !files.is_empty() {
            acquisition["files"] = files.into();
        }
        self.acquisitions.push(acquisition);
        self
    }

    /// Whether labels are patterns, as they are when nothing is said, or exact.
    #[must_use]
    pub fn patterns(mut self, yes: bool) -> Self {
        self.regex = Some(yes);
        self
    }
}

impl Project {
    /// How it is set up.
    pub fn settings(&self) -> Request<'static, ProjectSettingsOutput> {
        Call::new(OperationId::GetProjectSettings).at(self.id()).answer(self.client())
    }

    /// Gives settings of it other values.
    pub fn update_settings(&self, settings: impl Serialize) -> Request<'static, ProjectSettingsOutput> {
        Call::new(OperationId::ModifyProjectSettings).at(self.id()).sending(settings).answer(self.client())
    }

    /// What its sessions must hold: each must satisfy one of these.
    pub fn set_templates(&self, templates: impl IntoIterator<Item = Template>) -> Request<'static, ()> {
        let body = json!({"templates": templates.into_iter().collect::<Vec<_>>()});
        let set: Request<'static, ModifiedResult> =
            Call::new(OperationId::SetProjectTemplate).at(self.id()).sending(body).answer(self.client());
        set.map(|_| Ok(()))
    }

    /// Asks nothing of its sessions any more.
    pub fn remove_templates(&self) -> Request<'static, ()> {
        let gone: Request<'static, DeletedResult> =
            Call::new(OperationId::RemoveProjectTemplate).at(self.id()).answer(self.client());
        gone.map(|_| Ok(()))
    }

    /// Has the site look again which sessions satisfy a template; gives the ids of those that changed.
    pub fn check_templates(&self) -> Request<'static, Vec<String>> {
        let done: Request<'static, SessionTemplateRecalcOutput> =
            Call::new(OperationId::RecalcProject).at(self.id()).answer(self.client());
        done.map(|done| Ok(done.sessions_changed.unwrap_or_default()))
    }

    /// Locks it: until it is unlocked nobody changes anything in it. The reason is one of
    /// [`lock_reasons`](Client::lock_reasons).
    pub fn lock(&mut self, reason: impl Into<String>) -> Request<'_, ()> {
        let call =
            Call::new(OperationId::LockProject).at(self.id()).sending(json!({"reason": reason.into()}));
        self.sent_and_read(call)
    }

    /// Unlocks it.
    pub fn unlock(&mut self) -> Request<'_, ()> {
        let call = Call::new(OperationId::UnlockProject).at(self.id()).sending(json!({}));
        self.sent_and_read(call)
    }

    fn sent_and_read(&mut self, call: Call) -> Request<'_, ()> {
        let client = self.client().clone();
        Request::new(&client, move |raw| async move {
            call.send_only(&raw).await?;
            crate::resource::read_again(self, &raw).await
        })
    }

    /// How far the site is with deleting it.
    pub fn delete_status(&self) -> Request<'static, ProjectDeleteStatusOutput> {
        Call::new(OperationId::GetProjectDeleteStatus).at(self.id()).answer(self.client())
    }
}

impl Client {
    /// Has the site look again, in all projects, which sessions satisfy a template; gives the ids of those that changed.
    pub fn check_all_templates(&self) -> Request<'static, Vec<String>> {
        let done: Request<'static, SessionTemplateRecalcOutput> =
            Call::new(OperationId::RecalcAllProjects).answer(self);
        done.map(|done| Ok(done.sessions_changed.unwrap_or_default()))
    }

    /// The projects that others share, found by these words.
    pub fn catalog(&self, words: impl Into<String>) -> List<CatalogListOutput> {
        List::new(self, OperationId::CatalogList).parameter("search_string", words.into())
    }

    /// What [`catalog`](Self::catalog) can be filtered by.
    pub fn catalog_filters(&self) -> Request<'static, SharingFilterOptions> {
        Call::new(OperationId::GetCatalogListFilterOptions).answer(self)
    }
}
