//! Every route that the site serves: method, path below `/api`, what the caller needs, handler.
//!
//! The need is not a comment: the handler's [`crate::guard::Guard`] enforces it. The routes of files, of paths and of
//! archives stand in the same form beside their handlers ([`crate::files::routes`] and the others below). A route of
//! the API that is in none of these tables answers 501 with its operation id (see [`crate::route`]).

use axum::extract::{Path, State};

use crate::{
    access::{
        Action::{
            AnalysesCreateSdk, AnalysesViewMetadata, ContainersCreateHierarchy, ContainersDeleteHierarchy,
            ContainersModifyMetadata, ContainersViewMetadata, NotesManage, NotesView, ProjectPermissionsView,
            TagsManage, TagsView,
        },
        Need::{Device, Login, On, Public, SiteAdmin, User},
        own,
    },
    accounts::{self, devices, master_codes, users},
    archive, audit, batches, bulk, changes,
    containers::{analyses, change, collections, create, info, notes, permissions, remove, show, tags},
    copies, dimse, engine, files, filters, forms, gears,
    guard::Guard,
    health, jobs,
    kind::Kind,
    modalities, packfiles, projects, protocols, providers,
    query::ListQuery,
    reports, resolve, roles,
    route::{Route, delete, get, patch, post, put},
    rules, search, staffing,
    state::AppState,
    system, tasks, templates, tree, uploads, views,
};

/// The whole table.
pub(crate) fn routes() -> Vec<Route> {
    [
        system_routes(),
        account_routes(),
        role_routes(),
        modality_routes(),
        group_routes(),
        container_routes(),
        shared_routes(),
        analysis_routes(),
        files::routes(),
        resolve::routes(),
        archive::routes(),
        search::routes(),
        views::routes(),
        own::routes(),
        projects::routes(),
        templates::routes(),
        tree::routes(),
        reports::routes(),
        gears::routes(),
        jobs::routes(),
        uploads::routes(),
        packfiles::routes(),
        copies::routes(),
        bulk::routes(),
        batches::routes(),
        rules::routes(),
        engine::routes(),
        changes::routes(),
        audit::routes(),
        providers::routes(),
        filters::routes(),
        staffing::routes(),
        protocols::routes(),
        forms::routes(),
        tasks::routes(),
        dimse::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn system_routes() -> Vec<Route> {
    vec![
        get("/config", Public, system::config),
        get("/config/delete_reasons", Public, system::delete_reasons),
        get("/config/file_types", Public, system::file_types),
        get("/config/project_locking_reasons", Public, system::locking_reasons),
        get("/version", Public, system::version),
        get("/system", Public, health::system),
        get("/system/ready", Public, health::ready),
        get("/metrics", SiteAdmin, health::metrics),
        get("/auth/status", Login, system::auth_status),
        post("/dataexplorer/index/fields", SiteAdmin, system::index_fields),
        get("/site/settings", Login, system::settings),
        put("/site/settings", SiteAdmin, system::put_settings),
        get("/site/bookmark-list", Login, system::bookmarks),
        put("/site/bookmark-list", SiteAdmin, system::put_bookmarks),
    ]
}

fn account_routes() -> Vec<Route> {
    let mut routes = vec![
        get("/users", Login, users::all),
        post("/users", SiteAdmin, users::post),
        get("/users/self", User, users::myself),
        get("/users/self/info", User, users::get_info),
        patch("/users/self/info", User, users::change_info),
        post("/users/self/info", User, users::change_info),
        get("/users/self/avatar", User, users::own_avatar),
        put("/users/self/preferences", User, accounts::own::put_preferences),
        post("/users/self/visited_projects/{id}", On(ContainersViewMetadata), accounts::own::visit),
        post("/logout", Login, accounts::own::logout),
        post("/subjects/master-code", Login, master_codes::post),
        get("/subjects/master-code/{code}", Login, master_codes::get),
        post("/users/self/key", User, users::post_key),
        delete("/users/self/key/{id}", User, users::delete_key),
        get("/users/{id}", Login, users::get),
        put("/users/{id}", User, users::put),
        delete("/users/{id}", SiteAdmin, users::delete),
        get("/users/{id}/avatar", Login, users::avatar),
        get("/devices", Login, devices::all),
        post("/devices", SiteAdmin, devices::post),
        get("/devices/status", Login, devices::status),
        get("/devices/self", Device, devices::myself),
        put("/devices/self", Device, devices::put_self),
        get("/devices/{id}", Login, devices::get),
        put("/devices/{id}", SiteAdmin, devices::put),
        delete("/devices/{id}", SiteAdmin, devices::delete),
        post("/devices/{id}/key", SiteAdmin, devices::post_key),
        delete("/devices/{id}/key/{key}", SiteAdmin, devices::delete_key),
    ];
    for kind in [Kind::Group, Kind::Project, Kind::Session, Kind::Acquisition, Kind::Collection] {
        routes.push(get(&format!("/users/{{id}}/{}", kind.plural()), Login, show::of_user).listing(kind));
    }
    routes
}

fn role_routes() -> Vec<Route> {
    vec![
        get("/roles", Login, roles::all),
        post("/roles", SiteAdmin, roles::post),
        get("/roles/actions", Login, roles::actions),
        get("/roles/{id}", Login, roles::get),
        put("/roles/{id}", SiteAdmin, roles::put),
        delete("/roles/{id}", SiteAdmin, roles::delete),
        get("/groups/{id}/roles", On(ContainersViewMetadata), roles::of_group).of(Kind::Group),
        post("/groups/{id}/roles", On(ContainersModifyMetadata), roles::add_to_group).of(Kind::Group),
        get("/groups/{id}/roles/{role}", On(ContainersViewMetadata), roles::one_of_group).of(Kind::Group),
        delete("/groups/{id}/roles/{role}", On(ContainersModifyMetadata), roles::remove_from_group)
            .of(Kind::Group),
    ]
}

fn modality_routes() -> Vec<Route> {
    vec![
        get("/modalities", Login, modalities::all),
        post("/modalities", SiteAdmin, modalities::post),
        get("/modalities/{id}", Login, modalities::get),
        put("/modalities/{id}", SiteAdmin, modalities::put),
        delete("/modalities/{id}", SiteAdmin, modalities::delete),
    ]
}

fn group_routes() -> Vec<Route> {
    let template = "/groups/{id}/permissions/templates";
    let one = "/groups/{id}/permissions/templates/{user}";
    let view = On(ProjectPermissionsView);
    let mut routes = vec![
        post("/groups", SiteAdmin, create::group),
        post(template, view, permissions::post_template),
        get(one, view, permissions::get_template),
        put(one, view, permissions::put_template),
        delete(one, view, permissions::delete_template),
    ];
    for route in &mut routes {
        route.rule.kind = Some(Kind::Group);
    }
    for kind in [Kind::Group, Kind::Project, Kind::Collection] {
        let list = format!("/{}/{{id}}/permissions", kind.plural());
        let one = format!("{list}/{{user}}");
        let of_kind = [
            post(&list, view, permissions::post),
            get(&one, view, permissions::get),
            put(&one, view, permissions::put),
            delete(&one, view, permissions::delete),
        ];
        routes.extend(of_kind.into_iter().map(|route| route.of(kind)));
    }
    routes
}

fn container_routes() -> Vec<Route> {
    let mut routes = vec![
        post("/projects", On(ContainersCreateHierarchy), create::project),
        post("/subjects", On(ContainersCreateHierarchy), create::subject),
        post("/sessions", On(ContainersCreateHierarchy), create::session),
        post("/acquisitions", On(ContainersCreateHierarchy), create::acquisition),
        post("/collections", User, create::collection),
        post("/containers", On(ContainersCreateHierarchy), create::any),
        get("/projects/groups", Login, show::groups_of_projects).of(Kind::Group),
        get("/collections/curators", Login, collections::curators),
        get("/containers/{id}", On(ContainersViewMetadata), show::any),
        put("/containers/{id}", On(ContainersModifyMetadata), change::put),
        delete("/containers/{id}", On(ContainersDeleteHierarchy), remove::one),
    ];
    for kind in Kind::ALL {
        let all = format!("/{}", kind.plural());
        let one = format!("{all}/{{id}}");
        // Lists of ids are for administrators of the site, except where an administrator of the project will do.
        let many = if kind == Kind::Project { On(ContainersDeleteHierarchy) } else { SiteAdmin };
        let of_kind = [
            get(&all, Login, show::all),
            delete(&all, many, remove::many),
            get(&one, On(ContainersViewMetadata), show::one),
            put(&one, On(ContainersModifyMetadata), change::put),
            delete(&one, On(ContainersDeleteHierarchy), remove::one),
        ];
        routes.extend(of_kind.into_iter().map(|route| route.of(kind)));
    }
    let inside = [
        (Kind::Group, Kind::Project),
        (Kind::Project, Kind::Subject),
        (Kind::Project, Kind::Session),
        (Kind::Project, Kind::Acquisition),
        (Kind::Subject, Kind::Session),
        (Kind::Session, Kind::Acquisition),
        (Kind::Collection, Kind::Session),
        (Kind::Collection, Kind::Acquisition),
    ];
    for (parent, child) in inside {
        let path = format!("/{}/{{id}}/{}", parent.plural(), child.plural());
        routes.push(get(&path, On(ContainersViewMetadata), show::inside).of(parent).listing(child));
    }
    routes
}

/// Every kind of container, and the routes that find any of them by id.
fn every_kind() -> impl Iterator<Item = (&'static str, Option<Kind>)> {
    Kind::ALL.into_iter().map(|kind| (kind.plural(), Some(kind))).chain([("containers", None)])
}

/// Tags, notes and info.
fn shared_routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for (name, kind) in every_kind() {
        let one = format!("/{name}/{{id}}");
        let mut of_kind = vec![
            post(&format!("{one}/tags"), On(TagsManage), tags::post),
            get(&format!("{one}/tags/{{value}}"), On(TagsView), tags::get),
            put(&format!("{one}/tags/{{value}}"), On(TagsManage), tags::put),
            delete(&format!("{one}/tags/{{value}}"), On(TagsManage), tags::delete),
        ];
        if kind != Some(Kind::Analysis) {
            of_kind.extend([
                patch(&format!("{one}/tags"), On(TagsManage), tags::patch),
                delete(&format!("{one}/tags"), On(TagsManage), tags::delete_many),
            ]);
        }
        if kind != Some(Kind::Group) {
            of_kind.extend([
                post(&format!("{one}/notes"), On(NotesManage), notes::post),
                get(&format!("{one}/notes/{{note}}"), On(NotesView), notes::get),
                put(&format!("{one}/notes/{{note}}"), On(NotesManage), notes::put),
                delete(&format!("{one}/notes/{{note}}"), On(NotesManage), notes::delete),
                patch(&format!("{one}/info"), On(ContainersModifyMetadata), info::change),
                post(&format!("{one}/info"), On(ContainersModifyMetadata), info::change),
            ]);
        }
        for route in &mut of_kind {
            route.rule.kind = kind;
        }
        routes.extend(of_kind);
    }
    routes
}

/// Analyses below what they belong to.
fn analysis_routes() -> Vec<Route> {
    let mut routes = Vec::new();
    let named = files::which::ANALYSED
        .into_iter()
        .map(|kind| (kind.plural(), Some(kind)))
        .chain([("containers", None)]);
    for (name, kind) in named {
        let list = format!("/{name}/{{id}}/analyses");
        let one = format!("{list}/{{analysis}}");
        let of_kind = [
            get(&list, On(AnalysesViewMetadata), analyses::direct),
            post(&list, On(AnalysesCreateSdk), analyses::post),
            get(&one, On(AnalysesViewMetadata), analyses::get),
            put(&one, On(ContainersModifyMetadata), analyses::put),
            delete(&one, On(ContainersDeleteHierarchy), analyses::delete),
            post(&format!("{one}/notes"), On(NotesManage), analyses::post_note),
            delete(&format!("{one}/notes/{{note}}"), On(NotesManage), analyses::delete_note),
        ];
        for mut route in of_kind {
            route.rule.kind = kind;
            routes.push(route);
        }
    }
    for kind in Kind::LEVELS {
        for below in Kind::LEVELS.into_iter().map(Kind::plural).chain(["all"]) {
            let path = format!("/{}/{{id}}/{below}/analyses", kind.plural());
            let list = move |guard: Guard, state: State<AppState>, id: Path<String>, query: ListQuery| {
                analyses::below(guard, state, id, below, query)
            };
            routes.push(get(&path, On(AnalysesViewMetadata), list).of(kind));
        }
    }
    routes
}
