//! The programs of the example gears in `gears/`: each reads what a gear is given and writes what a gear gives.

mod file_metadata;
mod image_qc;
mod nifti;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::{Map, Value as Json, json};

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    FileMetadata,
    ImageQc,
}

impl Program {
    /// Runs it in the folder that `FLYWHEEL` names, which is the present one unless it is set.
    ///
    /// # Errors
    /// When the folder is not that of a gear, or the input cannot be read.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let folder = env::var_os("FLYWHEEL").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let gear = Gear::open(&folder)?;
        match self {
            Self::FileMetadata => file_metadata::run(&gear),
            Self::ImageQc => image_qc::run(&gear),
        }
    }
}

/// What a gear is given.
struct Gear {
    folder: PathBuf,
    config: Json,
    manifest: Json,
}

/// An input file: where it is, and what the site knows about it.
struct Input {
    name: String,
    path: PathBuf,
    document: Json,
    /// The kind of container that holds it.
    level: String,
}

impl Gear {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| -> anyhow::Result<Json> {
            let path = folder.join(name);
            let text = fs::read(&path).with_context(|| {
                format!("{} cannot be read: this program runs in the folder of a gear", path.display())
            })?;
            serde_json::from_slice(&text).with_context(|| path.display().to_string())
        };
        Ok(Self { folder: folder.to_owned(), config: read("config.json")?, manifest: read("manifest.json")? })
    }

    fn name(&self) -> &str {
        self.manifest.get("name").and_then(Json::as_str).unwrap_or_default()
    }

    fn option(&self, key: &str) -> Option<&Json> {
        self.config.get("config")?.get(key)
    }

    fn flag(&self, key: &str) -> bool {
        self.option(key).and_then(Json::as_bool).unwrap_or(false)
    }

    fn input(&self, name: &str) -> anyhow::Result<Input> {
        let Some(input) = self.config.get("inputs").and_then(|inputs| inputs.get(name)) else {
            bail!("the input {name} is missing");
        };
        let text = |place: &str| input.pointer(place).and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(Input {
            name: text("/location/name"),
            path: PathBuf::from(text("/location/path")),
            document: input.get("object").cloned().unwrap_or_default(),
            level: text("/hierarchy/type"),
        })
    }

    /// What is known of this run, as results of quality control carry it.
    fn job_info(&self) -> Json {
        let files = self.config.get("inputs").and_then(Json::as_object).into_iter().flatten();
        let files: Map<String, Json> = files
            .filter_map(|(name, input)| {
                let file = input.pointer("/location/name")?.clone();
                let document = |key: &str| input.get("object").and_then(|object| object.get(key)).cloned();
                Some((
                    name.clone(),
                    json!({"file": file, "file_id": document("file_id"), "version": document("version")}),
                ))
            })
            .collect();
        json!({
            "version": self.manifest.get("version"),
            "job_id": self.config.pointer("/job/id"),
            "inputs": files,
            "config": self.config.get("config"),
        })
    }

    /// Writes a file that the site is to keep.
    fn output(&self, name: &str, content: &Json) -> anyhow::Result<()> {
        let path = self.folder.join("output").join(name);
        fs::write(&path, serde_json::to_vec_pretty(content)?).with_context(|| path.display().to_string())
    }

    /// Says what is to be known about an input file. Its info is merged into what is there.
    fn describe(&self, input: &Input, mut fields: Map<String, Json>) -> anyhow::Result<()> {
        if let Some(found) = fields.remove("info") {
            let mut info = input.document.get("info").cloned().unwrap_or_else(|| json!({}));
            merge(&mut info, found);
            fields.insert("info".into(), info);
        }
        fields.insert("name".into(), input.name.clone().into());
        self.output(".metadata.json", &json!({input.level.as_str(): {"files": [fields]}}))
    }
}

/// Puts the leaves of `new` into `old`.
fn merge(old: &mut Json, new: Json) {
    match (old, new) {
        (Json::Object(old), Json::Object(new)) => {
            for (key, value) in new {
                merge(old.entry(key).or_insert(Json::Null), value);
            }
        }
        (old, new) => *old = new,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The folder of a gear with one input file.
    pub(super) fn gear(
        manifest: &str,
        input: &str,
        name: &str,
        bytes: &[u8],
        config: Json,
    ) -> (tempfile::TempDir, Gear) {
        let folder = tempfile::tempdir().unwrap();
        let gears = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../gears");
        fs::copy(gears.join(manifest).join("manifest.json"), folder.path().join("manifest.json")).unwrap();
        let place = folder.path().join("input").join(input);
        fs::create_dir_all(&place).unwrap();
        fs::create_dir(folder.path().join("output")).unwrap();
        fs::write(place.join(name), bytes).unwrap();
        let config = json!({"config": config, "job": {"id": "7"}, "inputs": {input: {
            "base": "file", "hierarchy": {"type": "acquisition", "id": "1"},
            "location": {"path": place.join(name), "name": name},
            "object": {"info": {"mine": {"kept": 1}}, "file_id": "f", "version": 2},
        }}});
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let gear = Gear::open(folder.path()).unwrap();
        (folder, gear)
    }

    /// What the gear said about its input file.
    pub(super) fn said(folder: &Path) -> Json {
        let text = fs::read(folder.join("output/.metadata.json")).unwrap();
        serde_json::from_slice::<Json>(&text).unwrap()["acquisition"]["files"][0].clone()
    }

    #[test]
    fn merging_keeps_what_is_not_said_again() {
        let mut old = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut old, json!({"a": {"b": 3}, "d": [2], "e": {}}));
        assert_eq!(old, json!({"a": {"b": 3, "c": 2}, "d": [2], "e": {}}));
    }

    #[test]
    fn a_folder_that_is_not_of_a_gear_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let error = Gear::open(folder.path()).err().unwrap();
        assert!(format!("{error:#}").contains("folder of a gear"));
    }
}
