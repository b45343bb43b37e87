//! A local site in this process: a free loopback port, a temporary folder, and users with keys.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::middleware;
use flywheel_description::Recorder;
use flywheel_local::{Engine, Site, SiteBuilder};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::http::{Call, Client};

/// Everyone with a key: name, user id, whether a site administrator.
const USERS: [(&str, &str, bool); 6] = [
    ("admin", "admin@example.org", true),
    ("root", "root@example.org", true),
    ("ann", "ann@example.org", false),
    ("bob", "bob@example.org", false),
    ("cat", "cat@example.org", false),
    ("eve", "eve@example.org", false),
];

/// What a device proves itself with.
pub const DRONE_SECRET: &str = "the-drone-secret";

/// A running site. Dropping it stops the site, and fails the test when an answer did not fit the
/// description.
pub struct LocalSite {
    runtime: Runtime,
    client: Client,
    recorder: Arc<Recorder>,
    _site: Site,
    _data: TempDir,
}

impl LocalSite {
    /// Starts an empty site.
    ///
    /// # Panics
    ///
    /// When the site cannot be started.
    #[must_use]
    pub fn start() -> Self {
        Self::open(|builder, _| builder)
    }

    /// Starts an empty site that asks its clients to send files to signed URLs.
    ///
    /// # Panics
    ///
    /// When the site cannot be started.
    #[must_use]
    pub fn start_signed() -> Self {
        Self::open(|builder, _| builder.signed_uploads(true))
    }

    /// Starts an empty site that runs its jobs.
    ///
    /// # Panics
    ///
    /// When the site cannot be started.
    #[must_use]
    pub fn start_with_engine(engine: Engine) -> Self {
        Self::open(|builder, address| builder.engine(engine.address(address.to_string())))
    }

    fn open(configure: impl FnOnce(SiteBuilder, SocketAddr) -> SiteBuilder) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let recorder = Arc::new(Recorder::default());
        let (site, client) = runtime.block_on(open(data.path(), configure, Arc::clone(&recorder)));
        Self { runtime, client, recorder, _site: site, _data: data }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// What the site answered so far, held against the description.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The secret part of a user's key.
    ///
    /// # Panics
    ///
    /// When there is no such user.
    #[must_use]
    pub fn secret(&self, name: &str) -> &str {
        self.client.secret(name)
    }

    /// The id of a user.
    ///
    /// # Panics
    ///
    /// When there is no such user.
    #[must_use]
    pub fn email(&self, name: &str) -> &'static str {
        USERS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, email, _)| *email)
            .unwrap_or_else(|| panic!("no user {name}"))
    }

    /// What a conformance program is told about the site.
    #[must_use]
    pub fn document(&self) -> Value {
        let address = self.address();
        let keys = self.client.keys().iter();
        let keys: serde_json::Map<String, Value> = keys
            .map(|(name, secret)| (name.clone(), format!("{address}:__force_insecure:{secret}").into()))
            .collect();
        let emails: serde_json::Map<String, Value> =
            USERS.iter().map(|(name, email, _)| ((*name).to_owned(), (*email).into())).collect();
        json!({
            "url": format!("http://{address}"),
            "keys": keys,
            "emails": emails,
            "drone_secret": DRONE_SECRET,
        })
    }

    /// Begins a request. `path` begins after `/api`.
    pub fn call(&self, method: Method, path: &str) -> Call {
        self.client.call(method, path)
    }

    /// Begins a GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// Begins a POST.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// Creates something as the administrator and answers its id.
    ///
    /// # Panics
    ///
    /// When the site refuses.
    #[must_use]
    #[track_caller]
    pub fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.post(path).as_user("admin").json(body).send().expect(200);
        answer.json()["_id"].as_str().expect("a creation answers the id").to_owned()
    }

    /// Runs a future on the site's runtime.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

impl Drop for LocalSite {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.recorder.assert_clean();
        }
    }
}

async fn open(
    data: &std::path::Path,
    configure: impl FnOnce(SiteBuilder, SocketAddr) -> SiteBuilder,
    recorder: Arc<Recorder>,
) -> (Site, Client) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let builder =
        Site::builder().data(data).admin_key("the-key-of-nobody-in-these-tests").drone_secret(DRONE_SECRET);
    let site = configure(builder, address).open().await.expect("a site opens in an empty folder");
    let mut secrets = Vec::new();
    for (name, email, admin) in USERS {
        let secret = site.add_user(email, admin).await.expect("a user can be added");
        secrets.push((name.to_owned(), secret));
    }
    let router = site.router().layer(middleware::from_fn_with_state(recorder, flywheel_description::observe));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (site, Client::new(address, secrets))
}
