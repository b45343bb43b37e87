//! Files in the order of BIDS, the Brain Imaging Data Structure, as curation has written it into their free metadata.
//!
//! A file belongs to the dataset when its `info.BIDS` has a `Filename` and a `Path` and does not say `ignore`. The
//! description of the dataset is `info.BIDS` of the project; what else stands in the free metadata of a NIfTI file becomes
//! its JSON sidecar, unless a file of that name is there.

use std::{
    collections::BTreeSet,
    future::IntoFuture,
    path::{Path, PathBuf},
};

use flywheel_api::{transport::CallOptions, types::FileOutput};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde_json::{Map, Value};

use super::{GearContext, inside, io};
use crate::{
    Client, ContainerRef, Error, ErrorKind, File, Finder, Kind, Project, Resource, Result, Session, resource,
};

/// Downloads at once.
const AT_ONCE: usize = 4;
/// Keys of `info` that are no part of a sidecar.
const NO_SIDECAR: [&str; 3] = ["BIDS", "header", "qc"];
/// Keys of a project's `info.BIDS` that are the curation's own.
const OWN: [&str; 4] = ["template", "rule_id", "ignore", "Sidecar"];

/// A download of a session or project as a BIDS dataset; gives its folder when awaited.
///
/// ```no_run
/// # async fn run(project: flywheel::Project) -> flywheel::Result<()> {
/// let folder = project.download_bids("work/bids").subjects(["01"]).folders(["anat"]).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is downloaded until this is awaited"]
#[derive(Debug)]
pub struct BidsDownload {
    client: Client,
    root: Result<ContainerRef>,
    folder: PathBuf,
    source_data: bool,
    subjects: BTreeSet<String>,
    sessions: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl GearContext {
    /// The session of the destination as a BIDS dataset, below `folder` of the gear.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the job was given no key.
    pub async fn download_session_bids(&self, folder: impl AsRef<Path>) -> Result<BidsDownload> {
        self.bids(Kind::Session, folder.as_ref()).await
    }

    /// The project of the destination as a BIDS dataset, below `folder` of the gear.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the job was given no key.
    pub async fn download_project_bids(&self, folder: impl AsRef<Path>) -> Result<BidsDownload> {
        self.bids(Kind::Project, folder.as_ref()).await
    }

    async fn bids(&self, kind: Kind, folder: &Path) -> Result<BidsDownload> {
        let (client, destination) = (self.client()?, self.destination()?);
        let root = if destination.kind == kind {
            Ok(destination.clone())
        } else {
            let container = client.get(&destination.id).await?;
            let document = serde_json::to_value(&container).unwrap_or_default();
            let id = document.get("parents").and_then(|parents| parents.get(kind.as_str())?.as_str());
            let above = id.map(|id| ContainerRef::new(kind, id));
            above.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no {kind} above {destination}"))
            })
        };
        Ok(BidsDownload::new(client, root, self.root().join(folder)))
    }
}

impl Project {
    /// Its curated files as a BIDS dataset in a folder.
    pub fn download_bids(&self, folder: impl Into<PathBuf>) -> BidsDownload {
        BidsDownload::new(self.client().clone(), Ok(self.reference()), folder.into())
    }
}

impl Session {
    /// Its curated files, with those of its subject and project, as a BIDS dataset in a folder.
    pub fn download_bids(&self, folder: impl Into<PathBuf>) -> BidsDownload {
        BidsDownload::new(self.client().clone(), Ok(self.reference()), folder.into())
    }
}

impl BidsDownload {
    fn new(client: Client, root: Result<ContainerRef>, folder: PathBuf) -> Self {
        let none = BTreeSet::new;
        Self { client, root, folder, source_data: false, subjects: none(), sessions: none(), folders: none() }
    }

    /// Whether what lies in `sourcedata` comes too; not when nothing is said.
    pub fn source_data(mut self, yes: bool) -> Self {
        self.source_data = yes;
        self
    }

    /// Only these subjects, by their labels, with or without `sub-`.
    pub fn subjects<T: Into<String>>(mut self, labels: impl IntoIterator<Item = T>) -> Self {
        self.subjects = labels.into_iter().map(|label| with_prefix("sub-", label.into())).collect();
        self
    }

    /// Only these sessions, by their labels, with or without `ses-`.
    pub fn sessions<T: Into<String>>(mut self, labels: impl IntoIterator<Item = T>) -> Self {
        self.sessions = labels.into_iter().map(|label| with_prefix("ses-", label.into())).collect();
        self
    }

    /// Only these kinds of data: `anat`, `func`, `dwi`, `fmap`, …. What lies above them comes in any case.
    pub fn folders<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.folders = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether a path of the dataset was asked for.
    fn wants(&self, path: &Path) -> bool {
        let parts: Vec<_> =
            path.parent().into_iter().flat_map(Path::iter).filter_map(|part| part.to_str()).collect();
        let part = |prefix: &str| parts.iter().copied().find(|part| part.starts_with(prefix));
        let chosen = |set: &BTreeSet<String>, found: Option<&str>| {
            set.is_empty() || found.is_none_or(|found| set.contains(found))
        };
        let kind =
            parts.iter().copied().rev().find(|part| !part.starts_with("sub-") && !part.starts_with("ses-"));
        let kind = kind.filter(|_| part("sub-").is_some());
        (self.source_data || parts.first() != Some(&"sourcedata"))
            && chosen(&self.subjects, part("sub-"))
            && chosen(&self.sessions, part("ses-"))
            && chosen(&self.folders, kind)
    }

    /// Other timeouts, retries or features than the client's, for every call.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.client = self.client.with_options(options);
        self
    }

    async fn download(self) -> Result<PathBuf> {
        let root = match &self.root {
            Ok(root) => root.clone(),
            Err(error) => return Err(Error::new(error.kind(), error.message())),
        };
        let project = self.project_of(&root).await?;
        if let Some(description) = description(&project) {
            self.write_json(Path::new("dataset_description.json"), &description)?;
        }
        let mut taken = BTreeSet::new();
        let mut wanted = Vec::new();
        let mut files = self.files(&root).iter();
        while let Some(file) = files.try_next().await? {
            let Some(path) = place(&file).filter(|path| self.wants(path)) else { continue };
            if !taken.insert(path.clone()) {
                let message =
                    format!("two files want to be {} in the dataset; mend info.BIDS of one", path.display());
                return Err(Error::new(ErrorKind::NotUnique, message).with_operation("download_bids"));
            }
            wanted.push((file, path));
        }
        for (file, path) in &wanted {
            if let Some((path, sidecar)) = sidecar(file, path).filter(|(path, _)| !taken.contains(path)) {
                self.write_json(&path, &sidecar)?;
            }
        }
        let folder = &self.folder;
        let downloads = stream::iter(wanted.into_iter().map(|(file, path)| async move {
            let path = folder.join(path);
            make_parent(&path)?;
            file.download().to_path(&path).await.map(drop)
        }));
        downloads.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(self.folder)
    }

    async fn project_of(&self, root: &ContainerRef) -> Result<Project> {
        if root.kind == Kind::Project {
            return resource::get(&self.client, &root.id).await;
        }
        let session: Session = resource::get(&self.client, &root.id).await?;
        session.project().await
    }

    fn files(&self, root: &ContainerRef) -> Finder<File> {
        let below = flywheel_core::filter::field(format!("parents.{}", root.kind)).eq(&root.id);
        self.client.files().filter(below).with_info()
    }

    fn write_json(&self, path: &Path, document: &Map<String, Value>) -> Result<()> {
        let path = self.folder.join(path);
        make_parent(&path)?;
        let text = serde_json::to_vec_pretty(document).map_err(|error| io(&path, error.into()))?;
        std::fs::write(&path, text).map_err(|error| io(&path, error))
    }
}

impl IntoFuture for BidsDownload {
    type Output = Result<PathBuf>;
    type IntoFuture = BoxFuture<'static, Result<PathBuf>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.download())
    }
}

fn with_prefix(prefix: &str, label: String) -> String {
    if label.starts_with(prefix) { label } else { format!("{prefix}{label}") }
}

fn make_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|error| io(folder, error)),
        None => Ok(()),
    }
}

fn curated(file: &FileOutput) -> Option<&Map<String, Value>> {
    let bids = serde_json::Value::as_object(file.info.as_ref()?.get("BIDS")?)?;
    (bids.get("ignore") != Some(&Value::Bool(true))).then_some(bids)
}

/// Where a file belongs; `None` for what is not part of the dataset, or would lead out of it.
fn place(file: &FileOutput) -> Option<PathBuf> {
    let bids = curated(file)?;
    let text = |key: &str| bids.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = Some(text("Filename")).filter(|name| !name.is_empty())?;
    let path = Path::new(text("Path")).join(name);
    inside(&path).ok().map(Path::to_owned)
}

/// The sidecar of a NIfTI file: its free metadata beyond what is the platform's own.
fn sidecar(file: &FileOutput, path: &Path) -> Option<(PathBuf, Map<String, Value>)> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".nii.gz").or_else(|| name.strip_suffix(".nii"))?;
    let info = file.info.as_ref()?.as_object()?;
    let kept: Map<String, Value> = info
        .iter()
        .filter(|(key, _)| !NO_SIDECAR.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!kept.is_empty()).then(|| (path.with_file_name(format!("{stem}.json")), kept))
}

fn description(project: &Project) -> Option<Map<String, Value>> {
    let info = project.info.as_ref()?;
    let bids = info.get("BIDS")?.as_object()?;
    let kept = bids.iter().filter(|(key, _)| !OWN.contains(&key.as_str()));
    Some(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn file(info: Value) -> FileOutput {
        serde_json::from_value(json!({"name": "a.nii.gz", "info": info})).unwrap()
    }

    #[test]
    fn only_curated_files_have_a_place_and_none_leads_out() {
        let at = |info| place(&file(info));
        let curated = json!({"BIDS": {"Filename": "sub-01_T1w.nii.gz", "Path": "sub-01/anat"}});
        assert_eq!(at(curated), Some(PathBuf::from("sub-01/anat/sub-01_T1w.nii.gz")));
        for info in [
            json!({}),
            json!({"BIDS": "NA"}),
            json!({"BIDS": {"Filename": "", "Path": "x"}}),
            json!({"BIDS": {"Filename": "a", "Path": "x", "ignore": true}}),
            json!({"BIDS": {"Filename": "a", "Path": "../x"}}),
        ] {
            assert_eq!(at(info.clone()), None, "{info}");
        }
    }

    #[test]
    fn subjects_sessions_and_folders_choose_and_what_lies_above_stays() {
        let client = Client::new("localhost:1:key").unwrap();
        let all =
            || BidsDownload::new(client.clone(), Ok(ContainerRef::new(Kind::Project, "p")), PathBuf::new());
        let some = all().subjects(["01"]).sessions(["ses-a"]).folders(["anat"]);
        let wanted = |path: &str| some.wants(Path::new(path));
        assert!(wanted("sub-01/ses-a/anat/x") && wanted("README") && wanted("sub-01/sub-01_scans.tsv"));
        assert!(
            !wanted("sub-02/ses-a/anat/x")
                && !wanted("sub-01/ses-b/anat/x")
                && !wanted("sub-01/ses-a/func/x")
        );
        assert!(!all().wants(Path::new("sourcedata/sub-01/x")));
        assert!(all().source_data(true).wants(Path::new("sourcedata/sub-01/x")));
    }

    #[test]
    fn a_sidecar_is_what_else_is_known_of_an_image() {
        let file = file(json!({"BIDS": {}, "RepetitionTime": 2.0, "header": {}}));
        let (path, sidecar) = sidecar(&file, Path::new("sub-01/anat/sub-01_T1w.nii.gz")).unwrap();
        assert_eq!(path, Path::new("sub-01/anat/sub-01_T1w.json"));
        assert_eq!(Value::from(sidecar), json!({"RepetitionTime": 2.0}));
    }
}
