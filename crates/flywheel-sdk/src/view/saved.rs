//! Views that are kept on the site, and the door to all that has to do with views.

use flywheel_api::{
    OperationId,
    types::{DataViewColumnAlias, DataViewExecution as ExecutionModel},
};
use flywheel_core::view::View as Document;
use serde_json::Value;

use super::{View, ViewRun, ViewSource, run::Target};
use crate::{
    Client, DataViewExecution, Error, ErrorKind, Finder, Request, Resource, Result,
    call::Call,
    edit::{Delete, Update},
    resource::{resource, sealed::Parts},
};

resource! {
    /// A data view that is kept, of the site, a user, a group or a project.
    SavedView: ViewOutput, cursor id
}

/// Data views: listing, keeping, running. See [`Client::views`] and the [module](super).
#[derive(Clone, Debug)]
pub struct Views {
    client: Client,
}

impl Client {
    /// Data views: tables over containers and the contents of files.
    pub fn views(&self) -> Views {
        Views { client: self.clone() }
    }
}

impl Views {
    /// The short names of columns that the site knows, with what they stand for.
    pub fn columns(&self) -> Request<'static, Vec<DataViewColumnAlias>> {
        Request::new(&self.client, |raw| async move {
            Ok(Call::new(OperationId::DataViewColumns).list(&raw).await?.items)
        })
    }

    /// The saved views of `parent`: `"site"`, or the id of a user, a group or a project.
    pub fn of(&self, parent: impl Into<String>) -> Finder<SavedView> {
        Finder::over(&self.client, OperationId::GetViews, vec![parent.into()])
    }

    /// The saved view with this id.
    pub fn get(&self, id: impl AsRef<str>) -> Request<'static, SavedView> {
        crate::resource::get(&self.client, id.as_ref())
    }

    /// Keeps a view under its label, with `parent`: `"site"`, or the id of a user, a group or a project. Whoever may see
    /// the parent may run it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let site = flywheel_local::Site::builder().open().await?;
    /// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
    /// # let fw = flywheel::Client::new(running.api_key())?;
    /// # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    /// use flywheel::View;
    ///
    /// let view = View::builder().label("Ages").columns(["subject.label", "session.age_years"]).build()?;
    /// let mut saved = fw.views().save(project.id(), &view).await?;
    ///
    /// saved.update().label("Ages at visits").await?;
    /// let table = saved.run_on(&project).table().await?;
    /// assert_eq!((table.len(), fw.views().of(project.id()).await?.len()), (0, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn save(&self, parent: impl Into<String>, view: &View) -> Request<'static, SavedView> {
        let (client, parent, document) = (self.client.clone(), parent.into(), view.document().clone());
        Request::new(&self.client, move |raw| async move {
            let operation = OperationId::AddView;
            if document.label.as_deref().is_none_or(str::is_empty) {
                let message = "a view that is kept needs a label: say label(text) when it is built";
                return Err(
                    Error::new(ErrorKind::Invalid, message).with_operation(operation.operation().name)
                );
            }
            let made: Value = Call::new(operation).at(parent).body(&document)?.send(&raw).await?;
            let id = made.get("_id").and_then(Value::as_str).ok_or_else(|| {
                Error::new(ErrorKind::Decode, "the answer does not say the id of the saved view")
                    .with_operation(operation.operation().name)
                    .with_may_have_executed(true)
            })?;
            Ok(SavedView::from_parts(client, Call::new(OperationId::GetView).at(id).send(&raw).await?))
        })
    }

    /// Runs a view on a project, subject, session or acquisition: one that was built, a saved one, or the id of one.
    pub fn run(&self, view: impl Into<ViewSource>, on: impl Into<Target>) -> ViewRun {
        ViewRun::new(&self.client, view.into(), vec![on.into()])
    }

    /// Runs a view on several containers and puts the rows one below the other, in the order of the containers.
    pub fn run_over<T: Into<Target>>(
        &self,
        view: impl Into<ViewSource>,
        on: impl IntoIterator<Item = T>,
    ) -> ViewRun {
        ViewRun::new(&self.client, view.into(), on.into_iter().map(Into::into).collect())
    }

    /// The runs of views that the caller began, as the site keeps them for some days.
    pub fn executions(&self) -> Finder<DataViewExecution> {
        self.client.data_view_executions()
    }

    /// The run with this id.
    pub fn execution(&self, id: impl AsRef<str>) -> Request<'static, DataViewExecution> {
        let (client, call) =
            (self.client.clone(), Call::new(OperationId::GetDataViewExecution).at(id.as_ref()));
        Request::new(&self.client, move |raw| async move {
            let model: ExecutionModel = call.send(&raw).await?;
            Ok(DataViewExecution::from_parts(client, model))
        })
    }
}

impl SavedView {
    /// Its label; empty when it has none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or_default()
    }

    /// What it asks for, to be changed and saved again.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the site sent what is no view.
    pub fn view(&self) -> Result<View> {
        let document = serde_json::to_value(self.model()).and_then(serde_json::from_value::<Document>);
        let document = document.map_err(|error| {
            Error::new(ErrorKind::Decode, format!("the view {} cannot be read: {error}", self.id()))
        })?;
        Ok(View::unchecked(document))
    }

    /// Runs it on a project, subject, session or acquisition.
    pub fn run_on(&self, on: impl Into<Target>) -> ViewRun {
        ViewRun::new(&self.client, self.into(), vec![on.into()])
    }

    /// Other values for some fields: `update().label("Ages").set("includeIds", false)`.
    pub fn update(&mut self) -> Update<'_, Self> {
        Update::new(self)
    }

    /// Puts another view in its place; what that one says nothing about is cleared. Its label stays unless the other has
    /// one.
    pub fn replace(&mut self, view: &View) -> Request<'_, ()> {
        let document = view.document();
        let keys = ["description", "groupBy", "fileSpec", "filter", "missingDataStrategy"];
        let mut update = self.update();
        let Ok(Value::Object(fields)) = serde_json::to_value(document) else { return update.request() };
        for key in keys.into_iter().filter(|key| !fields.contains_key(*key)) {
            update = update.clear(key);
        }
        for (key, value) in fields {
            update = update.set(key, value);
        }
        update.request()
    }

    /// Deletes it.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }
}

impl Update<'_, SavedView> {
    /// Another label.
    pub fn label(self, label: impl Into<String>) -> Self {
        let label: String = label.into();
        self.set("label", label)
    }

    /// What it is for.
    pub fn description(self, text: impl Into<String>) -> Self {
        let text: String = text.into();
        self.set("description", text)
    }
}
