//! Role by call: every route of the site, asked by every sort of caller, on a fresh hierarchy.
//!
//! The table below is written independently of the router's: it says for each call the least caller who may make it.

use http::Method;
use serde_json::{Value, json};

use super::{Api, Person};
use crate::{router, store::records};

/// One line a call: the least caller, the method, the path. `*` is any kind of container, or `containers`. The first
/// line that fits counts.
const TABLE: &str = "
anyone GET /config
anyone GET /config/delete_reasons
anyone GET /config/file_types
anyone GET /config/project_locking_reasons
anyone GET /version
anyone GET /system
anyone GET /system/ready
site GET /metrics
login GET /auth/status
login GET /site/settings
site PUT /site/settings
login GET /site/bookmark-list
site PUT /site/bookmark-list

login POST /dataexplorer/search
login DELETE /dataexplorer/search
login POST /dataexplorer/search/parse
login POST /dataexplorer/search/suggest
login GET /dataexplorer/search/status
login POST /dataexplorer/search/fields
login POST /dataexplorer/search/fields/aggregate
login POST /dataexplorer/search/nodes
login GET /dataexplorer/mapped_fields
login POST /dataexplorer/facets
login GET /dataexplorer/queries
login POST /dataexplorer/queries
login GET /dataexplorer/queries/{sid}
login PUT /dataexplorer/queries/{sid}
login DELETE /dataexplorer/queries/{sid}

login GET /permissions/self
login GET /permissions/check/{action}
login PUT /permissions/check
login POST /tree
login GET /tree/graph
site GET /report/site
site GET /report/project
site GET /report/accesslog
site GET /report/accesslog/types
site GET /report/usage
site GET /report/daily-usage
site GET /report/daily-usage-range
site GET /report/legacy-usage
site GET /report/usage/availability
site GET /report/usage/collect
site GET /report/usage-summary

login GET /changes/{type}/{id}
login GET /changes/{type}/{id}/fields/{field}
login GET /audit-trail/reports
admin POST /audit-trail/reports
login PATCH /audit-trail/reports/{id}
login DELETE /audit-trail/reports/{id}
login GET /audit-trail/reports/{id}/download
login GET /audit-trail/reports/{id}/csv

login GET /site/providers
site POST /site/providers
login GET /site/providers/{id}
site PUT /site/providers/{id}
site DELETE /site/providers/{id}
site GET /site/providers/{id}/config
site POST /dataexplorer/index/fields

user GET /custom_filters
user POST /custom_filters
user PUT /custom_filters/{id}
user DELETE /custom_filters/{id}

login GET /staffing_pools
site POST /staffing_pools
login GET /staffing_pools/{id}
site PUT /staffing_pools/{id}
site DELETE /staffing_pools/{id}
site PUT /staffing_pools/users/{user}/staffing_pools

login GET /protocols
admin POST /protocols
login GET /protocols/{id}
login PUT /protocols/{id}
login DELETE /protocols/{id}
login PUT /protocols/{id}/publish
login PUT /protocols/{id}/archive
login GET /customforms
admin POST /customforms
login GET /customforms/{id}
login PUT /customforms/{id}
login PUT /customforms/{id}/publish

login GET /tasks/reader
admin POST /tasks/reader
admin POST /tasks/reader/batch
admin POST /tasks/reader/adjudication
admin POST /tasks/reader/adjudication/batch
login GET /tasks/reader/facets/{field}
login GET /tasks/reader/{id}
login PUT /tasks/reader/{id}
login PUT /tasks/reader/{id}/assign
login POST /tasks/reader/{id}/clone
login POST /tasks/reader/{id}/complete
login GET /tasks/{id}/responses
login POST /tasks/{id}/responses
login PUT /tasks/{id}/responses/{response}
login GET /responses/{id}
login PATCH /responses/{id}
login POST /responses/{id}/submit
login GET /tasks/projects/ids
login GET /tasks/groups/ids
login GET /tasks/subjects/ids
login GET /tasks/sessions/ids
login GET /tasks/acquisitions/ids
login GET /tasks/files/ids

login GET /dimse/projects
admin POST /dimse/projects
login GET /dimse/projects/{id}
login DELETE /dimse/projects/{id}
login GET /dimse/services
site POST /dimse/services
login GET /dimse/services/{id}
site DELETE /dimse/services/{id}

user PUT /users/self/preferences
ro POST /users/self/visited_projects/{id}
login POST /logout
login POST /subjects/master-code
login GET /subjects/master-code/{code}

login GET /projects/labels
login GET /projects/catalog-list
login GET /projects/catalog-list-filter-options
ro GET /projects/{id}/settings
admin PUT /projects/{id}/settings
ro GET */{id}/settings/deid_profile
ro GET /groups/{id}/settings
admin PUT /groups/{id}/settings
admin POST /projects/{id}/lock
admin POST /projects/{id}/unlock
admin POST /projects/{id}/template
admin DELETE /projects/{id}/template
ro POST /projects/{id}/recalc
site POST /projects/recalc
admin POST /containers

login GET /users
site POST /users
user GET /users/self
user GET /users/self/info
user PATCH /users/self/info
user POST /users/self/info
user GET /users/self/avatar
user POST /users/self/key
user DELETE /users/self/key/{id}
login GET /users/{id}
site PUT /users/{id}
site DELETE /users/{id}
login GET /users/{id}/avatar
site GET /users/{id}/*

login GET /devices
site POST /devices
login GET /devices/status
device GET /devices/self
device PUT /devices/self
login GET /devices/{id}
site PUT /devices/{id}
site DELETE /devices/{id}
site POST /devices/{id}/key
site DELETE /devices/{id}/key/{key}

login GET /roles
site POST /roles
login GET /roles/actions
login GET /roles/{id}
site PUT /roles/{id}
site DELETE /roles/{id}
ro GET /groups/{id}/roles
admin POST /groups/{id}/roles
ro GET /groups/{id}/roles/{role}
admin DELETE /groups/{id}/roles/{role}

login GET /modalities
site POST /modalities
login GET /modalities/{id}
site PUT /modalities/{id}
site DELETE /modalities/{id}

site POST /groups
admin POST /groups/{id}/permissions/templates
admin GET /groups/{id}/permissions/templates/{user}
admin PUT /groups/{id}/permissions/templates/{user}
admin DELETE /groups/{id}/permissions/templates/{user}
admin POST */{id}/permissions
admin GET */{id}/permissions/{user}
admin PUT */{id}/permissions/{user}
admin DELETE */{id}/permissions/{user}

admin POST /projects
rw POST /subjects
rw POST /sessions
rw POST /acquisitions
user POST /collections
login GET /projects/groups
ro GET /projects/{id}/delete-status
rw GET /projects/{id}/packfile-end
login GET /collections/curators
login GET *
admin DELETE /projects
site DELETE *
ro GET */{id}
admin PUT /groups/{id}
rw PUT */{id}
power DELETE /groups/{id}
admin DELETE /projects/{id}
admin DELETE /collections/{id}
rw DELETE */{id}
ro GET */{id}/*

rw POST */{id}/tags
rw PATCH */{id}/tags
rw DELETE */{id}/tags
ro GET */{id}/tags/{value}
rw PUT */{id}/tags/{value}
rw DELETE */{id}/tags/{value}
rw POST */{id}/notes
ro GET */{id}/notes/{note}
rw PUT */{id}/notes/{note}
rw DELETE */{id}/notes/{note}
rw PATCH */{id}/info
rw POST */{id}/info

rw POST */{id}/analyses
ro GET */{id}/analyses/{analysis}
rw PUT */{id}/analyses/{analysis}
rw DELETE */{id}/analyses/{analysis}
rw POST */{id}/analyses/{analysis}/notes
rw DELETE */{id}/analyses/{analysis}/notes/{note}
ro GET */{id}/*/analyses
ro GET */{id}/all/analyses

rw POST */{id}/files
ro GET */{id}/files/{name}
rw PUT */{id}/files/{name}
rw DELETE */{id}/files/{name}
ro GET */{id}/files/{name}/info
rw PATCH */{id}/files/{name}/info
rw POST */{id}/files/{name}/info
rw PATCH */{id}/files/{name}/classification
rw POST */{id}/files/{name}/classification
rw POST */{id}/analyses/{analysis}/files
ro GET */{id}/analyses/{analysis}/files/{name}
ro GET */{id}/analyses/{analysis}/inputs/{input}
ro GET /analyses/{id}/input_files/{name}/info
ro GET /analyses/{id}/inputs/{input}
ro GET */{id}/analyses/{analysis}/inputs
ro GET */{id}/analyses/{analysis}/files
ro GET /analyses/{id}/inputs
ro GET /analyses/{id}/files
ro GET /analyses/{id}/inputs/{input}/info

login GET /files
site DELETE /files
ro GET /files/{file_id}
rw PUT /files/{file_id}
rw DELETE /files/{file_id}
ro GET /files/{file_id}/download
ro GET /files/{file_id}/version/{version}/download/{name}
ro POST /files/{file_id}/ticket
anyone GET /files/{file_id}/ticket/{ticket}/validate
ro GET /files/{file_id}/zip_info
ro GET /files/{file_id}/zip_member/{*member}
ro GET /files/{file_id}/info
rw PATCH /files/{file_id}/info
rw PUT /files/{file_id}/info
rw PUT /files/{file_id}/classification
ro GET /files/{file_id}/tags
rw PATCH /files/{file_id}/tags
rw PUT /files/{file_id}/tags
rw DELETE /files/{file_id}/tags
ro GET /files/{file_id}/versions
rw POST /files/{file_id}/restore
rw POST /files/{file_id}/move
anyone PUT /upload/fs-file

login POST /upload/label
login POST /upload/uid
login POST /upload/uid-match
power POST /upload/reaper
login POST /upload/signed-url
login POST /upload/signed-url/cleanup
login POST /upload/complete-s3-multipart
login POST /upload/complete-azure-multipart
rw POST /files
rw POST /projects/{id}/upsert-file
rw POST /projects/{id}/upsert-hierarchy
login POST /uids
login POST /uids/projects
login POST /storage/files
login GET /storage/files/{file_id}
login DELETE /storage/files/{file_id}
login POST /storage/files/{file_id}/ticket
rw POST /projects/{id}/packfile-start
rw POST /projects/{id}/packfile
rw POST /projects/{id}/packfile-end
site POST /clean-packfiles

admin POST /projects/{id}/copy
ro GET /projects/{id}/copies
ro GET /projects/{id}/copy/{snapshot}/status
rw POST /subjects/{id}/copy
rw POST /sessions/{id}/copy
rw POST /acquisitions/{id}/copy
rw POST /bulk/move/sessions
rw POST /bulk/move/acquisitions
rw POST /bulk/move/subjects
rw POST /bulk/copy/{cname}
rw POST /bulk/delete/{cname}
rw POST /bulk/add/tags
rw POST /bulk/remove/tags

ro POST /resolve
ro POST /lookup
ro POST /download
ro POST /download/targets
login POST /download/summary
anyone GET /download

ro GET /projects/{id}/rules
admin POST /projects/{id}/rules
ro GET /projects/{id}/rules/{rule}
admin PUT /projects/{id}/rules/{rule}
admin DELETE /projects/{id}/rules/{rule}
login GET /site/rules
site POST /site/rules
login GET /site/rules/{rule}
site PUT /site/rules/{rule}
site DELETE /site/rules/{rule}
login GET /local/gear-folders/{hash}
site PUT /local/gear-folders/{hash}

login GET /views/columns
ro GET /containers/{id}/views
rw POST /containers/{id}/views
login GET /views/{id}
login PUT /views/{id}
login DELETE /views/{id}
ro POST /views/queue
login POST /views/{id}/queue
ro POST /views/data
login GET /views/{id}/data
rw POST /views/save
login GET /data_view_executions
login GET /data_view_executions/{id}
login GET /data_view_executions/{id}/data
login GET /data_view_executions/{id}/data/columns
login POST /data_view_executions/{id}/ticket
login POST /data_view_executions/{id}/save
login POST /data_view_executions/{id}/delete

login GET /gears
login GET /gears/my-tickets
login GET /gears/ticket/{id}
login GET /gears/temp/{id}
site POST /gears/prepare-add
site POST /gears/save
login GET /gears/{id}
site POST /gears/{id}
site DELETE /gears/{id}
site POST /gears/{id}/enable
site POST /gears/{id}/disable
login GET /gears/{id}/invocation
ro GET /gears/{id}/context/{kind}/{container}
ro GET /gears/{id}/suggest/{kind}/{container}
login GET /gears/{id}/series
site PUT /gears/{id}/series
site PUT /gears/{id}/permissions
site DELETE /gears/{id}/permissions
site PUT /gears/{id}/permissions/{kind}
site DELETE /gears/{id}/permissions/{kind}/{who}

login GET /jobs
rw POST /jobs/add
login POST /jobs/determine_provider
power GET /jobs/next
power POST /jobs/ask
power POST /jobs/ask/{state}
login GET /jobs/stats
power POST /jobs/reap
admin PUT /jobs/priority
admin PUT /jobs/cancel/bulk
admin PUT /jobs/retry/bulk
ro GET /jobs/{id}
admin PUT /jobs/{id}
ro GET /jobs/{id}/detail
ro GET /jobs/{id}/config.json
power PUT /jobs/{id}/heartbeat
power PUT /jobs/{id}/profile
ro GET /jobs/{id}/logs
power POST /jobs/{id}/logs
ro GET /jobs/{id}/logs/text
ro GET /jobs/{id}/logs/html
power POST /jobs/{id}/prepare-complete
power PUT /jobs/{id}/prepare-complete
power POST /jobs/{id}/complete
power PUT /jobs/{id}/complete
admin POST /jobs/{id}/retry
power POST /engine
login GET /users/self/jobs
ro GET /sessions/{id}/jobs
ro GET /projects/{id}/jobs

login GET /batch
rw POST /batch
rw POST /batch/jobs
login GET /batch/{id}
login POST /batch/{id}/run
login POST /batch/{id}/cancel
";

/// The callers, from those who may least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Anonymous,
    /// Comes with a key that nobody has.
    Unknown,
    /// A site administrator whose key has expired.
    Expired,
    Disabled,
    Stranger,
    /// A member everywhere, in a role that allows nothing.
    Roleless,
    /// Administers the group, and is no member of what is in it.
    GroupAdmin,
    /// The key that only reads of a running job, which a site administrator asked for.
    Reader,
    Ro,
    Rw,
    Admin,
    Device,
    Site,
}

const CALLERS: [Who; 13] = [
    Who::Anonymous,
    Who::Unknown,
    Who::Expired,
    Who::Disabled,
    Who::Stranger,
    Who::Roleless,
    Who::GroupAdmin,
    Who::Reader,
    Who::Ro,
    Who::Rw,
    Who::Admin,
    Who::Device,
    Who::Site,
];

/// The beginnings of calls that only read although they are no GET, or whose body decides what they do.
const READING: [&str; 8] = [
    "/dataexplorer/search",
    "/search",
    "/resolve",
    "/lookup",
    "/download",
    "/views/data",
    "/tree",
    "/permissions/check",
];

/// Calls that only say something again, or note that something was read.
const NOTING: [&str; 3] =
    ["/files/{file_id}/ticket", "/projects/{id}/recalc", "/users/self/visited_projects/{id}"];

/// The calls for which whoever administers a group makes things in it.
const MAKING: [&str; 4] = ["/projects", "/containers", "/protocols", "/customforms"];

/// As whom a caller is treated in a call; nothing for one that is refused whatever it asks for.
fn treated(who: Who, method: &Method, path: &str) -> Option<Who> {
    let of_group = path.starts_with("/groups/");
    match who {
        // Who is a member of a project sees the group that it is in.
        Who::Roleless if of_group => Some(Who::Ro),
        Who::Roleless => Some(Who::Stranger),
        Who::GroupAdmin if of_group || (*method == Method::POST && MAKING.contains(&path)) => {
            Some(Who::Admin)
        }
        Who::GroupAdmin => Some(Who::Stranger),
        Who::Reader => only_reads(method, path).then_some(Who::Site),
        who => Some(who),
    }
}

fn only_reads(method: &Method, path: &str) -> bool {
    if *method == Method::GET {
        // Others' permissions are for who manages them; the end of a packfile makes an acquisition.
        let managed = path.contains("/permissions/") && path.ends_with("/{user}");
        return !managed && !path.ends_with("/packfile-end");
    }
    READING.iter().any(|start| path.starts_with(start)) || NOTING.contains(&path)
}

/// What refuses a caller, if anything does.
fn refusal(least: &str, who: Who) -> Option<u16> {
    let allowed = match least {
        "anyone" => return None,
        "login" => who >= Who::Stranger,
        "user" => who >= Who::Stranger && who != Who::Device,
        "ro" => who >= Who::Ro,
        "rw" => who >= Who::Rw,
        "admin" => who >= Who::Admin,
        "power" => who >= Who::Device,
        "site" => who == Who::Site,
        "device" => who == Who::Device,
        other => panic!("{other}"),
    };
    match who {
        Who::Anonymous | Who::Unknown | Who::Expired => Some(401),
        Who::Disabled => Some(402),
        _ => (!allowed).then_some(403),
    }
}

fn kinds() -> Vec<&'static str> {
    crate::kind::Kind::ALL.into_iter().map(crate::kind::Kind::plural).chain(["containers"]).collect()
}

fn fits(pattern: &str, path: &str) -> bool {
    let pattern = if pattern.starts_with('*') { format!("/{pattern}") } else { pattern.to_owned() };
    let (wanted, given): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let same =
        |(wanted, given): (&&str, &&str)| wanted == given || (*wanted == "*" && kinds().contains(given));
    wanted.len() == given.len() && wanted.iter().zip(&given).all(same)
}

fn least_for(method: &Method, path: &str) -> Option<&'static str> {
    TABLE.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (least, verb, pattern) = (words.next()?, words.next()?, words.next()?);
        (verb == method.as_str() && fits(pattern, path)).then_some(least)
    })
}

/// A site with one user of each sort.
struct Cast {
    api: Api,
    people: Vec<(Who, Person)>,
    ro: String,
    /// A role that allows nothing.
    nothing: String,
    gear: String,
    /// The job that runs and whose key is used.
    job: String,
}

impl Cast {
    async fn gather() -> Self {
        let api = Api::new().await;
        let mut people = vec![
            (Who::Anonymous, Person::Anonymous),
            (Who::Unknown, Person::Key("a-key-of-nobody".into())),
            (Who::Device, Person::Device),
        ];
        for (who, email) in [
            (Who::Disabled, "disabled@x.org"),
            (Who::Stranger, "stranger@x.org"),
            (Who::Roleless, "roleless@x.org"),
            (Who::GroupAdmin, "group-admin@x.org"),
            (Who::Ro, "ro@x.org"),
            (Who::Rw, "rw@x.org"),
            (Who::Admin, "admin@x.org"),
            (Who::Site, "site@x.org"),
        ] {
            people.push((who, api.user(email, who == Who::Site).await));
        }
        api.put("/users/disabled@x.org", json!({"disabled": true})).await.ok();
        let expire = |db: &rusqlite::Connection| {
            let past = "2020-01-01T00:00:00.000000+00:00";
            records::add_key(db, "site@x.org", "expired-key", "old", Some(past)).map(drop)
        };
        api.site.store().write(expire).await.unwrap();
        people.push((Who::Expired, Person::Key("expired-key".into())));
        let nothing = api.post("/roles", json!({"label": "nothing", "actions": []})).await.id();
        let (job, key) = Self::key_of_a_job(&api).await;
        people.push((Who::Reader, Person::Key(key)));
        people.sort_by_key(|(who, _)| *who);
        let ro = api.role("ro").await;
        let manifest = json!({
            "name": "count", "label": "Count", "description": "", "version": "1", "author": "x", "license": "MIT",
            "url": "", "source": "", "config": {}, "inputs": {},
        });
        let gear = api.post("/gears/count", json!({"gear": manifest})).await.id();
        Self { api, people, ro, nothing, gear, job }
    }

    /// A job that runs, and its key, which only reads.
    async fn key_of_a_job(api: &Api) -> (String, String) {
        let [.., session, _] = api.tree_in("jobs").await;
        let manifest = json!({
            "name": "reader", "label": "R", "description": "", "version": "1", "author": "x", "license": "MIT",
            "url": "", "source": "", "config": {}, "inputs": {"key": {"base": "api-key", "read-only": true}},
        });
        let gear = api.post("/gears/reader", json!({"gear": manifest})).await.id();
        let order = json!({"gear_id": gear, "destination": {"type": "session", "id": session}});
        let job = api.post("/jobs/add", order).await.id();
        let ask = json!({"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"jobs": 1}});
        api.call(&Person::Device, Method::POST, "/jobs/ask", Some(ask)).await.ok();
        let config = api.get(&format!("/jobs/{job}/config.json")).await.ok();
        let key = config["inputs"]["key"]["key"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        (job, key)
    }

    /// Keeps the job running whose key is used.
    async fn beat(&self) {
        let path = format!("/jobs/{}/heartbeat", self.job);
        self.api.call(&Person::Device, Method::PUT, &path, None).await.ok();
    }
}

/// A hierarchy in which the members have their levels.
struct Stage {
    group: String,
    project: String,
    subject: String,
    session: String,
    acquisition: String,
    analysis: String,
    collection: String,
    file: String,
    gear: String,
    job: String,
}

impl Stage {
    async fn build(cast: &Cast, number: usize) -> Self {
        let api = &cast.api;
        let [group, project, subject, session, acquisition] = api.tree_in(&format!("group-{number}")).await;
        let collection = api.post("/collections", json!({"label": "c"})).await.id();
        for level in ["ro", "rw", "admin"] {
            let entry = json!({"_id": format!("{level}@x.org"), "access": level});
            for path in [
                format!("/groups/{group}"),
                format!("/projects/{project}"),
                format!("/collections/{collection}"),
            ] {
                api.post(&format!("{path}/permissions"), entry.clone()).await.ok();
            }
        }
        let entry = json!({"_id": "group-admin@x.org", "access": "admin"});
        api.post(&format!("/groups/{group}/permissions"), entry).await.ok();
        api.post(&format!("/groups/{group}/roles"), json!({"_id": cast.nothing})).await.ok();
        let entry = json!({"_id": "roleless@x.org", "role_ids": [cast.nothing]});
        api.post(&format!("/projects/{project}/permissions"), entry).await.ok();
        let uploaded = api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.ok();
        let file = uploaded[0]["file_id"].as_str().unwrap().to_owned();
        let gear = cast.gear.clone();
        api.post(&format!("/gears/{gear}/enable"), json!(null)).await.ok();
        let job = json!({"gear_id": gear, "destination": {"type": "acquisition", "id": acquisition}});
        let job = api.post("/jobs/add", job).await.id();
        let analysis = String::new();
        let mut stage =
            Self { group, project, subject, session, acquisition, analysis, collection, file, gear, job };
        stage.analysis = stage.analysis_of(api, "sessions").await;
        stage
    }

    fn of_kind(&self, kind: &str) -> &str {
        match kind {
            "groups" => &self.group,
            "projects" => &self.project,
            "subjects" => &self.subject,
            "sessions" => &self.session,
            "acquisitions" | "containers" => &self.acquisition,
            "analyses" => &self.analysis,
            "collections" => &self.collection,
            "users" => "victim@x.org",
            "gears" => &self.gear,
            "jobs" => &self.job,
            _ => "ffffffffffffffffffffffff",
        }
    }

    async fn analysis_of(&self, api: &Api, kind: &str) -> String {
        api.post(&format!("/{kind}/{}/analyses", self.of_kind(kind)), json!({"label": "a"})).await.id()
    }

    /// The path with real ids.
    async fn fill(&self, cast: &Cast, template: &str) -> String {
        let kind = template.split('/').nth(1).unwrap();
        // Views belong to a project, not to what lies in it.
        let of_project = template.ends_with("/{id}/views") || template.contains("/visited_projects/");
        let id = if of_project { &self.project } else { self.of_kind(kind) };
        // Series are shared by all versions, so their calls have the name of the gear.
        let series = ["/series", "/permissions"].iter().any(|part| template.contains(part));
        let id = if kind == "gears" && series { "count" } else { id };
        let mut path = template.replace("{id}", id).replace("{file_id}", &self.file);
        if kind == "views" && !template.contains('{') {
            path = format!("{path}?containerId={}", self.project);
        }
        if path.contains("{analysis}") {
            path = path.replace("{analysis}", &self.analysis_of(&cast.api, kind).await);
        }
        if path.ends_with("/packfile") || path.ends_with("/packfile-end") {
            let metadata = self.packfile_metadata().to_string();
            let metadata =
                percent_encoding::utf8_percent_encode(&metadata, percent_encoding::NON_ALPHANUMERIC);
            path = format!("{path}?token=none&metadata={metadata}&file_count=1");
        }
        if path.ends_with("/restore") {
            path.push_str("?version=1");
        }
        if path.ends_with("/ids") {
            path.push_str("?ids=ffffffffffffffffffffffff");
        }
        if path.ends_with("/legacy-usage") {
            path.push_str("?type=month");
        }
        path.replace("{kind}/{container}", &format!("acquisitions/{}", self.acquisition))
            .replace("{user}", "admin@x.org")
            .replace("{cname}", "acquisitions")
            .replace("{version}", "1")
            .replace("{action}", "tags_view")
            .replace("{state}", "pending")
            .replace("{name}", "a.txt")
            .replace("{role}", &cast.ro)
            .replace("{value}", "t")
            .replace(['{', '}'], "")
            .replace("/notes/note", "/notes/ffffffffffffffffffffffff")
    }

    fn packfile_metadata(&self) -> Value {
        json!({
            "project": {"_id": self.project}, "session": {"label": "s"}, "acquisition": {"label": "a"},
            "packfile": {"type": "dicom"},
        })
    }

    /// A body that a call can get as far as the permission with.
    fn body(&self, cast: &Cast, method: &Method, template: &str) -> Option<Value> {
        let last = template.rsplit('/').next().unwrap();
        let key = format!("{method} {last}");
        let body = match key.as_str() {
            "POST copy" => match template.split('/').nth(1).unwrap() {
                "projects" => json!({"filter": {}, "group_id": self.group, "project_label": "copied"}),
                "subjects" => {
                    json!({"filter": {}, "dst_project_id": self.project, "dst_subject_label": "copied"})
                }
                "sessions" => json!({"filter": {}, "dst_subject_id": self.subject}),
                _ => json!({"filter": {}, "dst_session_id": self.session}),
            },
            _ if template.starts_with("/bulk/move") => {
                let (to, source, destination) = match last {
                    "sessions" => ("projects", &self.session, &self.project),
                    "acquisitions" => ("sessions", &self.acquisition, &self.session),
                    _ => ("projects", &self.subject, &self.project),
                };
                json!({
                    "destination_container_type": to, "sources": [source], "destinations": [destination],
                    "conflict_mode": "skip",
                })
            }
            "POST groups" => json!({"_id": "new-group", "label": "x"}),
            "POST projects" if template.starts_with("/dimse") => json!({"project_id": self.project}),
            "POST projects" => json!({"label": "x", "group": self.group}),
            "POST subjects" => json!({"label": "x", "project": self.project}),
            "POST sessions" => json!({"label": "x", "project": self.project, "subject": {"label": "y"}}),
            "POST acquisitions" => json!({"label": "x", "session": self.session}),
            "POST collections" | "POST analyses" => json!({"label": "x"}),
            "POST users" => json!({"_id": "new@x.org", "firstname": "x", "lastname": "y"}),
            "POST devices" => json!({"label": "x", "type": "y"}),
            "POST reports" => json!({"project_id": self.project, "label": "x"}),
            "POST providers" => json!({
                "label": "x", "provider_class": "storage", "provider_type": "aws", "creds": {}, "config": {},
            }),
            "PUT {id}" if template.starts_with("/custom_filters") => {
                json!({"filter": "a=1", "view": "tasks", "label": "x"})
            }
            "POST custom_filters" => json!({"filter": "a=1", "view": "tasks", "label": "x"}),
            "POST staffing_pools" => json!({"users": [], "label": "x"}),
            "PUT staffing_pools" => json!({"pools": []}),
            "POST protocols" => json!({
                "label": "x", "protocol_config": {"longitudinal": false}, "group_id": self.group, "task_type": "R",
            }),
            "POST customforms" => json!({
                "label": "x", "context": "reader", "group": self.group, "saved_json_text": "{}",
            }),
            "PUT {id}" if template.starts_with("/protocols") => json!({"notes": "x"}),
            "POST reader" => json!({
                "subcategory": "x", "status": "todo", "due_date": "2030-01-01", "priority": "low",
                "parent_ref": {"type": "session", "id": self.session}, "protocol_id": "ffffffffffffffffffffffff",
            }),
            "POST adjudication" => json!({
                "parent_ref": {"type": "session", "id": self.session}, "protocol_id": "ffffffffffffffffffffffff",
            }),
            "POST batch" if template.contains("/adjudication/") => json!({
                "project_id": self.project, "protocol_id": "ffffffffffffffffffffffff",
                "filters": {"container_type": "session"},
            }),
            "POST batch" if template.starts_with("/tasks") => json!({
                "project_id": self.project, "protocol_id": "ffffffffffffffffffffffff",
                "filters": {"container_type": "session"},
                "subcategory": "x",
            }),
            "PUT assign" | "POST clone" | "POST complete" => json!({}),
            "PUT {id}" if template.starts_with("/tasks") => json!({"priority": "low"}),
            "POST responses" | "PUT {response}" => {
                json!({"task_id": "ffffffffffffffffffffffff", "data": {}})
            }
            "PATCH {id}" => json!({"status": "canceled"}),
            "POST services" => json!({"host": "x", "port": 1}),
            "PUT preferences" => json!({"a": 1}),
            "POST master-code" => json!({"patient_id": "x", "use_patient_id": true}),
            "POST containers" => json!({"container_type": "project", "label": "x", "group": self.group}),
            "POST lock" => json!({"reason": "other"}),
            "POST template" => json!({"templates": []}),
            "PUT settings" if !template.starts_with("/site") => json!({"external_routing_id": "x"}),
            "POST tree" => json!({"projects": {"fields": []}}),
            "PUT check" => json!({"actions": ["tags_view"], "container_ids": [self.project]}),
            "POST roles" if template.starts_with("/groups") => json!({"_id": cast.ro}),
            "POST roles" => json!({"label": "x", "actions": []}),
            "POST modalities" => json!({"_id": "XX"}),
            "POST permissions" | "POST templates" => json!({"_id": "stranger@x.org", "role_ids": [cast.ro]}),
            "POST tags" if template.starts_with("/bulk") => {
                json!({"container_type": "session", "sources": [self.session], "tags": ["t"]})
            }
            "POST tags" | "PUT {value}" => json!({"value": "u"}),
            "PATCH tags" | "DELETE tags" | "PUT tags" => json!(["t"]),
            "POST notes" | "PUT {note}" => json!({"text": "x"}),
            "PATCH info" | "POST info" if template.starts_with("/files") => json!({"a": 1}),
            "PATCH info" | "POST info" => json!({"set": {"a": 1}}),
            "PUT info" => json!({"a": 1}),
            "PATCH classification" | "POST classification" | "PUT classification" => {
                json!({"add": {"Custom": ["x"]}})
            }
            "PUT {name}" | "PUT {file_id}" => json!({"type": "text"}),
            "POST move" => json!({"name": "b.txt"}),
            "POST views" | "POST queue" | "POST data" => {
                json!({"label": "x", "columns": [{"src": "subject.label"}]})
            }
            "POST save" if template.starts_with("/views") => json!({
                "view": {"columns": [{"src": "subject.label"}]}, "filename": "v.json",
                "containerType": "project", "containerId": self.project,
            }),
            "POST files" | "POST upsert-file" => json!({
                "provider_id": "5ca1ab1e0000000000000001", "uuid": "00000000-0000-4000-8000-000000000000",
                "name": "x", "size": 1, "parent_ref": {"type": "project", "id": self.project},
                "origin": {"type": "user", "id": "x"},
            }),
            "POST upsert-hierarchy" => {
                json!({"origin": {"type": "user", "id": "x"}, "subject": {"label": "upserted"}})
            }
            "POST packfile-end" => json!({"token": "none", "metadata": self.packfile_metadata()}),
            "POST {cname}" if template.contains("copy") => json!({
                "destination_container_type": "sessions", "sources": [self.acquisition],
                "destinations": [self.session], "filter": {},
            }),
            "POST {cname}" => json!([self.acquisition]),
            "PUT bookmark-list" => json!([]),
            "PUT settings" => json!({"center_gears": []}),
            "PUT self" => json!({"version": "1"}),
            "POST batch" => {
                json!({"gear_id": self.gear, "targets": [{"type": "session", "id": self.session}]})
            }
            "POST jobs" => json!({"jobs": [{
                "gear_id": self.gear, "destination": {"type": "acquisition", "id": self.acquisition},
            }]}),
            "POST add" | "POST determine_provider" => json!({
                "gear_id": self.gear, "destination": {"type": "acquisition", "id": self.acquisition},
            }),
            "POST ask" | "POST {state}" => json!({
                "whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"states": true},
            }),
            "PUT priority" => json!({"job_ids": [self.job], "priority": "high"}),
            "PUT bulk" => json!([self.job]),
            "PUT {id}" if template.starts_with("/jobs") => json!({"state": "cancelled"}),
            "PUT {id}" if template.starts_with("/users") => json!({"firstname": "x"}),
            "POST rules" | "PUT {rule}" => json!({
                "gear_id": "f".repeat(24), "name": "x", "any": [{"type": "file.type", "value": "x"}],
            }),
            "PUT {id}" => json!({"label": "x"}),
            "DELETE files" => json!([self.file]),
            "POST resolve" | "POST lookup" => json!({"path": [self.group, "study"]}),
            "POST summary" => json!([{"level": "project", "_id": self.project}]),
            "POST download" | "POST targets" => {
                json!({"optional": false, "nodes": [{"level": "project", "_id": self.project}]})
            }
            _ if *method == Method::DELETE && template.matches('/').count() == 1 => {
                json!([self.of_kind(last)])
            }
            _ => return None,
        };
        Some(body)
    }
}

#[tokio::test]
async fn every_call_is_open_to_its_least_caller_and_to_nobody_below() {
    let cast = Cast::gather().await;
    let mut wrong = Vec::new();
    // What only reads leaves the hierarchy as it was for the next.
    let mut kept: Option<Stage> = None;
    for (number, route) in router::routes().into_iter().enumerate() {
        let Some(least) = least_for(&route.method, &route.path) else {
            wrong.push(format!("{} {}: not in the table of this test", route.method, route.path));
            continue;
        };
        cast.beat().await;
        let stage = match kept.take() {
            Some(stage) if route.method == Method::GET => stage,
            _ => Stage::build(&cast, number).await,
        };
        let path = stage.fill(&cast, &route.path).await;
        let body = stage.body(&cast, &route.method, &route.path);
        for who in CALLERS {
            let person = &cast.people.iter().find(|(one, _)| *one == who).unwrap().1;
            let upload = route.method == Method::POST
                && route.path.contains("{id}/")
                && route.path.ends_with("/files");
            let answer = if upload {
                cast.api.file(person, path.trim_end_matches("/files"), "new.txt", "x").await
            } else {
                cast.api.call(person, route.method.clone(), &path, body.clone()).await
            };
            let status = answer.status.as_u16();
            let refused = match treated(who, &route.method, &route.path) {
                Some(who) => refusal(least, who),
                None => (least != "anyone").then_some(403),
            };
            let right = match refused {
                Some(refused) => status == refused,
                // Who shows a key shows one that is good, also where none is asked for.
                None if matches!(who, Who::Unknown | Who::Expired) && status == 401 => true,
                None => !matches!(status, 401..=403 | 405 | 500..),
            };
            if !right {
                wrong.push(format!("{} {}: {who:?} got {status} {}", route.method, route.path, answer.body));
            }
        }
        kept = (route.method == Method::GET).then_some(stage);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
