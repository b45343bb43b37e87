//! A local site with a notebook before it, and a client that writes into it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use flywheel::{Acquisition, Analysis, Client, Collection, Group, Project, Session, Source, Subject};
use flywheel_local::{Site, SiteBuilder};
use flywheel_tests::notebook::{Notebook, write_down};
use flywheel_tests::site::DRONE_SECRET;
use serde_json::Value;
use tokio::net::TcpListener;

pub(crate) struct Desk {
    pub(crate) fw: Client,
    pub(crate) site: Site,
    notebook: Arc<Notebook>,
    instead: Instead,
    address: SocketAddr,
}

/// A path and what is answered there instead of by the site.
type Instead = Arc<Mutex<Option<(String, Value)>>>;

/// One of each kind of container.
pub(crate) struct Study {
    pub(crate) group: Group,
    pub(crate) project: Project,
    pub(crate) subject: Subject,
    pub(crate) session: Session,
    pub(crate) acquisition: Acquisition,
    pub(crate) analysis: Analysis,
    pub(crate) collection: Collection,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(configure: impl FnOnce(SiteBuilder) -> SiteBuilder) -> Self {
        let site = configure(Site::builder().drone_secret(DRONE_SECRET)).open().await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let notebook = Arc::<Notebook>::default();
        let instead = Instead::default();
        let router =
            site.router().layer(middleware::from_fn_with_state(Arc::clone(&instead), answer_instead));
        let router = router.layer(middleware::from_fn_with_state(Arc::clone(&notebook), write_down));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let fw = client(address, site.admin_secret());
        Self { fw, site, notebook, instead, address }
    }

    /// A client in the name of another user.
    pub(crate) async fn user(&self, email: &str) -> Client {
        client(self.address, &self.site.add_user(email, false).await.unwrap())
    }

    /// The key of the site's administrator.
    pub(crate) fn key(&self) -> String {
        format!("{}:__force_insecure:{}", self.address, self.site.admin_secret())
    }

    /// The address of the API.
    pub(crate) fn api(&self) -> String {
        format!("http://{}/api", self.address)
    }

    pub(crate) async fn study(&self) -> Study {
        let group = self.fw.add_group("neuro", "Neuro Lab").await.unwrap();
        let project = group.add_project("Color Study").await.unwrap();
        let subject = project.add_subject("sub-01").await.unwrap();
        let session = subject.add_session("ses-01").await.unwrap();
        let acquisition = session.add_acquisition("T1w").await.unwrap();
        let analysis = session.add_analysis("fit").await.unwrap();
        let collection = self.fw.add_collection("Best of").await.unwrap();
        Study { group, project, subject, session, acquisition, analysis, collection }
    }

    /// From now on this is answered at a path: for what a local site cannot hold.
    pub(crate) fn answers(&self, path: &str, document: Value) {
        *self.instead.lock().unwrap() = Some((path.to_owned(), document));
    }

    pub(crate) fn begin(&self, heading: &str) {
        self.notebook.begin(heading);
    }

    pub(crate) fn end(&self) {
        self.notebook.end();
    }

    /// What was written down so far.
    pub(crate) fn text(&self) -> String {
        self.notebook.text()
    }

    /// Compares the notebook with the snapshot of this name.
    pub(crate) fn close(self, area: &str) {
        let faults = self.notebook.faults();
        assert!(faults.is_empty(), "requests that do not fit the description:\n{}", faults.join("\n"));
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(area, self.notebook.text());
        });
    }
}

async fn answer_instead(State(instead): State<Instead>, request: Request, next: Next) -> Response {
    let found = instead.lock().unwrap().clone().filter(|(path, _)| path == request.uri().path());
    match found {
        Some((_, document)) => Json(document).into_response(),
        None => next.run(request).await,
    }
}

fn client(address: SocketAddr, secret: &str) -> Client {
    Client::new(format!("{address}:__force_insecure:{secret}")).unwrap()
}

/// A small file.
pub(crate) fn nifti(name: &str) -> Source {
    Source::bytes(name, "voxels")
}

/// Sends what the expression says, under a heading that is the expression.
macro_rules! ask {
    ($desk:expr, $request:expr) => {{
        $desk.begin(stringify!($request));
        let answer = $request.await;
        $desk.end();
        answer.unwrap_or_else(|error| panic!("{}: {error} {error:?}", stringify!($request)))
    }};
}

/// Sends what the expression says, under a heading that is the expression, and gives why it failed.
macro_rules! refused {
    ($desk:expr, $request:expr) => {{
        $desk.begin(stringify!($request));
        let answer = $request.await;
        $desk.end();
        answer.unwrap_err()
    }};
}

pub(crate) use {ask, refused};
