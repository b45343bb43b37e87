//! A local site with a client for each test, and a small study on it.

use flywheel::{Acquisition, Client, Group, Project, Session, Subject};
use flywheel_local::{Running, Site};

/// A site of its own for one test; it goes when this is dropped.
pub(crate) struct Bench {
    pub(crate) fw: Client,
    pub(crate) site: Site,
    pub(crate) running: Running,
}

/// One of each level.
pub(crate) struct Study {
    pub(crate) group: Group,
    pub(crate) project: Project,
    pub(crate) subject: Subject,
    pub(crate) session: Session,
    pub(crate) acquisition: Acquisition,
}

impl Bench {
    pub(crate) async fn open() -> Self {
        let site = Site::builder().open().await.unwrap();
        let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let fw = Client::new(running.api_key()).unwrap();
        Self { fw, site, running }
    }

    /// A client in the name of another user.
    pub(crate) async fn user(&self, email: &str, admin: bool) -> Client {
        let secret = self.site.add_user(email, admin).await.unwrap();
        Client::new(self.running.key(&secret)).unwrap()
    }

    pub(crate) async fn project(&self) -> Project {
        let group = self.fw.add_group("neuro", "Neuro Lab").await.unwrap();
        group.add_project("Color Study").await.unwrap()
    }

    pub(crate) async fn study(&self) -> Study {
        let project = self.project().await;
        let group = project.group().await.unwrap();
        let subject = project.add_subject("sub-01").sex("female").await.unwrap();
        let session = subject.add_session("ses-01").age(1_341_198_000).await.unwrap();
        let acquisition = session.add_acquisition("T1w").await.unwrap();
        Study { group, project, subject, session, acquisition }
    }
}
