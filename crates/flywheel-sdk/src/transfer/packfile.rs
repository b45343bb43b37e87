//! Many small files, such as those of one scan, that become one zip file of an acquisition.

use flywheel_api::{OperationId, types::UploadTokenOutput};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Source, Upload};
use crate::{Client, Error, ErrorKind, Project, Request, Resource, call::Call};

/// Files that are on their way at the same time.
const AT_ONCE: usize = 4;

/// Where the files went together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Packed {
    /// The id of the session.
    pub session_id: Option<String>,
    /// The id of the acquisition that has the zip file.
    pub acquisition_id: Option<String>,
}

impl Project {
    /// Sends many files that the site packs into `LABEL.zip` of an acquisition, made where it is not there.
    ///
    /// `metadata` names the session and the acquisition, and says of what type the zip file is. Nothing shows on the site
    /// before all files are there; when one fails, the site throws the others away in its own time.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let site = flywheel_local::Site::builder().open().await?;
    /// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
    /// # let fw = flywheel::Client::new(running.api_key())?;
    /// # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    /// use flywheel::Source;
    /// use serde_json::json;
    ///
    /// let slices = (1..=3).map(|n| Source::bytes(format!("{n}.dcm"), format!("slice {n}")));
    /// let place = json!({
    ///     "session": {"label": "ses-01", "subject": {"code": "sub-01"}},
    ///     "acquisition": {"label": "T1w"},
    ///     "packfile": {"type": "dicom"},
    /// });
    /// project.upload_packfile(slices, place).await?;
    ///
    /// let scan = project.acquisitions().find_one().await?;
    /// assert_eq!(scan.file("T1w.zip").await?.zip().await?.members.len(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As an upload, and [`ErrorKind::Invalid`] when `metadata` is no object.
    pub fn upload_packfile(
        &self,
        sources: impl IntoIterator<Item = impl Into<Source>>,
        metadata: impl serde::Serialize,
    ) -> Request<'static, Packed> {
        let project = self.id().to_owned();
        let sources: Vec<Source> = sources.into_iter().map(Into::into).collect();
        let metadata = crate::edit::as_object("the metadata of a packfile", metadata);
        Request::new(self.client(), move |raw| async move {
            let client = Client::from(raw.clone());
            let mut metadata = metadata?;
            metadata.insert("project".to_owned(), json!({"_id": project}));
            let begun: UploadTokenOutput =
                Call::new(OperationId::StartProjectPackfileUpload).at(&project).send(&raw).await?;
            let token = begun.token.unwrap_or_default();
            let count = sources.len();
            let sends = sources.into_iter().map(|source| {
                let operation = Ok(OperationId::ProjectPackfileUpload);
                Upload::new(&client, operation, vec![project.clone()], vec![source], |_, _| Ok(()))
                    .query("token", token.clone())
                    .direct(false)
            });
            let sends: Vec<_> = sends.map(IntoFuture::into_future).collect();
            stream::iter(sends).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            let body = json!({"token": token, "metadata": metadata, "file_count": count});
            let packed: Value = Call::new(OperationId::FinishProjectPackfileUpload)
                .at(&project)
                .sending(body)
                .send(&raw)
                .await?;
            serde_json::from_value(packed).map_err(|_| {
                Error::new(ErrorKind::Decode, "the site does not say where it put the files")
                    .with_may_have_executed(true)
            })
        })
    }
}
