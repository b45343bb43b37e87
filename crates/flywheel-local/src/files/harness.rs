//! A site in process, a small hierarchy on it, and calls without a socket: what the tests of files, archives and paths share.
#![allow(clippy::unwrap_used)]

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::Site;

/// A site with the hierarchy `lab/Study/sub-01/ses-01/T1w`.
pub(crate) struct Bench {
    pub(crate) site: Site,
    router: Router,
    key: String,
    pub(crate) project: String,
    pub(crate) subject: String,
    pub(crate) session: String,
    pub(crate) acquisition: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {:?}", self.bytes))
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(&name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer's JSON; panics with what was said when it is an error.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {:?}", self.status, self.bytes);
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// The message of an error with this status.
    pub(crate) fn refused(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.bytes);
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::of(Site::builder().admin_key("admin-secret").open().await.unwrap()).await
    }

    pub(crate) async fn of(site: Site) -> Self {
        let router = site.router();
        let none = String::new;
        let key = site.admin_secret().to_owned();
        let mut bench = Self {
            site,
            router,
            key,
            project: none(),
            subject: none(),
            session: none(),
            acquisition: none(),
        };
        bench.post("/groups", json!({"_id": "lab", "label": "Lab"})).await.ok();
        bench.project = bench.add("/projects", json!({"label": "Study", "group": "lab"})).await;
        let project = bench.project.clone();
        bench.subject = bench.add("/subjects", json!({"label": "sub-01", "project": project})).await;
        let subject = json!({"_id": bench.subject});
        let session = json!({"label": "ses-01", "project": project, "subject": subject});
        bench.session = bench.add("/sessions", session).await;
        bench.acquisition =
            bench.add("/acquisitions", json!({"label": "T1w", "session": bench.session})).await;
        bench
    }

    /// A site that was opened anew, with what is in it already.
    pub(crate) fn again(site: Site, project: String) -> Self {
        let (router, key, none) = (site.router(), site.admin_secret().to_owned(), String::new);
        Self { site, router, key, project, subject: none(), session: none(), acquisition: none() }
    }

    /// The same site as another user sees it, who has a role of this level in the project; `None` is no role at all.
    pub(crate) async fn as_user(&self, email: &str, level: Option<&str>) -> Self {
        let key = self.site.add_user(email, false).await.unwrap();
        if let Some(level) = level {
            let roles = self.get("/roles").await.ok();
            let role =
                roles.as_array().unwrap().iter().find(|role| role["default_flywheel_role"] == level).unwrap();
            let entry = json!({"_id": email, "role_ids": [role["_id"]]});
            self.post(&format!("/projects/{}/permissions", self.project), entry).await.ok();
        }
        Self {
            site: Site::builder().open().await.unwrap(),
            router: self.router.clone(),
            key,
            project: self.project.clone(),
            subject: self.subject.clone(),
            session: self.session.clone(),
            acquisition: self.acquisition.clone(),
        }
    }

    pub(crate) async fn add(&self, path: &str, body: Value) -> String {
        self.post(path, body).await.ok()["_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let url = format!("/api{path}");
        let key = format!("scitran-user {}", self.key);
        Request::builder()
            .method(method)
            .uri(url)
            .header(header::AUTHORIZATION, key)
            .header(header::HOST, "site.test")
    }

    pub(crate) async fn stream(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.stream(request).await.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// A request without a login.
    pub(crate) async fn anonymous(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let request =
            Request::builder().method(method).uri(format!("/api{path}")).header(header::HOST, "site.test");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// A GET with headers of its own.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
        let request =
            headers.iter().fold(self.request(Method::GET, path), |r, (name, value)| r.header(name, *value));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Files by multipart, with metadata behind them when there is any.
    pub(crate) async fn upload(
        &self,
        path: &str,
        files: &[(&str, &[u8])],
        metadata: Option<Value>,
    ) -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in files {
            body.extend(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"");
            let name = name.replace('"', "%22");
            body.extend([name.as_bytes(), b"\"\r\n\r\n", bytes, b"\r\n"].concat());
        }
        if let Some(metadata) = metadata {
            let text = metadata.to_string();
            body.extend(
                [b"--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n", text.as_bytes()]
                    .concat(),
            );
            body.extend(b"\r\n");
        }
        body.extend(b"--b--\r\n");
        let request =
            self.request(Method::POST, path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// One file into the acquisition; answers its document.
    pub(crate) async fn put(&self, name: &str, bytes: &[u8]) -> Value {
        let path = format!("/acquisitions/{}/files", self.acquisition);
        self.upload(&path, &[(name, bytes)], None).await.ok()[0].clone()
    }

    /// The path of a file of the acquisition.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("/acquisitions/{}/files/{name}", self.acquisition)
    }
}
