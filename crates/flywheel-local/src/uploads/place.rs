//! The place of an upload: found by label or by uid, with what is missing made and what is empty filled in.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use super::{
    group,
    plan::{Plan, Step},
};
use crate::{
    access::{self, Action},
    auth::Caller,
    containers::{create, tags},
    error::{ApiError, ApiResult},
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        new_id,
    },
};

/// How the place of an upload is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Sessions and acquisitions by label.
    Label,
    /// Sessions and acquisitions by uid, in the project that is named.
    Uid,
    /// Sessions and acquisitions by uid wherever they are; nothing is made.
    UidMatch,
    /// By uid wherever they are, else by group and project, else where nobody sorted yet.
    Reaper {
        /// Whether uids count.
        by_uid: bool,
    },
}

/// The containers on the way.
pub(super) struct Places(Vec<Container>);

impl Places {
    /// The container of a level.
    ///
    /// # Errors
    /// 422 when the upload names none.
    pub(super) fn of(&self, kind: Kind) -> ApiResult<&Container> {
        self.0.iter().find(|container| container.kind == kind).ok_or_else(|| {
            ApiError::unprocessable(format!("The metadata has files for a {kind} that it does not describe"))
        })
    }
}

/// The group and the project of what nobody could place.
const UNKNOWN: &str = "unknown";
const UNSORTED: &str = "Unsorted";

/// Finds or makes the containers of an upload.
///
/// # Errors
/// 403 when the caller may not make or change what has to be; 404 with [`Strategy::UidMatch`] when nothing has the uid.
pub(super) fn settle(db: &Connection, caller: &Caller, strategy: Strategy, plan: &Plan) -> ApiResult<Places> {
    let finder = Finder { db, caller, strategy, plan };
    let anywhere = match strategy {
        Strategy::UidMatch | Strategy::Reaper { by_uid: true } => finder.by_uid_anywhere()?,
        _ => None,
    };
    match (anywhere, strategy) {
        (Some(places), _) => Ok(places),
        (None, Strategy::UidMatch) => {
            Err(ApiError::not_found("No session or acquisition has the uid that the metadata gives"))
        }
        (None, _) => finder.by_names(),
    }
}

struct Finder<'a> {
    db: &'a Connection,
    caller: &'a Caller,
    strategy: Strategy,
    plan: &'a Plan,
}

impl Finder<'_> {
    /// The acquisition with the uid, else the session with its uid and an acquisition in it.
    fn by_uid_anywhere(&self) -> ApiResult<Option<Places>> {
        if let Some(step) = &self.plan.acquisition
            && let Some(found) = self.visible_by_uid(Kind::Acquisition, step.text("uid"))?
        {
            let (above, found) = (self.above(&found)?, self.fill(found, step)?);
            let mut places = above;
            places.push(found);
            return self.complete(places).map(Some);
        }
        let Some(step) = &self.plan.session else { return Ok(None) };
        let Some(session) = self.visible_by_uid(Kind::Session, step.text("uid"))? else { return Ok(None) };
        let mut places = self.above(&session)?;
        let session = self.fill(session, step)?;
        if let Some(step) = &self.plan.acquisition {
            if self.strategy == Strategy::UidMatch && !step.text("uid").is_empty() {
                return Ok(None);
            }
            places.push(self.acquisition(&session, step)?);
        }
        places.push(session);
        self.complete(places).map(Some)
    }

    fn visible_by_uid(&self, kind: Kind, uid: &str) -> ApiResult<Option<Container>> {
        // Without being told, the planner reads everything of the kind in the order of ids.
        let sql = "SELECT id, kind, doc FROM containers INDEXED BY containers_by_kind_uid
             WHERE kind = ? AND uid = ? AND deleted IS NULL ORDER BY id";
        if uid.is_empty() {
            return Ok(None);
        }
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((kind.code(), uid))?;
        while let Some(row) = rows.next()? {
            let found = Container::from_row(row)?;
            if access::allowed(self.db, self.caller, &found, Action::ContainersViewMetadata)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn above(&self, container: &Container) -> ApiResult<Vec<Container>> {
        let levels = [Kind::Project, Kind::Subject, Kind::Session];
        let ids =
            levels.into_iter().filter(|&level| level < container.kind).map(|level| container.ancestor(level));
        ids.flatten().map(|id| containers::find(self.db, id)).filter_map(Result::transpose).collect()
    }

    fn by_names(&self) -> ApiResult<Places> {
        let (project, unsorted) = self.project()?;
        let mut places = Vec::new();
        if let Some(step) = &self.plan.session {
            let subject = self.subject(&project)?;
            let session = self.session(&project, &subject, step, unsorted)?;
            if let Some(step) = &self.plan.acquisition {
                places.push(self.acquisition(&session, step)?);
            }
            places.extend([session, subject]);
        } else if !self.plan.subject.doc.is_empty() {
            places.push(self.subject(&project)?);
        }
        places.push(project);
        self.complete(places)
    }

    /// A session begins when its first acquisition does.
    fn complete(&self, mut places: Vec<Container>) -> ApiResult<Places> {
        let began = self.plan.acquisition.as_ref().map(|step| step.text("timestamp")).unwrap_or_default();
        let session = places.iter_mut().find(|place| place.kind == Kind::Session);
        if let Some(session) = session.filter(|_| !began.is_empty()) {
            let known = session.text("timestamp");
            if known.is_empty() || known > began {
                session.doc.insert("timestamp".into(), began.into());
                containers::save(self.db, session)?;
            }
        }
        Ok(Places(places))
    }

    /// The project, and whether it is the one of what nobody could place.
    fn project(&self) -> ApiResult<(Container, bool)> {
        let (group, label) = (&self.plan.group, &self.plan.project);
        let reaper = matches!(self.strategy, Strategy::Reaper { .. });
        if let Some(group) = group::find(self.db, group)? {
            if label.is_empty() && !reaper {
                return Err(ApiError::unprocessable("The metadata names no project: give it a label"));
            }
            let label = if label.is_empty() { UNSORTED } else { label };
            return self.project_in(&group, label).map(|project| (project, false));
        }
        if !self.caller.is_superuser() {
            return Err(ApiError::not_found(format!("Could not find resource group:{group}")));
        }
        let unknown = match containers::find(self.db, UNKNOWN)? {
            Some(found) => found,
            None => {
                let doc = json!({"label": "Unknown", "permissions": [], "permissions_template": []});
                self.added(Kind::Group, UNKNOWN.to_owned(), doc)?
            }
        };
        let named = [group.as_str(), label.as_str()].map(str::trim);
        let label = match named {
            _ if reaper => UNSORTED.to_owned(),
            ["", ""] => "Unknown".to_owned(),
            [group, label] => [group, label].join("_").trim_matches('_').to_owned(),
        };
        self.project_in(&unknown, &label).map(|project| (project, reaper))
    }

    fn project_in(&self, group: &Container, label: &str) -> ApiResult<Container> {
        let sql = "SELECT id FROM containers WHERE parent_id = ? AND kind = 2 AND deleted IS NULL
             AND lower(label) = lower(?) ORDER BY label <> ?, id LIMIT 1";
        let found: Option<String> =
            self.db.prepare_cached(sql)?.query_row((&group.id, label, label), |row| row.get(0)).optional()?;
        let project = match found {
            Some(id) => containers::get(self.db, Kind::Project, &id)?,
            None => {
                // Unlike a project made by itself, this needs no more of the group than the files would.
                access::authorize(self.db, self.caller, group, Action::FilesCreateSingle)?;
                let template = group.doc.get("permissions_template").cloned().unwrap_or_default();
                let permissions = create::first_permissions(self.db, self.caller, Value::Null, template)?;
                let parents = group.parents_of_child();
                let doc = json!({"label": label, "permissions": permissions, "parents": parents});
                return self.added(Kind::Project, new_id(), doc);
            }
        };
        access::authorize(self.db, self.caller, &project, Action::FilesCreateSingle)?;
        Ok(project)
    }

    fn subject(&self, project: &Container) -> ApiResult<Container> {
        let mut step = self.plan.subject.clone();
        if step.text("label").is_empty() && step.text("code").is_empty() {
            step.doc.insert("label".into(), UNKNOWN.into());
        }
        create::mirror_code(&mut step.doc, &["body", "metadata", "subject", "label"])?;
        match containers::subject_by_label(self.db, &project.id, step.text("label"))? {
            Some(found) => self.fill(found, &step),
            None => self.make(Kind::Subject, project, &step),
        }
    }

    fn session(
        &self,
        project: &Container,
        subject: &Container,
        step: &Step,
        unsorted: bool,
    ) -> ApiResult<Container> {
        let by_uid = matches!(self.strategy, Strategy::Uid | Strategy::Reaper { by_uid: true });
        let found = if by_uid {
            let sql =
                "SELECT id FROM containers INDEXED BY containers_by_kind_uid WHERE kind = 4 AND uid = ?2
                 AND project_id = ?1 AND deleted IS NULL ORDER BY id LIMIT 1";
            self.one(sql, &project.id, required(step, "uid", Kind::Session)?)?
        } else {
            self.child_by_label(subject, Kind::Session, step)?
        };
        if let Some(found) = found {
            return self.fill(found, step);
        }
        let mut step = step.clone();
        if unsorted {
            let (group, project, uid) = (&self.plan.group, &self.plan.project, step.text("uid"));
            let label = format!("gr-{group}_proj-{project}_ses-{uid}");
            step.doc.insert("label".into(), label.into());
        }
        self.make(Kind::Session, subject, &step)
    }

    fn acquisition(&self, session: &Container, step: &Step) -> ApiResult<Container> {
        let by_uid = matches!(self.strategy, Strategy::Uid | Strategy::Reaper { by_uid: true });
        let found = if by_uid {
            let sql =
                "SELECT id FROM containers INDEXED BY containers_by_kind_uid WHERE kind = 5 AND uid = ?2
                 AND parent_id = ?1 AND deleted IS NULL ORDER BY id LIMIT 1";
            self.one(sql, &session.id, required(step, "uid", Kind::Acquisition)?)?
        } else {
            self.child_by_label(session, Kind::Acquisition, step)?
        };
        match (found, self.strategy) {
            (Some(found), _) => self.fill(found, step),
            (None, Strategy::UidMatch) => {
                Err(ApiError::not_found(format!("No such acquisition in session {}", session.id)))
            }
            (None, _) => self.make(Kind::Acquisition, session, step),
        }
    }

    fn child_by_label(&self, parent: &Container, kind: Kind, step: &Step) -> ApiResult<Option<Container>> {
        child_by_label(self.db, &parent.id, kind, required(step, "label", kind)?)
    }

    fn one(&self, sql: &str, within: &str, value: &str) -> ApiResult<Option<Container>> {
        let id: Option<String> =
            self.db.prepare_cached(sql)?.query_row((within, value), |row| row.get(0)).optional()?;
        id.map_or(Ok(None), |id| containers::find(self.db, &id))
    }

    fn make(&self, kind: Kind, parent: &Container, step: &Step) -> ApiResult<Container> {
        access::authorize(self.db, self.caller, parent, Action::ContainersCreateHierarchy)?;
        let mut doc = step.doc.clone();
        if step.text("label").is_empty() {
            doc.insert("label".into(), required(step, "uid", kind)?.into());
        }
        doc.insert("tags".into(), step.tags.clone().into());
        doc.insert("parents".into(), parent.parents_of_child());
        self.added(kind, new_id(), doc.into())
    }

    fn added(&self, kind: Kind, id: String, doc: Value) -> ApiResult<Container> {
        let doc = match doc {
            Value::Object(doc) => doc,
            _ => Doc::new(),
        };
        let id = create::add(self.db, kind, id, doc)?;
        containers::get(self.db, kind, &id)
    }

    /// Gives a container the fields and tags that it lacks; what it has stays.
    fn fill(&self, mut container: Container, step: &Step) -> ApiResult<Container> {
        if fill_in(&mut container, step) {
            access::authorize(self.db, self.caller, &container, Action::ContainersModifyMetadata)?;
            containers::save(self.db, &mut container)?;
        }
        Ok(container)
    }
}

/// The oldest live container of a kind below a parent with this label.
///
/// # Errors
/// When the database fails.
pub(crate) fn child_by_label(
    db: &Connection,
    parent: &str,
    kind: Kind,
    label: &str,
) -> ApiResult<Option<Container>> {
    let sql = "SELECT id, kind, doc FROM containers
         WHERE parent_id = ? AND kind = ? AND label = ? AND deleted IS NULL ORDER BY id LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((parent, kind.code(), label))?;
    rows.next()?.map(Container::from_row).transpose()
}

/// Whether a container lacked something of a step, and has it now.
fn fill_in(container: &mut Container, step: &Step) -> bool {
    let mut changed = false;
    for (key, value) in &step.doc {
        if container.doc.get(key).is_none_or(|known| known.is_null() || *known == json!({}))
            && *value != json!({})
        {
            container.doc.insert(key.clone(), value.clone());
            changed = true;
        }
    }
    let known = tags::of(&container.doc);
    let mut all = known.clone();
    tags::union(&mut all, step.tags.clone());
    if all != known {
        container.doc.insert("tags".into(), all.into());
        changed = true;
    }
    changed
}

fn required<'a>(step: &'a Step, key: &str, kind: Kind) -> ApiResult<&'a str> {
    match step.text(key) {
        "" => Err(ApiError::unprocessable(format!("The metadata gives the {kind} no {key}"))),
        text => Ok(text),
    }
}
