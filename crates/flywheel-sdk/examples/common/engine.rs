//! For examples about gears that have run: an analysis gear without inputs, and its runs, without an engine.

use flywheel::{Client, Gear, JobState, OperationId, Session};
use flywheel_api::{
    support::multipart::{Content, Form},
    transport::RawRequest,
};
use serde_json::{Value, json};

use super::common::Failure;

/// An engine that runs nothing: it says of jobs how they ended.
pub(crate) struct Engine {
    client: Client,
}

impl Engine {
    /// An engine of the site of an administrator's client.
    pub(crate) async fn new(fw: &Client) -> Result<Self, Failure> {
        let secret = super::common::DRONE_SECRET.into();
        let client = Client::device_login(fw.base_url().to_owned(), secret, "engine", "example").await?;
        Ok(Self { client })
    }

    /// A run of a gear on a session that left a file, if any, and ended in a state.
    pub(crate) async fn run(
        &self,
        gear: &Gear,
        on: &Session,
        result: Option<(&str, Vec<u8>)>,
        end: &JobState,
    ) -> Result<(), Failure> {
        let run = gear.invoke().destination(on).run().await?;
        let id = run.job().await?.ok_or("every run has a job")?.id().to_owned();
        let mut job = self.client.jobs().get(&id).await?;
        job.change_state(JobState::Running).await?;
        if let Some((name, bytes)) = result {
            let upload = RawRequest::of(OperationId::EngineUpload.operation(), &[])?
                .query("level", "analysis")
                .query("id", run.id())
                .query("job", &id)
                .form(Form::new().file("file", name, Content::from(bytes)));
            self.client.raw().transport().send_json::<Value>(&upload).await?;
        }
        job.change_state(end.clone()).await?;
        Ok(())
    }
}

/// An analysis gear of a name.
pub(crate) async fn gear(fw: &Client, name: &str) -> Result<Gear, Failure> {
    let manifest = json!({
        "name": name, "label": name, "description": "Takes nothing and leaves results.", "version": "1.0.0",
        "author": "Jo", "license": "MIT", "url": "", "source": "", "config": {}, "inputs": {},
    });
    let exchange = json!({"git-commit": "local", "rootfs-hash": "sha384:0", "rootfs-url": "docker://none"});
    Ok(fw.add_gear(json!({"category": "analysis", "gear": manifest, "exchange": exchange})).await?)
}
