//! `POST /projects/{id}/upsert-hierarchy`: a subject, a session and an acquisition, each found, changed or made, in one call.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::place::child_by_label;
use crate::{
    access::{self, Action},
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    containers::{create, fields, tags},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id,
    },
};

const REFERENCE: Shape = Shape::Object(&[must("type", TEXT), may("id", TEXT)]);

const FIELDS: &[Field] = &[
    must("origin", REFERENCE),
    may("source", REFERENCE),
    may("subject", Shape::Any),
    may("session", Shape::Any),
    may("acquisition", Shape::Any),
];

/// The ways to say which container is meant, in the order in which they count.
const ROUTES: [&str; 3] = ["_id", "uid", "label"];

/// Where a uid is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Site,
    Project,
    Parent,
}

impl Scope {
    fn read(params: &Params) -> ApiResult<Self> {
        match params.get("uid_scope").unwrap_or_default() {
            "" | "project" => Ok(Self::Project),
            "site" | "global" => Ok(Self::Site),
            "parent" | "subject" | "session" => Ok(Self::Parent),
            other => {
                Err(ApiError::unprocessable(format!("uid_scope is site, project or parent, not {other:?}")))
            }
        }
    }
}

/// One level of the call.
struct Wanted {
    kind: Kind,
    route: Option<String>,
    id: Option<String>,
    doc: Doc,
    tags: Vec<String>,
    source: Option<Value>,
}

/// `POST /projects/{id}/upsert-hierarchy?uid_scope=`
pub(crate) async fn upsert(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let scope = Scope::read(&params)?;
    let mut body = check(body, FIELDS)?;
    let source = body.remove("source").filter(|source| !source.is_null());
    let levels = [Kind::Subject, Kind::Session, Kind::Acquisition];
    let wanted = levels.into_iter().filter_map(|kind| {
        let given = body.remove(kind.singular()).filter(|given| !given.is_null())?;
        Some(Wanted::read(kind, given, source.as_ref()))
    });
    let wanted: Vec<Wanted> = wanted.collect::<ApiResult<_>>()?;
    let work = move |db: &Connection| {
        let project = guard.container(db, &id)?;
        let upsert = Upsert { db, guard: &guard, project: &project, scope };
        upsert.all(wanted).map(Json)
    };
    state.store.write(work).await
}

impl Wanted {
    fn read(kind: Kind, given: Value, source: Option<&Value>) -> ApiResult<Self> {
        let name = kind.singular();
        let Value::Object(mut doc) = given else {
            let message = "Input should be a valid dictionary";
            return Err(ApiError::invalid(vec![Detail::new(&["body", name], "dict_type", message, &given)]));
        };
        doc.retain(|_, value| !value.is_null());
        let apart = Doc::from_iter(
            ["_id", "routing_field", "source", "tags"]
                .into_iter()
                .filter_map(|key| Some((key.to_owned(), doc.shift_remove(key)?))),
        );
        let fields = [
            may("_id", Shape::Id),
            may("routing_field", Shape::OneOf(&ROUTES)),
            may("source", REFERENCE),
            may("tags", Shape::List(&crate::body::TAG)),
        ];
        let apart = check(apart.into(), &fields)?;
        let known = [may(name, Shape::Object(fields::changeable(kind)))];
        let doc = check(json!({name: doc}), &known)?.remove(name);
        let mut doc = doc.and_then(|doc| doc.as_object().cloned()).unwrap_or_default();
        for key in ["group", "project", "subject", "session", "permissions"] {
            doc.shift_remove(key);
        }
        if kind == Kind::Subject && (doc.contains_key("label") || doc.contains_key("code")) {
            create::mirror_code(&mut doc, &["body", name, "label"])?;
        }
        let text = |key: &str| apart.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            kind,
            route: text("routing_field"),
            id: text("_id"),
            tags: tags::of(&apart),
            source: apart.get("source").or(source).cloned(),
            doc,
        })
    }

    fn text(&self, key: &str) -> Option<&str> {
        match key {
            "_id" => self.id.as_deref(),
            _ => self.doc.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()),
        }
    }
}

struct Upsert<'a> {
    db: &'a Connection,
    guard: &'a Guard,
    project: &'a Container,
    scope: Scope,
}

impl Upsert<'_> {
    fn all(&self, wanted: Vec<Wanted>) -> ApiResult<Value> {
        let mut answer = Doc::new();
        let mut above = self.project.clone();
        for wanted in wanted {
            let (container, outcome) = self.one(&above, &wanted)?;
            if wanted.kind > Kind::Subject && !answer.contains_key(Kind::Subject.singular()) {
                let id = container.ancestor(Kind::Subject).unwrap_or_default();
                let subject = containers::get(self.db, Kind::Subject, id)?;
                answer.insert(Kind::Subject.singular().into(), shown(&subject, "ignored"));
            }
            answer.insert(wanted.kind.singular().into(), shown(&container, outcome));
            above = container;
        }
        if answer.is_empty() {
            return Err(ApiError::unprocessable("name a subject, a session or an acquisition"));
        }
        Ok(answer.into())
    }

    fn one(&self, above: &Container, wanted: &Wanted) -> ApiResult<(Container, &'static str)> {
        let Some(found) = self.find(above, wanted)? else {
            return self.make(above, wanted).map(|made| (made, "created"));
        };
        let inside = above.kind == Kind::Project || found.ancestor(above.kind) == Some(&above.id);
        if !inside || found.ancestor(Kind::Project) != Some(&self.project.id) {
            return Ok((found, "conflict"));
        }
        self.change(found, wanted)
    }

    fn find(&self, above: &Container, wanted: &Wanted) -> ApiResult<Option<Container>> {
        let routes =
            ROUTES.into_iter().filter(|&route| wanted.route.as_deref().is_none_or(|only| only == route));
        for (route, text) in routes.filter_map(|route| Some((route, wanted.text(route)?))) {
            let found = match route {
                "_id" => Some(containers::get(self.db, wanted.kind, text)?),
                "uid" => self.by_uid(above, wanted.kind, text)?,
                _ if wanted.kind.parent() == Some(above.kind) => {
                    child_by_label(self.db, &above.id, wanted.kind, text)?
                }
                _ => None,
            };
            // What the caller may not see is not there.
            if let Some(found) = found
                && access::allowed(self.db, &self.guard.caller, &found, Action::ContainersViewMetadata)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn by_uid(&self, above: &Container, kind: Kind, uid: &str) -> ApiResult<Option<Container>> {
        let sql = "SELECT id, kind, doc FROM containers INDEXED BY containers_by_kind_uid
             WHERE kind = ?1 AND uid = ?2 AND deleted IS NULL
             AND (?3 IS NULL OR project_id = ?3) AND (?4 IS NULL OR parent_id = ?4) ORDER BY id LIMIT 1";
        let project = (self.scope != Scope::Site).then_some(&self.project.id);
        let parent = (self.scope == Scope::Parent && kind.parent() == Some(above.kind)).then_some(&above.id);
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((kind.code(), uid, project, parent))?;
        rows.next()?.map(Container::from_row).transpose()
    }

    fn make(&self, above: &Container, wanted: &Wanted) -> ApiResult<Container> {
        let kind = wanted.kind;
        if kind.parent() != Some(above.kind) {
            let parent = kind.parent().map(Kind::singular).unwrap_or_default();
            return Err(ApiError::unprocessable(format!(
                "The {kind} is not there, and to make it takes a {parent}"
            )));
        }
        let mut doc = wanted.doc.clone();
        if let Some(label) = wanted.text("label").or(wanted.text("uid")).map(str::to_owned) {
            doc.insert("label".into(), label.into());
        } else {
            let place = ["body", kind.singular(), "label"];
            return Err(ApiError::invalid(vec![Detail::new(
                &place,
                "missing",
                "Field required",
                &Value::Null,
            )]));
        }
        doc.insert("tags".into(), wanted.tags.clone().into());
        doc.insert("parents".into(), above.parents_of_child());
        if let Some(source) = &wanted.source {
            doc.insert("source".into(), source.clone());
        }
        let id = create::add(self.db, kind, new_id(), doc)?;
        containers::get(self.db, kind, &id)
    }

    /// Sets what is given: keys of `info` one by one, tags as additions, everything else as it is.
    fn change(&self, mut found: Container, wanted: &Wanted) -> ApiResult<(Container, &'static str)> {
        let before = found.doc.clone();
        for (key, value) in &wanted.doc {
            let value = match (key.as_str(), found.doc.get(key), value) {
                ("info", Some(Value::Object(known)), Value::Object(given)) => {
                    let mut info = known.clone();
                    info.extend(given.clone());
                    info.into()
                }
                _ => value.clone(),
            };
            found.doc.insert(key.clone(), value);
        }
        let mut all = tags::of(&found.doc);
        tags::union(&mut all, wanted.tags.clone());
        found.doc.insert("tags".into(), all.into());
        if found.doc == before {
            return Ok((found, "ignored"));
        }
        access::authorize(self.db, &self.guard.caller, &found, Action::ContainersModifyMetadata)?;
        containers::save(self.db, &mut found)?;
        Ok((found, "updated"))
    }
}

fn shown(container: &Container, outcome: &str) -> Value {
    let mut answer = json!({"_id": container.id, "label": container.label(), "upsert_result": outcome});
    if container.kind != Kind::Subject
        && let Some(uid) = container.doc.get("uid")
    {
        answer["uid"] = uid.clone();
    }
    answer
}
