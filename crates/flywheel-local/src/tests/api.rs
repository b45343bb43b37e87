//! A site for one test, and callers that speak to its router.

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode, header::AUTHORIZATION};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::Site;

/// The secret of the device that [`Api::device`] speaks as.
const DRONE: &str = "drone-secret";

/// A site in a temporary folder, spoken to by its administrator.
pub(crate) struct Api {
    pub(crate) site: Site,
    router: Router,
    root: Person,
}

/// A caller: no credentials, a key, or a device.
#[derive(Debug, Clone)]
pub(crate) enum Person {
    Anonymous,
    Key(String),
    Device,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// A 200 without a body.
    #[track_caller]
    pub(crate) fn empty(self) {
        assert_eq!((self.status.as_u16(), &self.body), (200, &Value::Null));
    }

    /// The id of something made.
    #[track_caller]
    pub(crate) fn id(self) -> String {
        self.ok()["_id"].as_str().unwrap().to_owned()
    }

    /// The message of an error with this status.
    #[track_caller]
    pub(crate) fn error(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["status_code"], status);
        assert_eq!(self.body["request_id"], self.headers["x-request-id"].to_str().unwrap());
        self.body["message"].as_str().unwrap().to_owned()
    }

    /// The values of a field in the rows of a list.
    #[track_caller]
    pub(crate) fn column(self, field: &str) -> Vec<String> {
        let body = self.ok();
        let rows = body.as_array().unwrap_or_else(|| body["results"].as_array().unwrap());
        rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Api {
    pub(crate) async fn new() -> Self {
        let site = Site::builder().admin_key("root").drone_secret(DRONE).open().await.unwrap();
        let router = site.router();
        Self { site, router, root: Person::Key("root".into()) }
    }

    /// Makes a user and answers it as a caller.
    pub(crate) async fn user(&self, email: &str, admin: bool) -> Person {
        Person::Key(self.site.add_user(email, admin).await.unwrap())
    }

    /// Any request.
    pub(crate) async fn call(
        &self,
        person: &Person,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api{path}"));
        request = match person {
            Person::Anonymous => request,
            Person::Key(key) => request.header(AUTHORIZATION, format!("scitran-user {key}")),
            Person::Device => request
                .header("X-SciTran-Auth", DRONE)
                .header("X-SciTran-Method", "scanner")
                .header("X-SciTran-Name", "one"),
        };
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// A request made by hand.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The body of an answer that is no JSON.
    pub(crate) async fn text(&self, request: Request<Body>) -> String {
        String::from_utf8(self.bytes(request).await).unwrap()
    }

    /// The body of an answer that need not be text.
    pub(crate) async fn bytes(&self, request: Request<Body>) -> Vec<u8> {
        let response = self.router.clone().oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().into()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&self.root, Method::GET, path, None).await
    }

    pub(crate) async fn get_as(&self, person: &Person, path: &str) -> Answer {
        self.call(person, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(&self.root, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(&self.root, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(&self.root, Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(&self.root, Method::DELETE, path, None).await
    }

    /// A list that is filtered.
    pub(crate) async fn filtered(&self, path: &str, filter: &str) -> Answer {
        let filter = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        self.get(&format!("{path}?filter={filter}")).await
    }

    pub(crate) async fn group(&self, id: &str) -> String {
        self.post("/groups", json!({"_id": id, "label": id})).await.id()
    }

    pub(crate) async fn project(&self, group: &str, label: &str) -> String {
        self.post("/projects", json!({"label": label, "group": group})).await.id()
    }

    pub(crate) async fn subject(&self, project: &str, label: &str) -> String {
        self.post("/subjects", json!({"label": label, "project": project})).await.id()
    }

    pub(crate) async fn session(&self, project: &str, subject: &str, label: &str) -> String {
        self.post("/sessions", json!({"label": label, "project": project, "subject": subject})).await.id()
    }

    pub(crate) async fn acquisition(&self, session: &str, label: &str) -> String {
        self.post("/acquisitions", json!({"label": label, "session": session})).await.id()
    }

    /// One of each level: group `lab`, then `study`, `sub-1`, `ses-1`, `t1`. The ids in that order.
    pub(crate) async fn tree(&self) -> [String; 5] {
        self.tree_in("lab").await
    }

    /// As [`Api::tree`] in a group of another name.
    pub(crate) async fn tree_in(&self, group: &str) -> [String; 5] {
        let group = self.group(group).await;
        let project = self.project(&group, "study").await;
        let subject = self.subject(&project, "sub-1").await;
        let session = self.session(&project, &subject, "ses-1").await;
        let acquisition = self.acquisition(&session, "t1").await;
        [group, project, subject, session, acquisition]
    }

    /// A file of a few bytes in a container.
    pub(crate) async fn file(&self, person: &Person, path: &str, name: &str, text: &str) -> Answer {
        let part = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{text}\r\n--b--\r\n"
        );
        let request = Request::post(format!("/api{path}/files"))
            .header("content-type", "multipart/form-data; boundary=b");
        let request = match person {
            Person::Key(key) => request.header(AUTHORIZATION, format!("scitran-user {key}")),
            Person::Device => request
                .header("X-SciTran-Auth", DRONE)
                .header("X-SciTran-Method", "scanner")
                .header("X-SciTran-Name", "one"),
            Person::Anonymous => request,
        };
        self.send(request.body(Body::from(part)).unwrap()).await
    }

    /// The administrator.
    pub(crate) fn root(&self) -> &Person {
        &self.root
    }

    /// The built-in role of a level.
    pub(crate) async fn role(&self, level: &str) -> String {
        let roles = self.get("/roles").await.ok();
        let role =
            roles.as_array().unwrap().iter().find(|role| role["default_flywheel_role"] == level).unwrap();
        role["_id"].as_str().unwrap().to_owned()
    }
}
