//! The folder that a gear sees as `/flywheel/v0`: `config.json`, `input/NAME/FILE`, `output/`, `work/`, and for a gear with
//! a folder of its own that folder's files.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use serde_json::Value;

/// Where gears look for everything.
pub(super) const BASE: &str = "/flywheel/v0";

/// What the gear says about containers and files; read, not kept as a file.
const METADATA: &str = ".metadata.json";

/// The folder of one run. It goes when this goes.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// What a gear left behind.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    /// Names and places of its files, by name.
    pub(super) files: Vec<(String, PathBuf)>,
    /// Names of what is no file, such as folders: it is not kept.
    pub(super) skipped: Vec<String>,
    /// The text of its metadata, when it wrote any.
    pub(super) metadata: Option<Vec<u8>>,
}

impl Folder {
    /// Makes the folder of a job anew below `runs`, with the files of `gear` when the gear has a folder.
    ///
    /// # Errors
    /// When files cannot be written or read.
    pub(super) fn make(runs: &Path, job: &str, gear: Option<&Path>) -> io::Result<Self> {
        let root = runs.join(job);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(&root)?;
        let folder = Self(root);
        if let Some(gear) = gear {
            copy(gear, &folder.0)?;
        }
        // What the gear's own folder holds under these names is of another run.
        for name in ["input", "output", "work"] {
            let path = folder.0.join(name);
            if path.exists() {
                fs::remove_dir_all(&path)?;
            }
            fs::create_dir(&path)?;
        }
        Ok(folder)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The place of what a gear would find at `location`, a path below `/flywheel/v0`.
    ///
    /// # Errors
    /// For a path that leads elsewhere.
    pub(super) fn place(&self, location: &str) -> io::Result<PathBuf> {
        let outside =
            || io::Error::new(io::ErrorKind::InvalidInput, format!("{location:?} is not below {BASE}"));
        let inner = Path::new(location).strip_prefix(BASE).map_err(|_| outside())?;
        match inner.components().all(|part| matches!(part, Component::Normal(_))) {
            true => Ok(self.0.join(inner)),
            false => Err(outside()),
        }
    }

    /// Writes `config.json`. A gear that does not run in a container finds the real paths in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_config(&self, mut config: Value, contained: bool) -> io::Result<()> {
        if !contained {
            for input in config.get_mut("inputs").and_then(Value::as_object_mut).into_iter().flatten() {
                if let Some(path) = input.1.pointer_mut("/location/path")
                    && let Some(text) = path.as_str()
                {
                    *path = self.place(text)?.to_string_lossy().into();
                }
            }
        }
        fs::write(self.0.join("config.json"), serde_json::to_vec_pretty(&config)?)
    }

    /// What lies in `output`. Links are not followed: they may lead out of the folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn outputs(&self) -> io::Result<Outputs> {
        let mut outputs = Outputs::default();
        for entry in fs::read_dir(self.0.join("output"))? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            match entry.file_name().into_string() {
                Ok(name) if kind.is_file() && name == METADATA => outputs.metadata = Some(fs::read(path)?),
                Ok(name) if kind.is_file() => outputs.files.push((name, path)),
                Ok(name) => outputs.skipped.push(name),
                Err(name) => outputs.skipped.push(name.to_string_lossy().into_owned()),
            }
        }
        outputs.files.sort();
        outputs.skipped.sort();
        Ok(outputs)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the folder of a job could not be removed");
        }
    }
}

/// Copies files and folders with their permissions. What is neither is left out.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gear_finds_its_files_an_empty_output_and_its_inputs_at_their_real_places() {
        let (runs, gear) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(gear.path().join("lib")).unwrap();
        fs::create_dir_all(gear.path().join("output")).unwrap();
        fs::write(gear.path().join("lib/a"), "a").unwrap();
        fs::write(gear.path().join("output/old"), "of another run").unwrap();
        let folder = Folder::make(runs.path(), "7", Some(gear.path())).unwrap();
        assert_eq!(fs::read(folder.path().join("lib/a")).unwrap(), b"a");
        assert!(folder.outputs().unwrap().files.is_empty());
        let config = json!({"inputs": {
            "i": {"base": "file", "location": {"path": "/flywheel/v0/input/i/x.txt", "name": "x.txt"}},
            "k": {"base": "api-key", "key": "secret"},
        }});
        let read = |folder: &Folder| -> Value {
            serde_json::from_slice(&fs::read(folder.path().join("config.json")).unwrap()).unwrap()
        };
        folder.write_config(config.clone(), true).unwrap();
        assert_eq!(read(&folder), config);
        folder.write_config(config, false).unwrap();
        let place = folder.path().join("input/i/x.txt");
        assert_eq!(read(&folder)["inputs"]["i"]["location"]["path"], place.to_str().unwrap());
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_location_never_leads_out_of_the_folder() {
        let runs = tempfile::tempdir().unwrap();
        let folder = Folder::make(runs.path(), "7", None).unwrap();
        for location in ["/flywheel/v0/../x", "/etc/passwd", "input/x", "/flywheel/v0/input/../../../x"] {
            assert!(folder.place(location).is_err(), "{location}");
        }
        assert!(folder.place("/flywheel/v0/input/a b/c").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn outputs_are_files_alone_and_metadata_is_read() {
        let runs = tempfile::tempdir().unwrap();
        let folder = Folder::make(runs.path(), "7", None).unwrap();
        let output = folder.path().join("output");
        fs::write(output.join("b.txt"), "bb").unwrap();
        fs::write(output.join("a.txt"), "a").unwrap();
        fs::write(output.join(".metadata.json"), "{}").unwrap();
        fs::create_dir(output.join("sub")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", output.join("link")).unwrap();
        let found = folder.outputs().unwrap();
        let names: Vec<&str> = found.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.txt", "b.txt"]);
        assert_eq!(found.skipped, ["link", "sub"]);
        assert_eq!(found.metadata.unwrap(), b"{}");
    }
}
