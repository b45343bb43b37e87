//! Paths to containers, files and analyses: `POST /resolve` and `POST /lookup`.

use axum::{Json, extract::State};
use flywheel_core::{
    id::ObjectId,
    path::{Level, ResolvedPath, Segment, Tail, TreePath, parse_tree},
};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use crate::{
    access::{self, Action, Need},
    auth::Caller,
    body::JsonBody,
    error::{ApiError, ApiResult},
    files,
    filter_sql::Condition,
    gears::{self, store::Gear},
    guard::Guard,
    kind::Kind,
    list,
    present::{self, Shape},
    query::{Features, ListQuery, Params},
    route::{Route, post},
    state::AppState,
    store::{
        containers::{self, Container},
        files::FileRow,
    },
};

/// The routes of paths.
pub(crate) fn routes() -> Vec<Route> {
    vec![post("/resolve", Need::Login, resolve), post("/lookup", Need::Login, lookup)]
}

/// `POST /resolve`: the nodes along a path, and what the last of them holds.
pub(crate) async fn resolve(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let path = read_path(body, params.flag("full_tree"))?;
    let work = move |db: &Connection| {
        let view = View::new(db, &guard.caller, &params)?;
        let (walked, children) = match path {
            ResolvedPath::Root => (Walked::default(), view.groups()?),
            ResolvedPath::Gears { gear, version, leftover } => {
                refuse_leftover(&leftover)?;
                let (path, children) = view.gears(gear.as_ref(), version.as_deref())?;
                return Ok(Json(json!({"path": path, "children": children})));
            }
            ResolvedPath::Tree(tree) => {
                let walked = view.walk(tree)?;
                let children = view.children(&walked)?;
                (walked, children)
            }
        };
        Ok(Json(json!({"path": view.path_nodes(walked)?, "children": children})))
    };
    state.store.read(work).await
}

/// `POST /lookup`: the last node of a path, whole.
pub(crate) async fn lookup(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    features: Features,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let path = read_path(body, params.flag("full_tree"))?;
    let work = move |db: &Connection| {
        let view = View::new(db, &guard.caller, &params)?;
        let mut walked = match path {
            ResolvedPath::Root => {
                return Err(ApiError::not_found("An empty path leads nowhere: name a group"));
            }
            ResolvedPath::Gears { gear: None, .. } => {
                return Err(ApiError::not_found("This path names no gear"));
            }
            ResolvedPath::Gears { gear: Some(gear), version, leftover } => {
                refuse_leftover(&leftover)?;
                let found = gears::named(db, &guard.caller, &gear, version.as_deref())?;
                return Ok(Json(typed(found.doc.into(), "gear")));
            }
            ResolvedPath::Tree(tree) => view.walk(tree)?,
        };
        if let Some(file) = walked.file {
            return Ok(Json(typed(files::shown(file.doc), "file")));
        }
        let last =
            walked.containers.pop().ok_or_else(|| ApiError::not_found("An empty path leads nowhere"))?;
        let kind = last.kind.singular();
        let shape = Shape::full(&params, &features).typed();
        Ok(Json(typed(present::container(db, &guard.caller, last, shape)?, kind)))
    };
    state.store.read(work).await
}

fn read_path(body: Value, full_tree: bool) -> ApiResult<ResolvedPath> {
    let malformed = || ApiError::bad_request("The body is {\"path\": [...]}, a list of texts");
    let segments = body.get("path").and_then(Value::as_array).ok_or_else(malformed)?;
    let segments = segments.iter().map(|segment| segment.as_str().ok_or_else(malformed));
    Ok(parse_tree(&segments.collect::<ApiResult<Vec<_>>>()?, full_tree))
}

/// 404 when a path goes on where nothing lies below.
fn refuse_leftover(leftover: &[String]) -> ApiResult<()> {
    match leftover {
        [] => Ok(()),
        rest @ [first, ..] => {
            let message = format!("Could not resolve node for: {}", rest.join("/"));
            Err(ApiError::not_found(with_hint(message, first)))
        }
    }
}

/// What a path leads through.
#[derive(Default)]
struct Walked {
    containers: Vec<Container>,
    /// The file at its end.
    file: Option<FileRow>,
    /// What is asked for at the last container, when it is not the container itself.
    part: Part,
}

/// Which contents of the last container are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    All,
    Files,
    Analyses,
}

/// A resolver for one request: who asks, and what nodes are to hold.
struct View<'a> {
    db: &'a Connection,
    caller: &'a Caller,
    exhaustive: bool,
    info: bool,
    minimal: bool,
}

impl<'a> View<'a> {
    fn new(db: &'a Connection, caller: &'a Caller, params: &Params) -> ApiResult<Self> {
        let exhaustive = params.flag("exhaustive");
        if exhaustive && !caller.is_superuser() {
            return Err(ApiError::forbidden("exhaustive=true is for site administrators"));
        }
        let (info, minimal) = (params.flag("include_all_info"), params.flag("minattr"));
        Ok(Self { db, caller, exhaustive, info, minimal })
    }

    /// Goes down a path; every container on it must be one that the caller may see.
    fn walk(&self, tree: TreePath) -> ApiResult<Walked> {
        let mut walked = Walked::default();
        for (level, segment) in &tree.containers {
            let found = self.step(walked.containers.last(), *level, segment)?;
            access::authorize(self.db, self.caller, &found, Action::ContainersViewMetadata)?;
            walked.containers.push(found);
        }
        self.tail(&mut walked, tree.tail)?;
        refuse_leftover(&tree.leftover)?;
        Ok(walked)
    }

    fn step(&self, parent: Option<&Container>, level: Level, segment: &Segment) -> ApiResult<Container> {
        let kind = kind_of(level);
        let Some(parent) = parent else {
            let missing = || ApiError::not_found(format!("Could not find resource group:{}", segment.text()));
            return containers::find(self.db, segment.text())?
                .filter(|found| found.kind == kind)
                .ok_or_else(missing);
        };
        self.child(parent, kind, segment)
    }

    /// The child of a kind that a segment names: by id, or the oldest of its label.
    fn child(&self, parent: &Container, kind: Kind, segment: &Segment) -> ApiResult<Container> {
        let found = match segment {
            Segment::Id(id) if !ObjectId::is_id(id) => {
                return Err(ApiError::bad_request(format!(
                    "{id:?} is not an id: expected 24 hexadecimal digits"
                )));
            }
            Segment::Id(id) => containers::find(self.db, id)?
                .filter(|found| found.kind == kind && parent_of(found) == Some(parent.id.as_str())),
            Segment::Label(label) => self.oldest(&parent.id, kind, label)?,
        };
        found.ok_or_else(|| no_match(kind, segment))
    }

    fn oldest(&self, parent: &str, kind: Kind, label: &str) -> ApiResult<Option<Container>> {
        let sql = "SELECT id, kind, doc FROM containers
             WHERE parent_id = ? AND kind = ? AND label = ? AND deleted IS NULL ORDER BY created, id LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        let row = statement
            .query_row((parent, kind.code(), label), |row| Ok(Container::from_row(row)))
            .optional()?;
        row.transpose()
    }

    fn tail(&self, walked: &mut Walked, tail: Tail) -> ApiResult<()> {
        let Some(last) = walked.containers.last() else { return Ok(()) };
        match tail {
            Tail::None => {}
            Tail::Files(name) => {
                walked.file = name.map(|name| self.file(last, &name)).transpose()?;
                walked.part = Part::Files;
            }
            Tail::Analyses { analysis: None, .. } => walked.part = Part::Analyses,
            Tail::Analyses { analysis: Some(segment), files } => {
                let analysis = self.child(last, Kind::Analysis, &segment)?;
                access::authorize(self.db, self.caller, &analysis, Action::AnalysesViewMetadata)?;
                walked.file = files.flatten().map(|name| self.file(&analysis, &name)).transpose()?;
                walked.containers.push(analysis);
            }
        }
        Ok(())
    }

    fn file(&self, container: &Container, name: &str) -> ApiResult<FileRow> {
        access::authorize(self.db, self.caller, container, Action::FilesViewMetadata)?;
        let found = crate::store::files::by_name(self.db, &container.id, name)?;
        found.ok_or_else(|| ApiError::not_found(format!("No match for file with name {name}")))
    }

    /// The nodes along a path of gears, and what the last of them holds.
    fn gears(&self, gear: Option<&Segment>, version: Option<&str>) -> ApiResult<(Vec<Value>, Vec<Value>)> {
        let node = |gear: Gear| {
            let doc = match self.minimal {
                true => json!({"_id": gear.id, "label": gear.name()}),
                false => gear.doc.into(),
            };
            typed(doc, "gear")
        };
        let found = gear.map(|gear| gears::named(self.db, self.caller, gear, version)).transpose()?;
        let children = match version {
            Some(_) => Vec::new(),
            None => gears::path_children(self.db, self.caller, found.as_ref())?,
        };
        Ok((found.into_iter().map(node).collect(), children.into_iter().map(node).collect()))
    }

    fn children(&self, walked: &Walked) -> ApiResult<Vec<Value>> {
        let Some(last) = walked.containers.last().filter(|_| walked.file.is_none()) else {
            return Ok(Vec::new());
        };
        let mut nodes = Vec::new();
        if walked.part == Part::All
            && let Some(kind) = last.kind.child()
        {
            nodes.extend(self.below(last, kind)?);
        }
        let may = |action| access::allowed(self.db, self.caller, last, action);
        let holds_analyses = !matches!(last.kind, Kind::Group | Kind::Analysis);
        if walked.part != Part::Files && holds_analyses && may(Action::AnalysesViewMetadata)? {
            nodes.extend(self.nodes(containers::children(self.db, &last.id, Kind::Analysis)?)?);
        }
        if walked.part != Part::Analyses && may(Action::FilesViewMetadata)? {
            let files = crate::store::files::of_container(self.db, &last.id)?;
            nodes.extend(files.into_iter().map(|file| self.file_node(file)));
        }
        Ok(nodes)
    }

    /// The containers directly below. Within a project all are governed alike; of a group's projects each counts.
    fn below(&self, parent: &Container, kind: Kind) -> ApiResult<Vec<Value>> {
        if kind != Kind::Project {
            return self.nodes(containers::children(self.db, &parent.id, kind)?);
        }
        let within = Condition::new("c.parent_id = ?", vec![parent.id.clone().into()]);
        self.visible(kind, Some(within))
    }

    fn groups(&self) -> ApiResult<Vec<Value>> {
        self.visible(Kind::Group, None)
    }

    fn visible(&self, kind: Kind, scope: Option<Condition>) -> ApiResult<Vec<Value>> {
        let query = ListQuery { exhaustive: self.exhaustive, sort: by_age()?, ..ListQuery::default() };
        self.nodes(list::visible_containers(self.db, self.caller, kind, &query, scope)?.rows)
    }

    fn path_nodes(&self, walked: Walked) -> ApiResult<Vec<Value>> {
        let mut nodes = Vec::new();
        for container in walked.containers {
            let kind = container.kind.singular();
            let shape = Shape::row(self.info).typed().without_files();
            let mut node = present::container(self.db, self.caller, container, shape)?;
            if let Some(node) = node.as_object_mut() {
                node.shift_remove("files");
            }
            nodes.push(self.cut(typed(node, kind)));
        }
        nodes.extend(walked.file.map(|file| self.file_node(file)));
        Ok(nodes)
    }

    fn nodes(&self, list: Vec<Container>) -> ApiResult<Vec<Value>> {
        let kinds: Vec<&str> = list.iter().map(|container| container.kind.singular()).collect();
        let shape = Shape::row(self.info).typed();
        let shape = if self.minimal { shape.without_files() } else { shape };
        let shown = present::containers(self.db, self.caller, list, shape)?;
        Ok(shown.into_iter().zip(kinds).map(|(node, kind)| self.cut(typed(node, kind))).collect())
    }

    fn file_node(&self, file: FileRow) -> Value {
        self.cut(typed(present::file(Value::Object(file.doc), self.info), "file"))
    }

    /// With `minattr`: no more than what tells nodes apart.
    fn cut(&self, mut node: Value) -> Value {
        const KEPT: [&str; 9] =
            ["_id", "label", "name", "code", "created", "modified", "container_type", "node_type", "size"];
        if let Some(node) = node.as_object_mut().filter(|_| self.minimal) {
            node.retain(|key, _| KEPT.contains(&key.as_str()));
        }
        node
    }
}

fn by_age() -> ApiResult<flywheel_core::sort::Sort> {
    "created:asc".parse().map_err(ApiError::internal)
}

/// Says the kind of a node, in both of the names that clients look at.
fn typed(mut node: Value, kind: &str) -> Value {
    if let Some(node) = node.as_object_mut() {
        node.insert("container_type".into(), kind.into());
        node.insert("node_type".into(), kind.into());
    }
    node
}

fn kind_of(level: Level) -> Kind {
    match level {
        Level::Group => Kind::Group,
        Level::Project => Kind::Project,
        Level::Subject => Kind::Subject,
        Level::Session => Kind::Session,
        Level::Acquisition => Kind::Acquisition,
    }
}

fn parent_of(container: &Container) -> Option<&str> {
    match container.kind.parent() {
        Some(parent) => container.ancestor(parent),
        None => container.doc.get("parent")?.get("id")?.as_str(),
    }
}

/// The 404 for a segment that names nothing; one that looks like a file's name gets a hint.
fn no_match(kind: Kind, segment: &Segment) -> ApiError {
    let message = match segment {
        Segment::Id(id) => format!("No match for {kind} with id {id}"),
        Segment::Label(label) => format!("No match for {kind} with label {label}"),
    };
    match segment {
        Segment::Label(label) => ApiError::not_found(with_hint(message, label)),
        Segment::Id(_) => ApiError::not_found(message),
    }
}

fn with_hint(message: String, name: &str) -> String {
    if name.contains('.') { format!("{message}. Is it a file? Then write files/{name}") } else { message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::files::harness::{Answer, Bench};

    async fn ask(bench: &Bench, call: &str, path: &str) -> Answer {
        let segments: Vec<&str> = path.split('/').collect();
        bench.post(call, json!({"path": segments})).await
    }

    fn names(nodes: &Value) -> Vec<String> {
        let name = |node: &Value| {
            assert_eq!(node["container_type"], node["node_type"]);
            let name =
                [&node["label"], &node["name"]].into_iter().find_map(Value::as_str).unwrap().to_owned();
            format!("{}:{name}", node["container_type"].as_str().unwrap())
        };
        nodes.as_array().unwrap().iter().map(name).collect()
    }

    async fn resolved(bench: &Bench, path: &str) -> (Vec<String>, Vec<String>) {
        let answer = ask(bench, "/resolve", path).await.ok();
        (names(&answer["path"]), names(&answer["children"]))
    }

    async fn filled() -> Bench {
        let bench = Bench::new().await;
        bench.put("t1.nii", b"x").await;
        bench.put("a.json", b"x").await;
        bench.upload(&format!("/sessions/{}/files", bench.session), &[("s.txt", b"x")], None).await.ok();
        let analysis =
            bench.add(&format!("/sessions/{}/analyses", bench.session), json!({"label": "Fit"})).await;
        bench.upload(&format!("/analyses/{analysis}/files"), &[("out.csv", b"x")], None).await.ok();
        bench
    }

    #[tokio::test]
    async fn a_path_is_walked_and_its_end_is_opened() {
        let bench = filled().await;
        let along = ["group:Lab", "project:Study", "subject:sub-01", "session:ses-01", "acquisition:T1w"];
        for (path, length, children) in [
            ("", 0, vec!["group:Lab"]),
            ("lab", 1, vec!["project:Study"]),
            ("/lab/Study/", 2, vec!["subject:sub-01"]),
            ("lab/Study/sub-01", 3, vec!["session:ses-01"]),
            ("lab/Study/sub-01/ses-01", 4, vec!["acquisition:T1w", "analysis:Fit", "file:s.txt"]),
            ("lab/Study/sub-01/ses-01/files", 4, vec!["file:s.txt"]),
            ("lab/Study/sub-01/ses-01/analyses", 4, vec!["analysis:Fit"]),
            ("lab/Study/sub-01/ses-01/T1w", 5, vec!["file:a.json", "file:t1.nii"]),
        ] {
            let (walked, found) = resolved(&bench, path).await;
            assert_eq!(walked, along[..length], "{path}");
            assert_eq!(found, children, "{path}");
        }
        let (walked, children) = resolved(&bench, "lab/Study/sub-01/ses-01/T1w/files/t1.nii").await;
        assert_eq!((walked.last().unwrap().as_str(), children.len()), ("file:t1.nii", 0));
        let (walked, children) = resolved(&bench, "lab/Study/sub-01/ses-01/analyses/Fit").await;
        assert_eq!(
            (walked.last().unwrap().as_str(), children),
            ("analysis:Fit", vec!["file:out.csv".to_owned()])
        );
        let (walked, _) = resolved(&bench, "lab/Study/sub-01/ses-01/analyses/Fit/files/out.csv").await;
        assert_eq!(walked.last().unwrap(), "file:out.csv");
    }

    #[tokio::test]
    async fn ids_and_the_paths_of_archives_lead_there_too() {
        let bench = filled().await;
        let by_id = format!("lab/<id:{}>/<id:{}>/ses-01", bench.project, bench.subject);
        assert_eq!(resolved(&bench, &by_id).await.0.len(), 4);
        let full = "lab/PROJECTS/Study/SUBJECTS/sub-01/SESSIONS/ses-01/ACQUISITIONS/T1w/FILES/t1.nii";
        let segments: Vec<&str> = full.split('/').collect();
        let file = bench.post("/lookup?full_tree=true", json!({"path": segments})).await.ok();
        assert_eq!(file["name"], "t1.nii");
        ask(&bench, "/resolve", &format!("lab/Study/<id:{}>", bench.session)).await.refused(404);
        ask(&bench, "/resolve", "lab/Study/<id:sub-01>").await.refused(400);
    }

    #[tokio::test]
    async fn lookup_answers_the_last_node_whole() {
        let bench = filled().await;
        let info = json!({"set": {"a": 1}});
        bench.call(http::Method::PATCH, &format!("/sessions/{}/info", bench.session), info).await.ok();
        let session = ask(&bench, "/lookup", "lab/Study/sub-01/ses-01").await.ok();
        assert_eq!((&session["container_type"], &session["info"]), (&json!("session"), &json!({"a": 1})));
        assert_eq!(
            (&session["analyses"][0]["label"], &session["files"][0]["name"]),
            (&json!("Fit"), &json!("s.txt"))
        );
        let file = ask(&bench, "/lookup", "lab/Study/sub-01/ses-01/files/s.txt").await.ok();
        assert_eq!((&file["container_type"], &file["version"]), (&json!("file"), &json!(1)));
        let listed = ask(&bench, "/resolve", "lab/Study/sub-01/ses-01").await.ok();
        assert_eq!(
            (&listed["path"][3]["info"], &listed["path"][3]["info_exists"]),
            (&json!({}), &json!(true))
        );
        assert_eq!(listed["path"][3].get("files"), None);
        let segments = json!({"path": ["lab", "Study", "sub-01", "ses-01"]});
        let listed = bench.post("/resolve?include_all_info=true", segments).await.ok();
        assert_eq!(listed["path"][3]["info"], json!({"a": 1}));
    }

    #[tokio::test]
    async fn minimal_nodes_hold_what_tells_them_apart() {
        let bench = filled().await;
        let segments = json!({"path": ["lab", "Study", "sub-01", "ses-01", "T1w"]});
        let answer = bench.post("/resolve?minattr=true", segments).await.ok();
        let keys = |node: &Value| {
            let mut keys: Vec<String> = node.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys.join(" ")
        };
        assert_eq!(keys(&answer["path"][3]), "_id container_type created label modified node_type");
        assert_eq!(keys(&answer["children"][0]), "_id container_type created modified name node_type size");
    }

    #[tokio::test]
    async fn the_oldest_of_one_label_is_meant() {
        let bench = filled().await;
        let twin = bench.add("/acquisitions", json!({"label": "T1w", "session": bench.session})).await;
        let found = ask(&bench, "/lookup", "lab/Study/sub-01/ses-01/T1w").await.ok();
        assert_eq!(found["_id"], bench.acquisition);
        bench
            .call(http::Method::DELETE, &format!("/acquisitions/{}", bench.acquisition), Value::Null)
            .await
            .ok();
        assert_eq!(ask(&bench, "/lookup", "lab/Study/sub-01/ses-01/T1w").await.ok()["_id"], twin);
    }

    #[tokio::test]
    async fn what_leads_nowhere_says_where_it_stopped() {
        let bench = filled().await;
        for (path, message) in [
            ("nobody", "Could not find resource group:nobody"),
            ("lab/Other", "No match for project with label Other"),
            ("lab/Study/sub-01/ses-01/T1w/t1", "Could not resolve node for: t1"),
            ("lab/Study/files/x", "No match for file with name x"),
            ("lab/Study/analyses/x", "No match for analysis with label x"),
            ("gears/mriqc", "No match for gear with name mriqc"),
            ("gears/mriqc/1.0", "No match for gear with name mriqc"),
            ("gears/mriqc/1.0/x", "Could not resolve node for: x"),
        ] {
            assert_eq!(ask(&bench, "/resolve", path).await.refused(404), message);
            assert_eq!(ask(&bench, "/lookup", path).await.refused(404), message);
        }
        for path in ["lab/Study/sub-01/s.txt", "lab/Study/sub-01/ses-01/T1w/s.txt"] {
            let hint = ask(&bench, "/lookup", path).await.refused(404);
            assert!(hint.ends_with("files/s.txt"), "{hint}");
        }
        ask(&bench, "/lookup", "").await.refused(404);
        for body in [json!({"path": "lab"}), json!({}), json!({"path": [1]}), json!(null)] {
            bench.post("/resolve", body).await.refused(400);
        }
        bench.anonymous(http::Method::POST, "/resolve", "{}").await.refused(401);
        assert_eq!(resolved(&bench, "gears").await, (vec![], vec![]));
    }

    #[tokio::test]
    async fn only_what_the_caller_may_see_is_there() {
        let bench = filled().await;
        bench.add("/projects", json!({"label": "Hidden", "group": "lab"})).await;
        bench.post("/groups", json!({"_id": "other", "label": "Other"})).await.ok();
        let ro = bench.as_user("ro@x.org", Some("ro")).await;
        assert_eq!(resolved(&ro, "").await.1, ["group:Lab"]);
        assert_eq!(resolved(&ro, "lab").await.1, ["project:Study"]);
        assert_eq!(resolved(&ro, "lab/Study").await.1, ["subject:sub-01"]);
        ask(&ro, "/resolve", "lab/Hidden").await.refused(403);
        ask(&ro, "/resolve", "other").await.refused(403);
        ro.post("/resolve?exhaustive=true", json!({"path": []})).await.refused(403);
        assert_eq!(resolved(&bench, "lab").await.1, ["project:Study", "project:Hidden"]);
    }
}
