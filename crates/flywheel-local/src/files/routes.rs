//! The routes of files: below every kind of container by name, and by id.

use super::{deleting, details, download, moving, signed, upload, versions, which::ANALYSED};
use crate::{
    access::{
        Action::{
            FilesCreateSingle, FilesDeleteNonDeviceData, FilesDownload, FilesModifyMetadata, FilesMove,
            FilesViewMetadata, TagsManage, TagsView,
        },
        Need::{Login, On, Public, SiteAdmin},
    },
    kind::Kind,
    route::{Route, delete, get, patch, post, put},
};

/// The kinds of container that hold files.
const HOLDERS: [Kind; 6] =
    [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Analysis, Kind::Collection];

/// Every route of files.
pub(crate) fn routes() -> Vec<Route> {
    let of_holders = HOLDERS
        .into_iter()
        .flat_map(|kind| by_name(kind.plural()).into_iter().map(move |route| route.of(kind)));
    let of_analyses = ANALYSED.into_iter().flat_map(|kind| outputs(kind.plural()));
    let inputs = [
        get("/analyses/{id}/input_files/{name}/info", On(FilesViewMetadata), details::inputs),
        // What clients up to release 20 call.
        get("/analyses/{id}/inputs/{input}", On(FilesDownload), download::download),
        get("/analyses/{id}/inputs/{input}/info", On(FilesViewMetadata), details::get),
    ];
    of_holders
        .chain(by_name("containers"))
        .chain(of_analyses.map(|route| route.of(Kind::Analysis)))
        .chain(outputs("containers").into_iter().map(|route| route.of(Kind::Analysis)))
        .chain(inputs.map(|route| route.of(Kind::Analysis)))
        .chain(by_id())
        .collect()
}

fn by_name(kinds: &str) -> Vec<Route> {
    let files = format!("/{kinds}/{{id}}/files");
    let file = format!("{files}/{{name}}");
    let (info, words) = (format!("{file}/info"), format!("{file}/classification"));
    vec![
        post(&files, On(FilesCreateSingle), upload::upload),
        get(&file, On(FilesDownload), download::download),
        put(&file, On(FilesModifyMetadata), details::modify),
        delete(&file, On(FilesDeleteNonDeviceData), deleting::delete),
        get(&info, On(FilesViewMetadata), details::get),
        patch(&info, On(FilesModifyMetadata), details::change_info),
        post(&info, On(FilesModifyMetadata), details::change_info),
        patch(&words, On(FilesModifyMetadata), details::classify),
        post(&words, On(FilesModifyMetadata), details::classify),
    ]
}

fn outputs(kinds: &str) -> Vec<Route> {
    let analysis = format!("/{kinds}/{{id}}/analyses/{{analysis}}");
    let files = format!("{analysis}/files");
    vec![
        post(&files, On(FilesCreateSingle), upload::upload),
        get(&format!("{files}/{{name}}"), On(FilesDownload), download::download),
        get(&format!("{analysis}/inputs/{{input}}"), On(FilesDownload), download::download),
    ]
}

fn by_id() -> Vec<Route> {
    vec![
        get("/files", Login, details::all),
        delete("/files", SiteAdmin, deleting::delete_list),
        get("/files/{file_id}", On(FilesViewMetadata), details::get),
        put("/files/{file_id}", On(FilesModifyMetadata), details::modify),
        delete("/files/{file_id}", On(FilesDeleteNonDeviceData), deleting::delete),
        get("/files/{file_id}/download", On(FilesDownload), download::download),
        get("/files/{file_id}/version/{version}/download/{name}", On(FilesDownload), download::version),
        post("/files/{file_id}/ticket", On(FilesDownload), download::ticket),
        get("/files/{file_id}/ticket/{ticket}/validate", Public, download::validate_ticket),
        get("/files/{file_id}/zip_info", On(FilesDownload), download::zip_info),
        get("/files/{file_id}/zip_member/{*member}", On(FilesDownload), download::zip_member),
        get("/files/{file_id}/info", On(FilesViewMetadata), details::info),
        patch("/files/{file_id}/info", On(FilesModifyMetadata), details::merge_info),
        put("/files/{file_id}/info", On(FilesModifyMetadata), details::replace_info),
        put("/files/{file_id}/classification", On(FilesModifyMetadata), details::classify),
        get("/files/{file_id}/tags", On(TagsView), details::tags),
        patch("/files/{file_id}/tags", On(TagsManage), details::add_tags),
        put("/files/{file_id}/tags", On(TagsManage), details::set_tags),
        delete("/files/{file_id}/tags", On(TagsManage), details::delete_tags),
        get("/files/{file_id}/versions", On(FilesViewMetadata), versions::list),
        post("/files/{file_id}/restore", On(FilesCreateSingle), versions::restore),
        post("/files/{file_id}/move", On(FilesMove), moving::relocate),
        put("/upload/fs-file", Public, signed::receive_part),
    ]
}
