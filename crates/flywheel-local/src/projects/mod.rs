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
        Action::{
            self, ContainersModifyMetadata, ContainersViewMetadata, ProjectPermissionsView, SettingsModify,
            SettingsView,
        },
        Need::{Login, On},
    },
    kind::Kind,
    route::{Route, get, post, put},
};

pub(crate) use self::background::{resume, run, schedule};

/// Every route of this area.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/projects/{id}";
    let settings_of = |kind: Kind, change: Action| {
        let settings = format!("/{}/{{id}}/settings", kind.plural());
        let of_kind = [
            get(&settings, On(SettingsView), settings::get),
            put(&settings, On(change), settings::put),
            get(&format!("{settings}/deid_profile"), On(SettingsView), settings::deid_profile),
        ];
        of_kind.map(|route| route.of(kind))
    };
    let of_project = [
        get(&format!("{one}/delete-status"), On(ContainersViewMetadata), background::status),
        // A lock must not stop its own unlocking, so the handlers check the action.
        post(&format!("{one}/lock"), On(ProjectPermissionsView), lock::lock),
        post(&format!("{one}/unlock"), On(ProjectPermissionsView), lock::unlock),
    ];
    let mut routes = vec![
        get("/projects/labels", Login, labels::all),
        get("/projects/catalog-list", Login, catalog::list),
        get("/projects/catalog-list-filter-options", Login, catalog::filter_options),
    ];
    routes.extend(settings_of(Kind::Project, SettingsModify));
    // What a group is set to is its administrators', as its label is.
    routes.extend(settings_of(Kind::Group, ContainersModifyMetadata));
    routes.extend(of_project.into_iter().map(|route| route.of(Kind::Project)));
    routes
}
