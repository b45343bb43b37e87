//! Files: what they are, what is known about them, and the versions they went through.
//!
//! Moving bytes is in [`transfer`](crate::transfer); this is about the rest.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let session = project.add_subject("sub-01").await?.add_session("baseline").await?;
//! # let acquisition = session.add_acquisition("T1w").await?;
//! # acquisition.upload(flywheel::Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//! let mut file = acquisition.file("t1.nii.gz").await?;
//! file.update().file_type("nifti").modality("MR").await?;
//! file.classification().replace([("Measurement", ["T1"]), ("Intent", ["Structural"])]).await?;
//! file.tags().add(["reviewed"]).await?;
//! assert_eq!((file.size(), file.version()), (24, 1));
//!
//! // A second upload of the name is a second version; the first one stays.
//! let second = acquisition.upload(flywheel::Source::bytes("t1.nii.gz", "a better volume")).await?;
//! assert_eq!((second.id(), second.version()), (file.id(), 2));
//! let first = second.at_version(1).await?;
//! assert_eq!(first.download().bytes().await?.len(), 24);
//! # Ok(())
//! # }
//! ```

mod change;
mod classification;

pub use change::FileUpdate;
pub use classification::Classify;

use flywheel_api::{OperationId, types::FileVersionOutput};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    ContainerRef, Error, ErrorKind, Kind, Moment, Node, Request, Result,
    call::Call,
    container::{info_access, info_methods},
    edit::{Change, Delete, Described, Tagged, Tags, info_call},
    resource::{resource, sealed::Parts},
};

resource! {
    /// A file of a container. Its [`id`](Self::id) is the same for all its versions.
    File: FileOutput, cursor file_id
}

info_methods!(File);

/// Points at a file by its container and its name: `{"type": "session", "id": "…", "name": "events.tsv"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileRef {
    /// What the container is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The id of the container.
    pub id: String,
    /// The name of the file in it.
    pub name: String,
}

impl File {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Its size in bytes; 0 when the site does not say.
    pub fn size(&self) -> u64 {
        self.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default()
    }

    /// Its version, from 1.
    pub fn version(&self) -> u32 {
        self.version.and_then(|version| u32::try_from(version).ok()).unwrap_or_default()
    }

    /// Its type, such as `dicom` or `nifti`.
    pub fn file_type(&self) -> Option<&str> {
        self.type_.as_deref()
    }

    /// The container it hangs on.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the document does not say it.
    pub fn parent_ref(&self) -> Result<ContainerRef> {
        let parent = self.parent_ref.as_ref();
        let kind = parent.and_then(|parent| parent.type_.as_deref()?.parse().ok());
        let id = parent.and_then(|parent| parent.id.clone());
        let named = kind.zip(id).map(|(kind, id)| ContainerRef::new(kind, id));
        named.or_else(|| self.nearest_parent()).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the document of the file does not say where it stands")
                .with_hint("Call reload().")
        })
    }

    /// The lowest of the containers above it.
    fn nearest_parent(&self) -> Option<ContainerRef> {
        let parents = self.parents.as_ref()?;
        let levels = [
            (Kind::Analysis, &parents.analysis),
            (Kind::Acquisition, &parents.acquisition),
            (Kind::Session, &parents.session),
            (Kind::Subject, &parents.subject),
            (Kind::Project, &parents.project),
        ];
        levels.into_iter().find_map(|(kind, id)| Some(ContainerRef::new(kind, id.clone()?)))
    }

    /// Where it is, as inputs of analyses and gears name it.
    ///
    /// # Errors
    /// As [`parent_ref`](Self::parent_ref).
    pub fn file_ref(&self) -> Result<FileRef> {
        let parent = self.parent_ref()?;
        Ok(FileRef { kind: parent.kind, id: parent.id, name: self.name().to_owned() })
    }

    /// The container it hangs on.
    pub fn parent(&self) -> Request<'static, Node> {
        match self.parent_ref() {
            Ok(parent) => self.client.get(parent.id).request(),
            Err(error) => Request::failed(&self.client, error),
        }
    }

    /// When this version was uploaded.
    pub fn created_at(&self) -> Option<Moment> {
        Moment::of(self.created.as_ref(), None)
    }

    /// When it was last changed.
    pub fn modified_at(&self) -> Option<Moment> {
        Moment::of(self.modified.as_ref(), None)
    }

    /// When a later upload replaced this version; `None` for the current one.
    pub fn replaced_at(&self) -> Option<Moment> {
        Moment::of(self.replaced.as_ref(), None)
    }

    /// Another type or modality.
    pub fn update(&mut self) -> FileUpdate<'_> {
        FileUpdate::new(self)
    }

    /// What it shows, to be changed.
    pub fn classification(&mut self) -> Classify<'_> {
        Classify::new(self)
    }

    /// Its tags, to be changed.
    pub fn tags(&mut self) -> Tags<'_, Self> {
        Tags::new(self)
    }

    /// Deletes it, in all its versions.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }

    /// Deletes the version at hand alone; of the newest, the file with all its versions.
    pub fn delete_version(self) -> Delete<Self> {
        let version = self.version();
        Delete::new(&self).parameter("version", version)
    }

    /// Its versions, oldest first as the site lists them.
    pub fn versions(&self) -> Request<'static, Vec<FileVersionOutput>> {
        let call = Call::new(OperationId::GetFileVersions).at(self.id());
        Request::new(&self.client, move |raw| async move { Ok(call.list(&raw).await?.items) })
    }

    /// Another of its versions, as it was.
    pub fn at_version(&self, version: u32) -> Request<'static, Self> {
        self.again(Call::new(OperationId::GetFile).at(self.id()).query("version", version))
    }

    /// Makes an earlier version the current one: a new version, identical to it. No gear rule sees it.
    pub fn restore(&self, version: u32) -> Request<'static, Self> {
        self.restored(version, false)
    }

    /// As [`restore`](Self::restore); the gear rules of the project see the new version as if it had been uploaded.
    pub fn restore_for_rules(&self, version: u32) -> Request<'static, Self> {
        self.restored(version, true)
    }

    fn restored(&self, version: u32, for_rules: bool) -> Request<'static, Self> {
        let call = Call::new(OperationId::RestoreFile).at(self.id());
        self.again(call.query("version", version).query("evaluate_gear_rules", for_rules))
    }

    fn again(&self, call: Call) -> Request<'static, Self> {
        let client = self.client.clone();
        Request::new(
            &self.client,
            move |raw| async move { Ok(Self::from_parts(client, call.send(&raw).await?)) },
        )
    }

    /// Gives it another name. Its id, tags and metadata stay.
    pub fn rename(&mut self, name: impl Into<String>) -> Request<'_, ()> {
        self.move_with(json!({"name": name.into()}))
    }

    /// Moves it to another container of the same group, such as `&session`. Its id, tags and metadata stay.
    pub fn move_to(&mut self, container: impl Into<ContainerRef>) -> Request<'_, ()> {
        self.move_with(json!({"container_reference": container.into()}))
    }

    fn move_with(&mut self, body: Value) -> Request<'_, ()> {
        let client = self.client.clone();
        let call = Call::new(OperationId::MoveFile).at(self.id()).body(body);
        Request::new(&client, move |raw| async move {
            call?.send_only(&raw).await?;
            *self = Self::from_parts(
                self.client.clone(),
                Call::new(OperationId::GetFile).at(self.id()).send(&raw).await?,
            );
            Ok(())
        })
    }

    /// The call of a route that knows the file by the name it has in its container.
    pub(crate) fn by_name(
        &self,
        route: impl FnOnce(&crate::kind::Routes) -> Option<OperationId>,
    ) -> Result<Call> {
        let parent = self.parent_ref()?;
        let operation = route(parent.kind.routes()).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!("the API cannot do that to a file of a {}", parent.kind),
            )
        })?;
        if self.name().contains('/') {
            let message =
                format!("the API cannot do that to {:?}: a name with a slash has no route", self.name());
            return Err(Error::new(ErrorKind::Unsupported, message).with_hint("Rename the file first."));
        }
        Ok(Call::new(operation).at(parent.id).at(self.name()))
    }
}

impl Tagged for File {
    fn tags_mut(&mut self) -> &mut Vec<String> {
        self.model_mut().tags.get_or_insert_default()
    }
}

impl Described for File {
    info_access!();

    fn info_exists(&self) -> Option<bool> {
        self.info_exists
    }

    fn set_info(&mut self, info: Map<String, Value>) {
        let model = self.model_mut();
        model.info_exists = Some(!info.is_empty());
        model.info = Some(Value::Object(info));
    }

    fn info_call(&self, change: &Change) -> Result<Call> {
        match change {
            // By id there is no call that removes keys.
            Change::Delete(keys) => self.by_name(|routes| routes.file_info)?.body(json!({"delete": keys})),
            _ => info_call(Kind::File, self.id(), change),
        }
    }
}
