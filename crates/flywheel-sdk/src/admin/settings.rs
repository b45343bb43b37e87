//! How the site is set up: its settings, what files and reasons it knows, and its providers of storage and computing.

use flywheel_api::{
    OperationId,
    types::{Bookmark, EgressProvider, EgressProviderId, ProviderClass, SiteSettings},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Client, Request, call::Call, list::List};

impl Client {
    /// The settings of the site.
    pub fn site_settings(&self) -> Request<'static, SiteSettings> {
        Call::new(OperationId::GetSiteSettings).answer(self)
    }

    /// Gives settings of the site other values. For site administrators.
    pub fn update_site_settings(&self, settings: impl Serialize) -> Request<'static, SiteSettings> {
        Call::new(OperationId::ModifySiteSettings).sending(settings).answer(self)
    }

    /// The links that the site shows to everybody.
    pub fn bookmarks(&self) -> Request<'static, Vec<Bookmark>> {
        Call::new(OperationId::GetBookmarkList).rows(self)
    }

    /// Replaces the links that the site shows to everybody. For site administrators.
    pub fn set_bookmarks(
        &self,
        bookmarks: impl IntoIterator<Item = Bookmark>,
    ) -> Request<'static, Vec<Bookmark>> {
        let bookmarks: Vec<_> = bookmarks.into_iter().collect();
        Call::new(OperationId::ModifyBookmarkList).sending(bookmarks).rows(self)
    }

    /// The types of files that the site knows, as it writes them.
    pub fn file_types(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetConfigFileTypes).answer(self)
    }

    /// The reasons that can be given for deleting something, as the site writes them.
    pub fn delete_reasons(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetConfigDeleteReasons).answer(self)
    }

    /// The reasons that can be given for locking a project, as the site writes them.
    pub fn lock_reasons(&self) -> Request<'static, Value> {
        Call::new(OperationId::GetConfigProjectLockingReasons).answer(self)
    }

    /// Where the site stores and computes. Their credentials are never told.
    pub fn providers(&self) -> List<EgressProvider> {
        List::new(self, OperationId::GetProviders)
    }

    /// One provider, by its id.
    pub fn provider(&self, id: impl Into<String>) -> Request<'static, EgressProvider> {
        Call::new(OperationId::GetProvider).at(id).answer(self)
    }

    /// A new provider: `label`, `provider_class`, `provider_type`, `creds`, `config`. For site administrators.
    pub fn add_provider(&self, provider: impl Serialize) -> Request<'static, EgressProviderId> {
        Call::new(OperationId::AddProvider).sending(provider).answer(self)
    }

    /// Gives fields of a provider other values. For site administrators.
    pub fn update_provider(
        &self,
        id: impl Into<String>,
        changes: impl Serialize,
    ) -> Request<'static, EgressProvider> {
        Call::new(OperationId::ModifyProvider).at(id).sending(changes).answer(self)
    }

    /// Deletes a provider. For site administrators.
    pub fn delete_provider(&self, id: impl Into<String>) -> Request<'static, ()> {
        Call::new(OperationId::DeleteProvider).at(id).done(self)
    }

    /// How a provider is set up, as the site writes it. For site administrators.
    pub fn provider_config(&self, id: impl Into<String>) -> Request<'static, Value> {
        Call::new(OperationId::GetProviderConfig).at(id).answer(self)
    }
}

impl List<EgressProvider> {
    /// Only providers of storage, or only of computing.
    pub fn class(self, class: impl Into<ProviderClass>) -> Self {
        self.parameter("class", class.into())
    }
}
