//! Everything below a container, and where each file of it belongs on a disk.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use flywheel_api::types::FileOutput;
use flywheel_core::filter::field;
use futures::TryStreamExt;
use serde_json::Value;

use super::{Located, name::safe_name};
use crate::{
    Acquisition, Analysis, Client, ContainerRef, File, Finder, Kind, Project, Resource, Result, Session,
    Subject,
};

/// The levels of the hierarchy, from the top.
const LEVELS: [Kind; 5] = [Kind::Group, Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition];

/// All files of the container `root` and below it, in the order of their paths. The container becomes a folder named by
/// `label`, with a folder for each container in it; analyses stand in a folder `analyses` of theirs.
pub(super) async fn files_below(client: &Client, root: &ContainerRef, label: &str) -> Result<Vec<Located>> {
    let mut folders = Folders::default();
    folders.labels.insert(root.id.clone(), label.to_owned());
    let below = LEVELS.iter().skip_while(|kind| **kind != root.kind).skip(1);
    for kind in below {
        match kind {
            Kind::Project => folders.read(all::<Project>(client, root)).await?,
            Kind::Subject => folders.read(all::<Subject>(client, root)).await?,
            Kind::Session => folders.read(all::<Session>(client, root)).await?,
            Kind::Acquisition => folders.read(all::<Acquisition>(client, root)).await?,
            _ => {}
        }
    }
    if root.kind != Kind::Analysis {
        folders.read(all::<Analysis>(client, root)).await?;
    }
    let mut located = Vec::new();
    let mut files = all::<File>(client, root).iter();
    while let Some(file) = files.try_next().await? {
        let folder = folders.of(root, &file);
        let path = folders.take(&folder, file.name(), file.id());
        located.push(Located { path, file });
    }
    located.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(located)
}

/// All of a kind below `root`.
fn all<C: Resource>(client: &Client, root: &ContainerRef) -> Finder<C> {
    Finder::all(client).filter(field(format!("parents.{}", root.kind)).eq(&root.id))
}

/// Folders of containers. Each container has one, whatever the labels of its siblings.
#[derive(Debug, Default)]
struct Folders {
    labels: HashMap<String, String>,
    paths: HashMap<String, PathBuf>,
    /// Paths in use, in lower case: some file systems do not tell cases apart.
    taken: HashSet<String>,
}

impl Folders {
    async fn read<C: Resource>(&mut self, finder: Finder<C>) -> Result<()> {
        let mut containers = finder.iter();
        while let Some(container) = containers.try_next().await? {
            let document = serde_json::to_value(container.model()).unwrap_or_default();
            let label = document.get("label").and_then(Value::as_str).unwrap_or_default();
            self.labels.insert(container.id().to_owned(), label.to_owned());
        }
        Ok(())
    }

    /// The folder of the container that `file` hangs on.
    fn of(&mut self, root: &ContainerRef, file: &FileOutput) -> PathBuf {
        let ids = ancestors(file);
        let start = ids.iter().position(|(_, id)| *id == root.id).unwrap_or(0);
        let mut folder = PathBuf::new();
        for (kind, id) in ids.into_iter().skip(start) {
            folder = match self.paths.get(&id) {
                Some(known) => known.clone(),
                None => {
                    let within = if kind == Kind::Analysis && id != root.id {
                        folder.join("analyses")
                    } else {
                        folder
                    };
                    let label = self.labels.get(&id).cloned().unwrap_or_else(|| id.clone());
                    let path = self.take(&within, &label, &id);
                    self.paths.insert(id, path.clone());
                    path
                }
            };
        }
        folder
    }

    /// A path for `name` in `folder` that nothing else has: a second one of the same name carries its id.
    fn take(&mut self, folder: &Path, name: &str, id: &str) -> PathBuf {
        let name = safe_name(name);
        let mut path = folder.join(&name);
        if !self.taken.insert(path.to_string_lossy().to_lowercase()) {
            path = folder.join(format!("{}_{name}", safe_name(id)));
            self.taken.insert(path.to_string_lossy().to_lowercase());
        }
        path
    }
}

/// The containers above a file, from the top.
fn ancestors(file: &FileOutput) -> Vec<(Kind, String)> {
    let Some(parents) = &file.parents else { return Vec::new() };
    [
        (Kind::Group, &parents.group),
        (Kind::Project, &parents.project),
        (Kind::Subject, &parents.subject),
        (Kind::Session, &parents.session),
        (Kind::Acquisition, &parents.acquisition),
        (Kind::Analysis, &parents.analysis),
    ]
    .into_iter()
    .filter_map(|(kind, id)| Some((kind, id.clone()?)))
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn file(parents: serde_json::Value) -> FileOutput {
        serde_json::from_value(json!({ "name": "f", "parents": parents })).unwrap()
    }

    fn folders(labels: &[(&str, &str)]) -> Folders {
        let labels = labels.iter().map(|(id, label)| (id.to_string(), label.to_string())).collect();
        Folders { labels, ..Folders::default() }
    }

    #[test]
    fn folders_start_at_the_container_that_was_asked_for() {
        let mut folders = folders(&[("p", "Study"), ("s", "sub-01"), ("x", "ses/01"), ("n", "fs")]);
        let root = ContainerRef::new(Kind::Project, "p");
        let of = |folders: &mut Folders, parents| folders.of(&root, &file(parents));
        assert_eq!(of(&mut folders, json!({"group": "g", "project": "p"})), Path::new("Study"));
        let session = json!({"group": "g", "project": "p", "subject": "s", "session": "x"});
        assert_eq!(of(&mut folders, session), Path::new("Study/sub-01/ses_01"));
        let analysis = json!({"group": "g", "project": "p", "subject": "s", "analysis": "n"});
        assert_eq!(of(&mut folders, analysis), Path::new("Study/sub-01/analyses/fs"));
    }

    #[test]
    fn siblings_with_one_label_have_folders_of_their_own() {
        let mut folders = folders(&[("p", "Study"), ("a", "T1"), ("b", "t1"), ("c", "..")]);
        let root = ContainerRef::new(Kind::Project, "p");
        let paths: Vec<_> = ["a", "b", "c", "a"]
            .into_iter()
            .map(|id| folders.of(&root, &file(json!({"project": "p", "acquisition": id}))))
            .collect();
        assert_eq!(paths, ["Study/T1", "Study/b_t1", "Study/_", "Study/T1"].map(PathBuf::from));
    }
}
