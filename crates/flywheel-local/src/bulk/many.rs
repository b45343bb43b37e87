//! Copies, deletions and tags of many containers or files in one call.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{pairs, texts};
use crate::{
    access::{self, Action},
    body::{Field, JsonBody, Shape, TAG, TEXT, check, check_texts, may, must},
    containers::{remove, tags},
    copies::{CopyFilter, FILTER, small},
    error::{ApiError, ApiResult},
    files::deleting,
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        files::{self, FileRow},
    },
};

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Files,
    Containers(Kind),
}

impl Sort {
    fn read(name: &str) -> ApiResult<Self> {
        match name {
            "file" | "files" => Ok(Self::Files),
            name => Kind::parse(name)
                .map(Self::Containers)
                .ok_or_else(|| ApiError::not_found(format!("{name:?} is no kind of container"))),
        }
    }
}

const COPY: &[Field] = &[
    must("destination_container_type", TEXT),
    must("sources", Shape::List(&Shape::Id)),
    must("destinations", Shape::List(&Shape::Id)),
    must("filter", Shape::Object(FILTER)),
];

/// `POST /bulk/copy/{cname}`: `[{_id, copy_of}]`, in the order of the sources. Files are copied into any container, the rest as
/// by their own calls.
pub(crate) async fn copy(
    guard: Guard,
    State(state): State<AppState>,
    Path(cname): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Vec<Value>>> {
    let sort = Sort::read(&cname)?;
    let mut asked = check(body, COPY)?;
    let filter = CopyFilter::read(asked.remove("filter").unwrap_or_default())?;
    let pairs = pairs(&asked)?;
    let work = move |db: &Connection| {
        let to = asked.get("destination_container_type").and_then(Value::as_str).unwrap_or_default();
        let to = Kind::parse(to).filter(|&to| to != Kind::Group);
        let to =
            to.ok_or_else(|| ApiError::unprocessable("destination_container_type is no kind of container"))?;
        let one = |(source, destination): (String, String)| {
            let destination = containers::get(db, to, &destination)?;
            let id = copy_one(db, &guard, sort, &filter, &source, destination)?;
            Ok(json!({"_id": id, "copy_of": source}))
        };
        pairs.into_iter().map(one).collect::<ApiResult<Vec<_>>>().map(Json)
    };
    state.store.write(work).await
}

fn copy_one(
    db: &Connection,
    guard: &Guard,
    sort: Sort,
    filter: &CopyFilter,
    source: &str,
    to: Container,
) -> ApiResult<String> {
    let caller = &guard.caller;
    match sort {
        Sort::Files => {
            let (source, from) = file(db, source)?.ok_or_else(|| missing_file(source))?;
            access::authorize(db, caller, &from, Action::FilesDownload)?;
            let copy = small::file(db, caller, filter, &source, &from, &to)?;
            Ok(copy.file_id().to_owned())
        }
        Sort::Containers(kind @ (Kind::Subject | Kind::Session | Kind::Acquisition)) => {
            let source = containers::get(db, kind, source)?;
            access::authorize(db, caller, &source, Action::FilesDownload)?;
            Ok(small::container(db, caller, filter, source, to, None)?.id)
        }
        Sort::Containers(kind) => {
            Err(ApiError::unprocessable(format!("A {kind} is not copied in bulk: use its own call")))
        }
    }
}

fn missing_file(id: &str) -> ApiError {
    ApiError::not_found(format!("Could not find resource file:{id}"))
}

/// A current file and the container that holds it.
fn file(db: &Connection, id: &str) -> ApiResult<Option<(FileRow, Container)>> {
    let Some(file) = files::by_id(db, id, 0)? else { return Ok(None) };
    let holder = containers::find(db, file.parent_id())?;
    Ok(holder.map(|holder| (file, holder)))
}

/// `POST /bulk/delete/{cname}` with a list of ids, or `{sources}`: `{deleted, not_found}`.
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path(cname): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    remove::check_reason(&params)?;
    let sort = Sort::read(&cname)?;
    let ids = match body {
        list @ Value::Array(_) => check_texts(list, &TEXT)?,
        other => texts(&check(other, &[must("sources", Shape::List(&TEXT))])?, "sources"),
    };
    let work = move |db: &Connection| {
        let (mut deleted, mut not_found) = (0, 0);
        for id in ids {
            if delete_one(db, &guard, sort, &id)? { deleted += 1 } else { not_found += 1 }
        }
        Ok(Json(json!({"deleted": deleted, "not_found": not_found})))
    };
    crate::files::making_room(&state, work).await
}

fn delete_one(db: &Connection, guard: &Guard, sort: Sort, id: &str) -> ApiResult<bool> {
    match sort {
        Sort::Files => {
            if file(db, id)?.is_none() {
                return Ok(false);
            }
            deleting::of_search(db, guard, id).map(|()| true)
        }
        Sort::Containers(kind) => {
            let Some(found) = containers::find(db, id)?.filter(|found| found.kind == kind) else {
                return Ok(false);
            };
            access::authorize(db, &guard.caller, &found, Action::ContainersDeleteHierarchy)?;
            remove::remove(db, &guard.caller, &found).map(|()| true)
        }
    }
}

const TAGS: &[Field] = &[
    must("container_type", TEXT),
    must("sources", Shape::List(&TEXT)),
    must("tags", Shape::List(&TAG)),
    may("conflict_mode", Shape::OneOf(&["skip", "dry"])),
];

/// `POST /bulk/add/tags` with `{container_type, sources, tags}`: `{modified, conflicts, not_found}`, where the conflicts are what has
/// one of the tags already. With `conflict_mode: "dry"` nothing is changed.
pub(crate) async fn add_tags(guard: Guard, state: State<AppState>, body: JsonBody) -> ApiResult<Json<Value>> {
    tag_all(guard, state, body, |tags, given| {
        let known = given.iter().any(|tag| tags.contains(tag));
        tags::union(tags, given.to_vec());
        known
    })
    .await
}

/// `POST /bulk/remove/tags`: the same, where the conflicts are what lacks one of the tags.
pub(crate) async fn remove_tags(
    guard: Guard,
    state: State<AppState>,
    body: JsonBody,
) -> ApiResult<Json<Value>> {
    tag_all(guard, state, body, |tags, given| {
        let lacks = given.iter().any(|tag| !tags.contains(tag));
        tags.retain(|tag| !given.contains(tag));
        lacks
    })
    .await
}

/// Changes tags and says whether some of them were as wanted before.
type Change = fn(&mut Vec<String>, &[String]) -> bool;

async fn tag_all(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
    change: Change,
) -> ApiResult<Json<Value>> {
    let asked = check(body, TAGS)?;
    let sort = Sort::read(asked.get("container_type").and_then(Value::as_str).unwrap_or_default())?;
    let work = move |db: &Connection| {
        let dry = asked.get("conflict_mode").is_some_and(|mode| mode == "dry");
        let given = texts(&asked, "tags");
        let (mut modified, mut conflicts, mut not_found) = (0, Vec::new(), 0);
        for id in texts(&asked, "sources") {
            let Some(found) = Tagged::find(db, sort, &id)? else {
                not_found += 1;
                continue;
            };
            access::authorize(db, &guard.caller, found.holder(), Action::TagsManage)?;
            let before = tags::of(found.doc());
            let mut after = before.clone();
            if change(&mut after, &given) {
                conflicts.push(id);
            }
            if after != before && !dry {
                found.save(db, after)?;
                modified += 1;
            }
        }
        Ok(Json(json!({"modified": modified, "conflicts": conflicts, "not_found": not_found})))
    };
    state.store.write(work).await
}

/// Something that carries tags.
enum Tagged {
    File(FileRow, Container),
    Container(Container),
}

impl Tagged {
    fn find(db: &Connection, sort: Sort, id: &str) -> ApiResult<Option<Self>> {
        match sort {
            Sort::Files => Ok(file(db, id)?.map(|(file, holder)| Self::File(file, holder))),
            Sort::Containers(kind) => {
                Ok(containers::find(db, id)?.filter(|found| found.kind == kind).map(Self::Container))
            }
        }
    }

    fn holder(&self) -> &Container {
        match self {
            Self::File(_, holder) | Self::Container(holder) => holder,
        }
    }

    fn doc(&self) -> &Doc {
        match self {
            Self::File(file, _) => &file.doc,
            Self::Container(container) => &container.doc,
        }
    }

    fn save(self, db: &Connection, tags: Vec<String>) -> ApiResult<()> {
        match self {
            Self::File(mut file, holder) => {
                file.doc.insert("tags".into(), tags.into());
                files::touch(&mut file);
                files::save(db, &file)?;
                containers::touch(db, &holder.id)
            }
            Self::Container(mut container) => {
                container.doc.insert("tags".into(), tags.into());
                containers::save(db, &mut container)
            }
        }
    }
}
