//! The files in which keys are kept: `~/.config/flywheel/user.json`, and `~/.fw/config.yml` for named profiles.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;
use flywheel::{ApiKey, CredentialFiles, Environment};
use flywheel_core::credentials::{ProfileFile, UserFile};

/// Stores `key`, as a profile when one is named, and says where.
///
/// # Errors
/// The file cannot be read or written, or is not what it should be.
pub(crate) fn store(key: &ApiKey, profile: Option<&str>) -> anyhow::Result<std::path::PathBuf> {
    let files = files()?;
    let (path, text) = match profile {
        Some(profile) => {
            let mut file = read(&files.profiles, ProfileFile::parse)?;
            file.set_key(profile, key);
            (files.profiles, file.to_text()?)
        }
        None => {
            let mut file = read(&files.user, UserFile::parse)?;
            file.set_key(key);
            (files.user, file.to_text())
        }
    };
    write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// Takes the stored key out. Says whether there was one.
///
/// # Errors
/// As [`store`].
pub(crate) fn remove(profile: Option<&str>) -> anyhow::Result<bool> {
    let files = files()?;
    let (path, removed, text) = match profile {
        Some(profile) => {
            let mut file = read(&files.profiles, ProfileFile::parse)?;
            (files.profiles, file.remove_profile(profile), Some(file.to_text()?))
        }
        None => {
            let mut file = read(&files.user, UserFile::parse)?;
            (files.user, file.remove_key(), (!file.is_empty()).then(|| file.to_text()))
        }
    };
    if removed {
        let changed = match text {
            Some(text) => write(&path, &text),
            None => fs::remove_file(&path),
        };
        changed.with_context(|| format!("{} cannot be changed", path.display()))?;
    }
    Ok(removed)
}

fn files() -> anyhow::Result<CredentialFiles> {
    Ok(CredentialFiles::locate(&Environment::process(), None)?)
}

fn read<T, E>(path: &Path, parse: impl Fn(&str) -> Result<T, E>) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    parse(&text).with_context(|| path.display().to_string())
}

/// Replaces a file in one step. Nobody else can read it, from its first byte on.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // A temporary file is made with mode 0600, and keeps it when it takes its place.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
