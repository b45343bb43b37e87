//! Where keys are looked for.

use super::settings::Environment;
use crate::{Error, ErrorKind};
use flywheel_core::{
    credentials::{CredentialsError, ProfileFile, UserFile},
    key::ApiKey,
};
use std::path::{Path, PathBuf};

pub(super) const WHERE: &str =
    "Set FLYWHEEL_API_KEY to a key from your profile page, or log in with `fw login KEY`.";

/// The files in which the command line tools keep keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialFiles {
    /// `user.json` of the classic tool, in `~/.config/flywheel` or the folder `FLYWHEEL_USER_HOME/.config/flywheel`.
    pub user: PathBuf,
    /// `config.yml` of the newer tool with its profiles, in `~/.fw` or the folder that `FW_CLI_CONFIG_DIR` names.
    pub profiles: PathBuf,
}

impl CredentialFiles {
    /// The files of the user whose home is `home`, or of the one that runs the process.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when no home folder is known.
    pub fn locate(environment: &Environment, home: Option<&Path>) -> Result<Self, Error> {
        let own = || home.map(Path::to_path_buf).or_else(|| environment.get("HOME").map(PathBuf::from));
        let own = || own().or_else(|| environment.get("USERPROFILE").map(PathBuf::from)).ok_or_else(no_home);
        let moved = |name: &str| environment.get(name).map(PathBuf::from);
        let user_home = moved("FLYWHEEL_USER_HOME").map_or_else(own, Ok)?;
        let folder = match moved("FW_CLI_CONFIG_DIR") {
            Some(folder) => folder,
            None => own()?.join(".fw"),
        };
        Ok(Self { user: user_home.join(".config/flywheel/user.json"), profiles: folder.join("config.yml") })
    }
}

fn no_home() -> Error {
    Error::new(
        ErrorKind::Config,
        "the home folder, where credential files are kept, is not known: HOME is not set",
    )
    .with_hint(WHERE)
}

/// The key of the environment, of the profile it names, or of the credential files.
pub(super) fn find(environment: &Environment, home: Option<&Path>) -> Result<ApiKey, Error> {
    if let Some(text) = environment.get("FLYWHEEL_API_KEY") {
        let wrong = |error| unusable(format!("FLYWHEEL_API_KEY is not an API key: {error}"));
        return text.parse().map_err(wrong);
    }
    if let Some(profile) = environment.get("FLYWHEEL_PROFILE") {
        return of_profile(environment, home, &profile);
    }
    let Ok(files) = CredentialFiles::locate(environment, home) else { return Err(no_key()) };
    if let Some(text) = read(&files.user)? {
        match UserFile::parse(&text).and_then(|file| file.key()) {
            Err(CredentialsError::NoKey) => {}
            found => return found.map_err(|error| in_file(&files.user, &error)),
        }
    }
    if let Some(text) = read(&files.profiles)? {
        match ProfileFile::parse(&text).and_then(|file| file.key(None)) {
            Err(CredentialsError::NoKey) => {}
            found => return found.map_err(|error| in_file(&files.profiles, &error)),
        }
    }
    Err(no_key())
}

/// The key of the profile `name`.
pub(super) fn of_profile(
    environment: &Environment,
    home: Option<&Path>,
    name: &str,
) -> Result<ApiKey, Error> {
    let path = CredentialFiles::locate(environment, home)?.profiles;
    let text = read(&path)?.unwrap_or_default();
    ProfileFile::parse(&text).and_then(|file| file.key(Some(name))).map_err(|error| in_file(&path, &error))
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(format!("{} cannot be read: {error}", path.display())).with_source(error)),
    }
}

fn in_file(path: &Path, error: &CredentialsError) -> Error {
    unusable(format!("{}: {error}", path.display()))
}

fn unusable(message: String) -> Error {
    Error::new(ErrorKind::Config, message).with_hint(WHERE)
}

fn no_key() -> Error {
    Error::new(ErrorKind::Config, "no API key is found").with_hint(WHERE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PROFILES: &str = "default_profile: lab\nprofiles:\n- {name: lab, api_key: 'lab.example:kkkk'}\n\
                            - {name: home, api_key: 'home.example:kkkk'}\n";

    fn home(user: Option<&str>, profiles: Option<&str>) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (file, text) in [(".config/flywheel/user.json", user), (".fw/config.yml", profiles)] {
            if let Some(text) = text {
                let path = home.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        home
    }

    fn host(variables: &[(&str, &str)], home: &tempfile::TempDir) -> Result<String, Error> {
        let environment = Environment::of(variables.iter().copied());
        find(&environment, Some(home.path())).map(|key| key.host().to_owned())
    }

    #[test]
    fn variable_then_named_profile_then_user_file_then_default_profile() {
        let both = home(Some(r#"{"key": "user.example:kkkk"}"#), Some(PROFILES));
        let variables = [("FLYWHEEL_API_KEY", "env.example:kkkk"), ("FLYWHEEL_PROFILE", "home")];
        assert_eq!(host(&variables, &both).unwrap(), "env.example");
        assert_eq!(host(&variables[1..], &both).unwrap(), "home.example");
        assert_eq!(host(&[], &both).unwrap(), "user.example");
        assert_eq!(host(&[], &home(None, Some(PROFILES))).unwrap(), "lab.example");
        assert_eq!(host(&[], &home(Some("{}"), Some(PROFILES))).unwrap(), "lab.example");
    }

    #[test]
    fn nothing_found_tells_where_to_put_a_key() {
        let error = host(&[], &home(None, None)).unwrap_err();
        assert_eq!((error.kind(), error.hint()), (ErrorKind::Config, Some(WHERE)));
        assert_eq!(find(&Environment::empty(), None).unwrap_err().message(), "no API key is found");
    }

    #[test]
    fn a_malformed_file_or_key_is_named_without_its_text() {
        let broken = home(Some(r#"{"key": "user.example:kk kk"}"#), None);
        let error = host(&[], &broken).unwrap_err();
        assert!(error.message().contains("user.json") && !error.message().contains("kk kk"), "{error}");
        let error = host(&[("FLYWHEEL_PROFILE", "nowhere")], &home(None, Some(PROFILES))).unwrap_err();
        assert!(error.message().contains("config.yml") && error.message().contains("nowhere"), "{error}");
        assert!(host(&[("FLYWHEEL_API_KEY", "nohost")], &broken).is_err());
    }

    #[test]
    fn variables_move_the_files() {
        let moved = home(Some(r#"{"key": "user.example:kkkk"}"#), None);
        let folder = moved.path().to_str().unwrap();
        let empty = home(None, None);
        assert_eq!(host(&[("FLYWHEEL_USER_HOME", folder)], &empty).unwrap(), "user.example");
        let profiles = home(None, Some(PROFILES));
        let folder = profiles.path().join(".fw");
        assert_eq!(host(&[("FW_CLI_CONFIG_DIR", folder.to_str().unwrap())], &empty).unwrap(), "lab.example");
    }
}
