//! For programs that run inside a gear: what they were given, and where they leave what they make.
//!
//! A gear finds its configuration and inputs in `config.json`, leaves files in `output/`, and says in `output/.metadata.json`
//! what is to be written to containers and files. [`GearContext`] reads and writes all three.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::fs::create_dir_all(folder.path().join("input/image"))?;
//! # std::fs::write(folder.path().join("input/image/t1.nii"), "voxels")?;
//! # std::fs::write(folder.path().join("config.json"), r#"{"config": {"fwhm": 6}, "destination": {"type": "acquisition", "id": "a"},
//! #   "inputs": {"image": {"base": "file", "location": {"path": "/flywheel/v0/input/image/t1.nii", "name": "t1.nii"}}}}"#)?;
//! # let root = folder.path();
//! use flywheel::GearContext;
//! use serde_json::json;
//! use std::io::Write;
//!
//! // Inside a gear: GearContext::load(), which looks in /flywheel/v0.
//! let mut gear = GearContext::at(root)?;
//! let fwhm: f64 = gear.config_value("fwhm")?.unwrap_or(6.0);
//! let bytes = std::fs::read(gear.input_path("image")?)?;
//!
//! writeln!(gear.create_output("report.txt")?, "{} bytes, smoothed by {fwhm} mm", bytes.len())?;
//! gear.metadata().file("t1.nii").set("info", json!({"qc": {"bytes": bytes.len()}}))?;
//! gear.metadata().destination()?.set("tags", ["smoothed"])?;
//! gear.write_metadata()?;
//! # assert!(root.join("output/.metadata.json").exists());
//! # Ok(())
//! # }
//! ```

mod bids;
mod log;
mod metadata;

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use bids::BidsDownload;
pub use log::Level;
pub use metadata::{Entry, Metadata};

use crate::{Client, ContainerRef, Error, ErrorKind, Result};

/// Where gears run.
const ROOT: &str = "/flywheel/v0";

/// What a gear was given, and what it has to say.
#[derive(Debug)]
pub struct GearContext {
    root: PathBuf,
    invocation: Invocation,
    metadata: Metadata,
    metadata_on_error: bool,
}

/// `config.json`.
#[derive(Debug, Deserialize)]
struct Invocation {
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    inputs: BTreeMap<String, Input>,
    destination: Option<ContainerRef>,
}

/// An input as the gear was given it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "base", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Input {
    /// A file.
    File {
        /// Where it is on the disk.
        location: Location,
        /// The container it hangs on.
        #[serde(default)]
        hierarchy: Option<ContainerRef>,
        /// Its document as it was when the job was queued: type, modality, classification, info.
        #[serde(default)]
        object: Map<String, Value>,
    },
    /// A value from `info.context` of the containers above.
    Context {
        /// Whether there was one.
        #[serde(default)]
        found: bool,
        /// The value.
        #[serde(default)]
        value: Option<Value>,
    },
    /// A key to the site.
    ApiKey {
        /// The key.
        #[serde(default)]
        key: Option<Secret>,
    },
}

/// Where the file of an input is.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// Its path as the site says it, below `/flywheel/v0`.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
}

/// A key that never shows.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl GearContext {
    /// The gear that runs here, in `/flywheel/v0`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when there is no `config.json`, [`ErrorKind::Decode`] when it is no such document.
    pub fn load() -> Result<Self> {
        Self::at(ROOT)
    }

    /// The gear in another folder, as tests and local runs have it.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn at(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let path = root.join("config.json");
        let text = fs::read_to_string(&path).map_err(|error| {
            io(&path, error).with_hint(
                "Gears find it in /flywheel/v0; elsewhere, name the folder: GearContext::at(folder).",
            )
        })?;
        let invocation: Invocation = serde_json::from_str(&text).map_err(|error| {
            Error::new(ErrorKind::Decode, format!("{}: {error}", path.display()))
                .with_operation("gear context")
        })?;
        let metadata = Metadata::new(invocation.destination.clone());
        Ok(Self { root, invocation, metadata, metadata_on_error: false })
    }

    /// Whether metadata is written also when the work given to [`run`](Self::run) fails.
    #[must_use]
    pub fn metadata_on_error(mut self, yes: bool) -> Self {
        self.metadata_on_error = yes;
        self
    }

    /// Does the gear's work, then writes the metadata once: when it went well, and when it failed as
    /// [`metadata_on_error`](Self::metadata_on_error) says.
    ///
    /// # Errors
    /// Those of the work, and of writing the metadata.
    pub async fn run<T, E: From<Error>>(
        mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let outcome = work(&mut self).await;
        if outcome.is_ok() || self.metadata_on_error {
            self.write_metadata()?;
        }
        outcome
    }

    /// The configuration.
    pub fn config(&self) -> &Map<String, Value> {
        &self.invocation.config
    }

    /// A value of the configuration; `None` when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it is of another type.
    pub fn config_value<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.invocation.config.get(key) else { return Ok(None) };
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|error| decode(format!("config {key:?}: {error}")))
    }

    /// The whole configuration as a type of the gear's own.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it does not fit.
    pub fn config_as<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.invocation.config.clone().into())
            .map_err(|error| decode(format!("the configuration: {error}")))
    }

    /// The container whose files and metadata the gear writes, or the analysis.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when `config.json` names none.
    pub fn destination(&self) -> Result<&ContainerRef> {
        self.invocation
            .destination
            .as_ref()
            .ok_or_else(|| absent("config.json names no destination".to_owned()))
    }

    /// The inputs by their names.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &Input)> {
        self.invocation.inputs.iter().map(|(name, input)| (name.as_str(), input))
    }

    /// An input; `None` when it was not given.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.invocation.inputs.get(name)
    }

    fn file_input(&self, name: &str) -> Result<&Location> {
        match self.input(name) {
            Some(Input::File { location, .. }) => Ok(location),
            Some(_) => Err(Error::new(ErrorKind::Invalid, format!("the input {name:?} is no file"))),
            None => {
                let given: Vec<_> = self.invocation.inputs.keys().map(String::as_str).collect();
                Err(absent(format!("there is no input {name:?}; given are: {}", given.join(", "))))
            }
        }
    }

    /// Where the file of an input is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when it was not given, [`ErrorKind::Invalid`] when it is no file.
    pub fn input_path(&self, name: &str) -> Result<PathBuf> {
        let path = &self.file_input(name)?.path;
        // Run elsewhere than in /flywheel/v0, the same path begins at the gear's folder.
        Ok(match path.strip_prefix(ROOT) {
            Ok(below) => self.root.join(below),
            Err(_) => path.clone(),
        })
    }

    /// The file of an input, open for reading.
    ///
    /// # Errors
    /// As [`input_path`](Self::input_path), and [`ErrorKind::Io`] when it cannot be opened.
    pub fn open_input(&self, name: &str) -> Result<fs::File> {
        let path = self.input_path(name)?;
        fs::File::open(&path).map_err(|error| io(&path, error))
    }

    /// The value of a context input; `None` when there was none.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the input is of another sort.
    pub fn context_value(&self, name: &str) -> Result<Option<&Value>> {
        match self.input(name) {
            None => Ok(None),
            Some(Input::Context { value, .. }) => Ok(value.as_ref()),
            Some(_) => Err(Error::new(ErrorKind::Invalid, format!("the input {name:?} is no context value"))),
        }
    }

    /// A client with the key that the job was given.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when no input brought one.
    pub fn client(&self) -> Result<Client> {
        let key = self.invocation.inputs.values().find_map(|input| match input {
            Input::ApiKey { key: Some(Secret(key)) } => Some(key),
            _ => None,
        });
        let missing = || {
            Error::new(ErrorKind::Config, "the job was given no key to the site")
                .with_hint("Add an input with \"base\": \"api-key\" to the manifest.")
        };
        Client::new(key.ok_or_else(missing)?.as_str())
    }

    /// The gear's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where outputs are left, made when it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it cannot be made.
    pub fn output_dir(&self) -> Result<PathBuf> {
        self.folder("output")
    }

    /// Where the gear may leave what nobody needs after it, made when it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it cannot be made.
    pub fn work_dir(&self) -> Result<PathBuf> {
        self.folder("work")
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        fs::create_dir_all(&path).map_err(|error| io(&path, error))?;
        Ok(path)
    }

    /// A new output, open for writing; folders in its name are made.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a name that leads out of the folder, [`ErrorKind::Io`] when it cannot be written.
    pub fn create_output(&self, name: impl AsRef<Path>) -> Result<fs::File> {
        let path = self.output_dir()?.join(inside(name.as_ref())?);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| io(folder, error))?;
        }
        fs::File::create(&path).map_err(|error| io(&path, error))
    }

    /// What is to be written to containers and files, to be added to.
    pub fn metadata(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Writes `output/.metadata.json`, whole or not at all. Without anything to say nothing is written.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it cannot be written.
    pub fn write_metadata(&self) -> Result<()> {
        if self.metadata.is_empty() {
            return Ok(());
        }
        let folder = self.output_dir()?;
        let failed = |error: std::io::Error| io(&folder, error);
        let mut file = tempfile::NamedTempFile::new_in(&self.root).map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, &self.metadata).map_err(|error| failed(error.into()))?;
        file.persist(folder.join(".metadata.json")).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// A path that stays where it begins.
fn inside(path: &Path) -> Result<&Path> {
    let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
    if stays && path.file_name().is_some() {
        Ok(path)
    } else {
        let message = format!("{} is no name for an output: it must stay inside its folder", path.display());
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

fn io(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {error}", path.display())).with_source(error)
}

fn decode(message: String) -> Error {
    Error::new(ErrorKind::Decode, message).with_operation("gear context")
}

fn absent(message: String) -> Error {
    Error::new(ErrorKind::NotFound, message).with_operation("gear context")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn gear() -> (tempfile::TempDir, GearContext) {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "config": {"fwhm": 6, "name": "x"},
            "inputs": {
                "image": {"base": "file", "hierarchy": {"type": "acquisition", "id": "a1"}, "object": {"type": "nifti"},
                    "location": {"path": "/flywheel/v0/input/image/t1.nii", "name": "t1.nii"}},
                "license": {"base": "context", "found": true, "value": "ABC"},
                "key": {"base": "api-key", "key": "localhost:8080:__force_insecure:SECRETSECRET"},
            },
            "destination": {"type": "acquisition", "id": "a1"},
        });
        fs::create_dir_all(folder.path().join("input/image")).unwrap();
        fs::write(folder.path().join("input/image/t1.nii"), "voxels").unwrap();
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let context = GearContext::at(folder.path()).unwrap();
        (folder, context)
    }

    #[test]
    fn inputs_and_configuration_are_read_from_where_the_gear_runs() {
        let (folder, gear) = gear();
        assert_eq!(gear.config_value::<f64>("fwhm").unwrap(), Some(6.0));
        assert!(gear.config_value::<f64>("name").unwrap_err().message().contains("\"name\""));
        assert_eq!(gear.input_path("image").unwrap(), folder.path().join("input/image/t1.nii"));
        assert_eq!(std::io::read_to_string(gear.open_input("image").unwrap()).unwrap(), "voxels");
        assert_eq!(gear.context_value("license").unwrap(), Some(&json!("ABC")));
        assert!(gear.input_path("license").unwrap_err().is_invalid());
        assert!(gear.input_path("nothing").unwrap_err().message().contains("image, key, license"));
        assert_eq!(gear.client().unwrap().base_url(), "http://localhost:8080/api");
    }

    #[test]
    fn a_key_is_neither_shown_nor_described() {
        let (_folder, gear) = gear();
        assert!(!format!("{gear:?}{}", gear.describe()).contains("SECRET"));
        assert!(
            gear.describe().contains("input \"image\" is t1.nii from acquisition a1"),
            "{}",
            gear.describe()
        );
    }

    #[test]
    fn an_output_stays_in_its_folder() {
        let (folder, gear) = gear();
        for name in ["../x", "/etc/x", "a/../../x", ""] {
            assert!(gear.create_output(name).unwrap_err().is_invalid(), "{name}");
        }
        gear.create_output("plots/a.png").unwrap();
        assert!(folder.path().join("output/plots/a.png").exists());
    }

    #[tokio::test]
    async fn metadata_is_written_at_the_end_and_on_error_as_chosen() {
        let work = async |gear: &mut GearContext| -> Result<()> {
            gear.metadata().destination()?.set("tags", ["x"])?;
            Err(Error::new(ErrorKind::Cancelled, "stop"))
        };
        for on_error in [false, true] {
            let (folder, gear) = gear();
            gear.metadata_on_error(on_error).run(work).await.unwrap_err();
            assert_eq!(folder.path().join("output/.metadata.json").exists(), on_error);
        }
        let (folder, gear) = gear();
        let done =
            gear.run(async |gear| gear.metadata().file("out.nii").set("modality", "MR").map(|_| ())).await;
        done.unwrap();
        let written: Value =
            serde_json::from_slice(&fs::read(folder.path().join("output/.metadata.json")).unwrap()).unwrap();
        assert_eq!(written, json!({"acquisition": {"files": [{"name": "out.nii", "modality": "MR"}]}}));
    }

    #[test]
    fn a_folder_without_a_config_says_where_gears_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = GearContext::at(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("/flywheel/v0"), "{error}");
    }
}
