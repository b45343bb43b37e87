//! Searches that are kept on the site, under a label.

use flywheel_api::{OperationId, types::SearchQuery};
use flywheel_core::sort::Order;
use serde_json::{Value, json};

use super::{Hits, Search, invalid};
use crate::{
    Client, ContainerRef, Error, ErrorKind, Finder, Kind, Request, Resource, Result,
    call::Call,
    edit::{Delete, Update},
    resource::{resource, sealed::Parts},
};

resource! {
    /// A search that is kept, with what it belongs to.
    SavedSearch: SaveSearchOutput, cursor id
}

/// What a saved search belongs to: whoever may see that may run the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchParent(Value);

impl SearchParent {
    /// The site as a whole.
    pub fn site() -> Self {
        Self(json!({"type": "site", "id": "site"}))
    }

    /// A user, by id.
    pub fn user(id: impl AsRef<str>) -> Self {
        ContainerRef::new(Kind::User, id.as_ref()).into()
    }
}

impl From<ContainerRef> for SearchParent {
    /// A group, project, session or analysis, or a user.
    fn from(reference: ContainerRef) -> Self {
        Self(json!({"type": reference.kind, "id": reference.id}))
    }
}

impl<C: Resource> From<&C> for SearchParent {
    fn from(container: &C) -> Self {
        container.reference().into()
    }
}

impl Search {
    /// Keeps this search on the site: `parent` says to whom it belongs, `kind` what it finds.
    ///
    /// ```no_run
    /// # async fn run(fw: flywheel::Client, project: flywheel::Project) -> flywheel::Result<()> {
    /// use flywheel::{Kind, Session};
    ///
    /// let saved = fw.search("session.age >= 1893456000").save("Over sixty", Kind::Session, &project).await?;
    /// let again: Vec<Session> = fw.saved_searches().get(saved.id()).await?.search()?.find().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn save(
        &self,
        label: impl Into<String>,
        kind: Kind,
        parent: impl Into<SearchParent>,
    ) -> Request<'static, SavedSearch> {
        let (label, parent) = (label.into(), parent.into().0);
        let (client, search) = (self.client.clone(), self.body(kind, self.ask.limit));
        self.request(move |raw| async move {
            let body = json!({"label": label, "search": search?, "parent": parent});
            let made: Value = Call::new(OperationId::SaveSearch).body(body)?.send(&raw).await?;
            let id = made.get("_id").and_then(Value::as_str).ok_or_else(|| {
                Error::new(ErrorKind::Decode, "the answer does not say the id of the saved search")
                    .with_operation(OperationId::SaveSearch.operation().name)
                    .with_may_have_executed(true)
            })?;
            let model = Call::new(OperationId::GetSavedSearch).at(id).send(&raw).await?;
            Ok(SavedSearch::from_parts(client, model))
        })
    }
}

impl SavedSearch {
    /// Its label; empty when it has none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or_default()
    }

    /// What it finds; `None` for a kind that this release does not know.
    pub fn finds(&self) -> Option<Kind> {
        self.search.as_ref()?.return_type.as_ref()?.as_str().parse().ok()
    }

    /// The search itself, to be run, or changed and saved again.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when its query cannot be read.
    pub fn search(&self) -> Result<Search> {
        let mut search = Search::new(&self.client);
        let Some(saved) = self.search.as_ref() else { return Ok(search) };
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        if let Some(query) = filled(&saved.structured_query) {
            search = search.and(query);
        }
        if let Some(mistake) = search.ask.mistake.take() {
            return Err(invalid(mistake));
        }
        search.ask.text = filled(&saved.search_string);
        search.ask.clauses = saved.filters.clone().unwrap_or_default();
        search.ask.all_data = saved.all_data.unwrap_or_default();
        search.ask.limit = saved.size.and_then(|size| usize::try_from(size).ok());
        search.ask.sort = order(saved);
        Ok(search)
    }

    /// What it finds, one by one.
    ///
    /// # Errors
    /// As [`search`](Self::search), and when it finds a kind that this release does not know.
    pub fn hits(&self) -> Result<Hits> {
        let kind = self.finds().ok_or_else(|| invalid("the saved search does not say what it is to find"))?;
        Ok(self.search()?.hits(kind))
    }

    /// Other fields, such as the label; see [`replace`](Self::replace) for the search.
    pub fn update(&mut self) -> Update<'_, Self> {
        Update::new(self)
    }

    /// Puts another search in its place.
    pub fn replace(&mut self, search: &Search, kind: Kind) -> Request<'_, ()> {
        match search.body(kind, search.ask.limit) {
            Ok(body) => self.update().set("search", body).request(),
            Err(error) => Request::failed(&self.client.clone(), error),
        }
    }

    /// Deletes it. What it finds stays.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }
}

impl Update<'_, SavedSearch> {
    /// Another label.
    pub fn label(self, label: impl Into<String>) -> Self {
        let label: String = label.into();
        self.set("label", label)
    }
}

fn order(saved: &SearchQuery) -> Option<(String, Order)> {
    let sort = serde_json::to_value(saved.sort.as_ref()?).ok()?;
    let descends = sort.get("order").is_some_and(|order| order == "desc");
    let order = if descends { Order::Descending } else { Order::Ascending };
    Some((sort.get("field")?.as_str()?.to_owned(), order))
}

impl Client {
    /// Finds saved searches that the caller may see.
    pub fn saved_searches(&self) -> Finder<SavedSearch> {
        Finder::all(self)
    }
}
