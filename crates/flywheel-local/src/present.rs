//! Containers as the wire shows them: what is joined in (files, the subject of a session, analyses, permissions), what
//! lists leave out, and the fields that are always there.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::{
    access::{self, Action},
    auth::Caller,
    error::ApiResult,
    jobs,
    kind::Kind,
    origins,
    query::{Features, ListQuery, Params},
    store::{
        Doc,
        containers::{self, Container},
        parse_doc,
        records::{self, AccountKind},
    },
};

/// How much of a container is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// A row of a list, as opposed to a single container.
    list: bool,
    /// Keep `info`, also of files.
    info: bool,
    files: bool,
    analyses: bool,
    avatars: bool,
    /// Add `join-origin`.
    origins: bool,
    /// Say the kind in `container_type`.
    typed: bool,
    /// Put the job of an analysis in the place of its id.
    jobs: bool,
}

impl Shape {
    /// A row of a list.
    pub(crate) fn list(query: &ListQuery) -> Self {
        Self {
            list: true,
            info: query.all_info,
            files: true,
            analyses: false,
            avatars: query.avatars,
            origins: origins::wanted(&query.params),
            typed: false,
            jobs: query.params.flag("inflate_job"),
        }
    }

    /// A row of a list, without or with `info`.
    pub(crate) fn row(info: bool) -> Self {
        Self {
            list: true,
            info,
            files: true,
            analyses: false,
            avatars: false,
            origins: false,
            typed: false,
            jobs: false,
        }
    }

    /// A container out of which a query takes what it wants: whole but for what is asked for here.
    pub(crate) fn picked(info: bool, files: bool, origins: bool) -> Self {
        Self { list: false, info, files, analyses: false, avatars: false, origins, typed: false, jobs: false }
    }

    /// A single container.
    pub(crate) fn full(params: &Params, features: &Features) -> Self {
        Self {
            list: false,
            info: true,
            files: !features.has("exclude-files"),
            analyses: !features.has("slim-containers") && !features.has("exclude-analyses"),
            avatars: params.flag("join_avatars"),
            origins: origins::wanted(params),
            typed: false,
            jobs: params.flag("inflate_job"),
        }
    }

    /// The same, with `container_type`.
    pub(crate) fn typed(self) -> Self {
        Self { typed: true, ..self }
    }

    /// The same, without files.
    pub(crate) fn without_files(self) -> Self {
        Self { files: false, ..self }
    }
}

/// The fields of a subject that lists leave out, since they name or describe a person.
const PERSONAL: [&str; 6] = ["firstname", "lastname", "sex", "age", "race", "ethnicity"];

/// Shows containers, in order. What is joined in is fetched once for all of them.
pub(crate) fn containers(
    db: &Connection,
    caller: &Caller,
    list: Vec<Container>,
    shape: Shape,
) -> ApiResult<Vec<Value>> {
    let mut joins = Joins::gather(db, caller, &list, shape)?;
    list.into_iter().map(|container| one(db, caller, container, shape, &mut joins)).collect()
}

/// Shows one container.
pub(crate) fn container(
    db: &Connection,
    caller: &Caller,
    container: Container,
    shape: Shape,
) -> ApiResult<Value> {
    Ok(containers(db, caller, vec![container], shape)?.pop().unwrap_or_default())
}

/// What is joined into containers, by id.
#[derive(Default)]
struct Joins {
    files: HashMap<String, Vec<Value>>,
    subjects: HashMap<String, Container>,
    /// `permissions` of projects, as this caller sees them.
    permissions: HashMap<String, Value>,
    groups: HashMap<String, Value>,
    collections: HashMap<String, Vec<Value>>,
}

impl Joins {
    fn gather(db: &Connection, caller: &Caller, list: &[Container], shape: Shape) -> ApiResult<Self> {
        let mut joins = Self::default();
        let of = |wanted: Kind, kinds: &[Kind]| -> BTreeSet<String> {
            let among = list.iter().filter(|container| kinds.contains(&container.kind));
            among.filter_map(|container| container.ancestor(wanted)).map(str::to_owned).collect()
        };
        let subjects = of(Kind::Subject, &[Kind::Session]);
        if shape.files {
            let shown_whole = subjects.iter().filter(|_| !shape.list).map(String::as_str);
            joins.files =
                files_of(db, list.iter().map(|container| container.id.as_str()).chain(shown_whole))?;
        }
        for subject in by_ids(db, subjects)? {
            joins.subjects.insert(subject.id.clone(), subject);
        }
        let below = [Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Analysis];
        for project in by_ids(db, of(Kind::Project, &below))? {
            joins.permissions.insert(project.id.clone(), permissions(db, caller, &project)?);
        }
        for group in by_ids(db, of(Kind::Group, &[Kind::Project]))? {
            joins.groups.insert(group.id.clone(), group.label().into());
        }
        let acquisitions = list.iter().filter(|container| container.kind == Kind::Acquisition);
        joins.collections = collections_of(db, acquisitions.map(|container| container.id.as_str()))?;
        Ok(joins)
    }
}

/// Ids as the JSON list that `json_each` reads.
fn id_list<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    Value::from(ids.collect::<Vec<_>>()).to_string()
}

fn by_ids(db: &Connection, ids: BTreeSet<String>) -> ApiResult<Vec<Container>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT id, kind, doc FROM containers WHERE id IN (SELECT value FROM json_each(?))";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id_list(ids.iter().map(String::as_str))])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Container::from_row(row)?);
    }
    Ok(found)
}

fn files_of<'a>(
    db: &Connection,
    ids: impl Iterator<Item = &'a str>,
) -> ApiResult<HashMap<String, Vec<Value>>> {
    let sql = "SELECT parent_id, doc FROM files
         WHERE parent_id IN (SELECT value FROM json_each(?)) AND current ORDER BY name";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id_list(ids)])?;
    let mut files: HashMap<String, Vec<Value>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let doc = parse_doc(&row.get::<_, String>(1)?)?;
        files.entry(row.get(0)?).or_default().push(doc.into());
    }
    Ok(files)
}

fn collections_of<'a>(
    db: &Connection,
    ids: impl Iterator<Item = &'a str>,
) -> ApiResult<HashMap<String, Vec<Value>>> {
    let sql = "SELECT acquisition_id, collection_id FROM collected
         WHERE acquisition_id IN (SELECT value FROM json_each(?)) ORDER BY collection_id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id_list(ids)])?;
    let mut collections: HashMap<String, Vec<Value>> = HashMap::new();
    while let Some(row) = rows.next()? {
        collections.entry(row.get(0)?).or_default().push(row.get::<_, String>(1)?.into());
    }
    Ok(collections)
}

/// The `permissions` of a group, project or collection as a caller sees them: all for who manages them, otherwise the
/// caller's own entry.
pub(crate) fn permissions(db: &Connection, caller: &Caller, container: &Container) -> ApiResult<Value> {
    let all = container.doc.get("permissions").cloned().unwrap_or_else(|| json!([]));
    if access::allowed(db, caller, container, Action::ProjectPermissionsManage)? {
        return Ok(all);
    }
    let own = all
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry.get("_id").is_some_and(|id| id == caller.id()));
    Ok(own.cloned().collect())
}

fn one(
    db: &Connection,
    caller: &Caller,
    container: Container,
    shape: Shape,
    joins: &mut Joins,
) -> ApiResult<Value> {
    let own_permissions = match container.kind {
        Kind::Group | Kind::Project | Kind::Collection => permissions(db, caller, &container)?,
        _ => {
            let project = container.ancestor(Kind::Project).unwrap_or_default();
            joins.permissions.get(project).cloned().unwrap_or_else(|| json!([]))
        }
    };
    let analyses = if shape.analyses && container.kind != Kind::Group && container.kind != Kind::Analysis {
        Some(analyses_of(db, caller, &container, shape)?)
    } else {
        None
    };
    let Container { kind, id, mut doc } = container;
    doc.insert("permissions".into(), own_permissions);
    if kind == Kind::Group {
        doc.shift_remove("files");
    } else if shape.files {
        let files = joins.files.remove(&id).unwrap_or_default();
        doc.insert("files".into(), files.into_iter().map(|entry| file(entry, shape.info)).collect());
    }
    if let Some(analyses) = analyses {
        doc.insert("analyses".into(), analyses.into());
    }
    mirror_parents(kind, &mut doc, joins);
    if kind == Kind::Session {
        embed_subject(&mut doc, shape, joins);
    }
    if kind == Kind::Analysis && shape.jobs {
        inflate_job(db, &mut doc)?;
    }
    if kind == Kind::Acquisition {
        doc.insert("collections".into(), joins.collections.remove(&id).unwrap_or_default().into());
    }
    if kind != Kind::Group {
        trim_info(&mut doc, shape.info);
    }
    if shape.list && kind == Kind::Subject {
        PERSONAL.iter().for_each(|&field| drop(doc.shift_remove(field)));
    }
    if let Some(Value::Array(inputs)) = doc.remove("inputs") {
        doc.insert("inputs".into(), inputs.into_iter().map(|entry| file(entry, shape.info)).collect());
    }
    fill(kind, &mut doc);
    if shape.avatars {
        name_authors(db, &mut doc)?;
    }
    if shape.origins {
        origins::join(db, &mut doc)?;
    }
    if shape.typed {
        doc.insert("container_type".into(), kind.singular().into());
    }
    Ok(doc.into())
}

/// Puts the job of an analysis in the place of its id, which moves to `job_id`.
fn inflate_job(db: &Connection, doc: &mut Doc) -> ApiResult<()> {
    let Some(id) = doc.get("job").and_then(Value::as_str).map(str::to_owned) else { return Ok(()) };
    if let Some(job) = jobs::store::find(db, &id)? {
        doc.insert("job".into(), jobs::whole(db, job)?);
        doc.insert("job_id".into(), id.into());
    }
    Ok(())
}

/// A file entry as it stands in a container: `info` is kept or cut to nothing.
pub(crate) fn file(entry: Value, info: bool) -> Value {
    match entry {
        Value::Object(mut doc) => {
            trim_info(&mut doc, info);
            doc.into()
        }
        other => other,
    }
}

fn trim_info(doc: &mut Doc, keep: bool) {
    let exists = doc.get("info").and_then(Value::as_object).is_some_and(|info| !info.is_empty());
    doc.insert("info_exists".into(), exists.into());
    if !keep || !doc.contains_key("info") {
        doc.insert("info".into(), json!({}));
    }
}

/// `project.group`, `subject.project`, `acquisition.session`, `session.group`: the older names of what `parents` says.
fn mirror_parents(kind: Kind, doc: &mut Doc, joins: &Joins) {
    let above = |doc: &Doc, level: Kind| {
        doc.get("parents").and_then(|parents| parents.get(level.singular())).cloned()
    };
    let mirrored: &[Kind] = match kind {
        Kind::Project => &[Kind::Group],
        Kind::Subject => &[Kind::Project],
        Kind::Session => &[Kind::Group, Kind::Project],
        Kind::Acquisition => &[Kind::Session],
        Kind::Group | Kind::Analysis | Kind::Collection => &[],
    };
    for &level in mirrored {
        if let Some(id) = above(doc, level) {
            doc.insert(level.singular().into(), id);
        }
    }
    if let (Kind::Project, Some(group)) = (kind, above(doc, Kind::Group)) {
        let label =
            group.as_str().and_then(|id| joins.groups.get(id)).cloned().unwrap_or_else(|| group.clone());
        doc.insert("group_info".into(), json!({"_id": group, "label": label}));
    }
}

fn embed_subject(doc: &mut Doc, shape: Shape, joins: &Joins) {
    let id = doc.get("parents").and_then(|parents| parents.get("subject")).and_then(Value::as_str);
    let Some(subject) = id.and_then(|id| joins.subjects.get(id)) else { return };
    let mut embedded = subject.doc.clone();
    mirror_parents(Kind::Subject, &mut embedded, joins);
    trim_info(&mut embedded, shape.info);
    // The age of a subject is that at the session; here it stands under its older name.
    if let Some(age) = doc.get("age") {
        embedded.insert("age".into(), age.clone());
    }
    if shape.list {
        PERSONAL.iter().for_each(|&field| drop(embedded.shift_remove(field)));
    } else if shape.files {
        let files = joins.files.get(&subject.id).cloned().unwrap_or_default();
        embedded.insert("files".into(), files.into_iter().map(|entry| file(entry, shape.info)).collect());
    }
    fill(Kind::Subject, &mut embedded);
    embedded.insert("permissions".into(), doc.get("permissions").cloned().unwrap_or_else(|| json!([])));
    doc.insert("subject".into(), embedded.into());
}

fn analyses_of(
    db: &Connection,
    caller: &Caller,
    container: &Container,
    shape: Shape,
) -> ApiResult<Vec<Value>> {
    if !access::allowed(db, caller, container, Action::AnalysesViewMetadata)? {
        return Ok(Vec::new());
    }
    let analyses = containers::children(db, &container.id, Kind::Analysis)?;
    containers(db, caller, analyses, Shape { analyses: false, typed: false, jobs: true, ..shape })
}

/// The fields that a kind always shows, and what they hold when nothing was said.
fn fill(kind: Kind, doc: &mut Doc) {
    let common = match kind {
        Kind::Group => {
            json!({"label": "", "tags": [], "permissions_template": [], "roles": [], "providers": {}, "editions": {"lab": false}})
        }
        _ => json!({"tags": [], "notes": [], "files": [], "permissions": []}),
    };
    let own = match kind {
        Kind::Project => json!({
            "description": "", "editions": {"lab": false}, "providers": {}, "templates": [], "copyable": true,
            "copy_of": null, "original_copy_of": null,
        }),
        Kind::Subject | Kind::Acquisition => json!({"copy_of": null, "original_copy_of": null}),
        Kind::Session => json!({"copy_of": null, "original_copy_of": null, "project_has_template": false}),
        Kind::Analysis => {
            json!({"description": "", "inputs": [], "job": null, "copy_of": null, "original_copy_of": null})
        }
        Kind::Group | Kind::Collection => json!({}),
    };
    for (key, value) in entries(common).chain(entries(own)) {
        doc.entry(key).or_insert(value);
    }
}

fn entries(value: Value) -> impl Iterator<Item = (String, Value)> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
    .into_iter()
}

/// Puts the names of their authors to notes and permissions.
fn name_authors(db: &Connection, doc: &mut Doc) -> ApiResult<()> {
    for (list, key) in [("notes", "user"), ("permissions", "_id")] {
        for entry in doc.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(id) = entry.get(key).and_then(Value::as_str) else { continue };
            let Some(user) = records::account(db, AccountKind::User, id)? else { continue };
            for field in ["firstname", "lastname", "avatar"] {
                entry[field] = user.get(field).cloned().unwrap_or(Value::Null);
            }
        }
    }
    Ok(())
}
