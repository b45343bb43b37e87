//! What is particular to projects: locks, settings, the catalogue of shared projects, labels, deletion in the background.

mod background;
mod catalog;
mod labels;
mod lock;
mod settings;
mod sharing;

#[cfg(test)]
mod tests;

use crate::{
    access::{
        Action::{ContainersViewMetadata, ProjectPermissionsView, SettingsModify, SettingsView},
        Need::{Login, On},
    },
    kind::Kind,
    route::{Route, get, post, put},
};

pub(crate) use self::background::{resume, run, schedule};

/// Every route of this area.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/projects/{id}";
    let of_project = [
        get(&format!("{one}/delete-status"), On(ContainersViewMetadata), background::status),
        get(&format!("{one}/settings"), On(SettingsView), settings::get),
        put(&format!("{one}/settings"), On(SettingsModify), settings::put),
        // A lock must not stop its own unlocking, so the handlers check the action.
        post(&format!("{one}/lock"), On(ProjectPermissionsView), lock::lock),
        post(&format!("{one}/unlock"), On(ProjectPermissionsView), lock::unlock),
    ];
    let mut routes = vec![
        get("/projects/labels", Login, labels::all),
        get("/projects/catalog-list", Login, catalog::list),
        get("/projects/catalog-list-filter-options", Login, catalog::filter_options),
    ];
    routes.extend(of_project.into_iter().map(|route| route.of(Kind::Project)));
    routes
}
