//! The credential files of the command line tools, as text: `user.json` of the classic one and `config.yml` of the newer.
//!
//! Both keep what they do not know, so that writing a key never loses a setting of another program.

use std::fmt;

use serde_json::{Map, Value};

use crate::key::{ApiKey, KeyError};

/// Why a credential file cannot be used. No message repeats the file's text, which holds secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The text is not in the file's format.
    #[error("the credential file is not {expected} (line {line}); log in again to write a new one")]
    Syntax {
        /// The format the file should have.
        expected: &'static str,
        /// The line the reader stopped at, 1 when it cannot tell.
        line: usize,
    },
    /// There is no key in the file.
    #[error("the credential file holds no API key; log in first")]
    NoKey,
    /// The file names no such profile.
    #[error("the credential file has no profile {0:?}")]
    NoProfile(String),
    /// The key in the file is not one.
    #[error("the credential file holds a key that cannot be used: {0}")]
    Key(#[from] KeyError),
}

/// `~/.config/flywheel/user.json`: one key, and whatever else stands beside it.
///
/// ```
/// use flywheel_core::credentials::UserFile;
///
/// let mut file = UserFile::parse(r#"{"key": "host.example:djEabc", "root": false}"#)?;
/// assert_eq!(file.key()?.host(), "host.example");
/// file.set_key(&"other.example:djEdef".parse()?);
/// assert!(file.to_text().contains("\"root\": false"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct UserFile(Map<String, Value>);

impl UserFile {
    /// Reads the file's text; an empty one is a file without a key.
    ///
    /// # Errors
    /// [`CredentialsError::Syntax`] when the text is not a JSON object.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map(Self).map_err(|error| CredentialsError::Syntax {
            expected: "a JSON object",
            line: error.line().max(1),
        })
    }

    /// The key.
    ///
    /// # Errors
    /// [`CredentialsError::NoKey`] when there is none, [`CredentialsError::Key`] when it is not one.
    pub fn key(&self) -> Result<ApiKey, CredentialsError> {
        key_in(&self.0, "key")
    }

    /// Puts a key into the file.
    pub fn set_key(&mut self, key: &ApiKey) {
        self.0.insert("key".to_owned(), key.expose().into());
    }

    /// Takes the key out; says whether there was one.
    pub fn remove_key(&mut self) -> bool {
        self.0.shift_remove("key").is_some()
    }

    /// Whether nothing is left in the file.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The file's text, secrets included.
    pub fn to_text(&self) -> String {
        format!("{:#}\n", Value::Object(self.0.clone()))
    }
}

impl fmt::Debug for UserFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFile").field("key", &self.key().ok()).finish_non_exhaustive()
    }
}

/// `~/.fw/config.yml`: named profiles, each with a key, and the options of the tool.
///
/// ```
/// use flywheel_core::credentials::ProfileFile;
///
/// let file = ProfileFile::parse("default_profile: lab\nprofiles:\n- name: lab\n  api_key: host.example:djEabc\n")?;
/// assert_eq!(file.key(None)?.host(), "host.example");
/// assert!(file.key(Some("home")).is_err());
/// # Ok::<(), flywheel_core::credentials::CredentialsError>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct ProfileFile(Map<String, Value>);

impl ProfileFile {
    /// Reads the file's text; an empty one is a file without profiles.
    ///
    /// # Errors
    /// [`CredentialsError::Syntax`] when the text is not a YAML mapping.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let syntax = |line| CredentialsError::Syntax { expected: "a YAML mapping", line };
        let value: Value = serde_saphyr::from_str(text)
            .map_err(|error| syntax(error.location().map_or(1, |at| at.line() as usize)))?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            Value::Null => Ok(Self::default()),
            _ => Err(syntax(1)),
        }
    }

    /// The key of a profile, or of the default profile. A file that names no default and has one profile means that one.
    ///
    /// # Errors
    /// [`CredentialsError::NoProfile`] when there is no such profile, [`CredentialsError::NoKey`] when the file has none at
    /// all or the profile has no key, [`CredentialsError::Key`] when its key is not one.
    pub fn key(&self, profile: Option<&str>) -> Result<ApiKey, CredentialsError> {
        let default = profile.or_else(|| self.default_profile());
        let found = match default {
            Some(name) => self
                .profiles()
                .find(|profile| name_of(profile) == Some(name))
                .ok_or(CredentialsError::NoProfile(name.into()))?,
            None => self.profiles().next().ok_or(CredentialsError::NoKey)?,
        };
        key_in(found, "api_key")
    }

    /// The name of the default profile, where the file gives one.
    pub fn default_profile(&self) -> Option<&str> {
        self.0.get("default_profile").and_then(Value::as_str)
    }

    /// The names of the profiles, in order.
    pub fn profile_names(&self) -> Vec<&str> {
        self.profiles().filter_map(name_of).collect()
    }

    fn profiles(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.0.get("profiles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    /// An option of the tool that stands beside the profiles, such as `connect_timeout`.
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Puts a profile's key into the file; the first profile becomes the default.
    pub fn set_key(&mut self, profile: &str, key: &ApiKey) {
        let profiles = self.0.entry("profiles").or_insert_with(|| Value::Array(Vec::new()));
        if !profiles.is_array() {
            *profiles = Value::Array(Vec::new());
        }
        let list = profiles.as_array_mut().expect("made an array above");
        let entry =
            list.iter_mut().filter_map(Value::as_object_mut).find(|entry| name_of(entry) == Some(profile));
        match entry {
            Some(entry) => {
                entry.insert("api_key".to_owned(), key.expose().into());
            }
            None => list.push(serde_json::json!({"name": profile, "api_key": key.expose()})),
        }
        self.0.entry("default_profile").or_insert_with(|| profile.into());
    }

    /// Takes a profile out; says whether it was there.
    pub fn remove_profile(&mut self, profile: &str) -> bool {
        let Some(list) = self.0.get_mut("profiles").and_then(Value::as_array_mut) else { return false };
        let before = list.len();
        list.retain(|entry| entry.as_object().and_then(name_of) != Some(profile));
        let removed = list.len() < before;
        if removed && self.default_profile() == Some(profile) {
            self.0.shift_remove("default_profile");
        }
        removed
    }

    /// The file's text, secrets included.
    ///
    /// # Errors
    /// [`CredentialsError::Syntax`] when an option beside the profiles has no form in YAML.
    pub fn to_text(&self) -> Result<String, CredentialsError> {
        serde_saphyr::to_string(&self.0)
            .map_err(|_| CredentialsError::Syntax { expected: "a YAML mapping", line: 1 })
    }
}

impl fmt::Debug for ProfileFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileFile").field("profiles", &self.profile_names()).finish_non_exhaustive()
    }
}

fn name_of(profile: &Map<String, Value>) -> Option<&str> {
    profile.get("name").and_then(Value::as_str)
}

fn key_in(map: &Map<String, Value>, field: &str) -> Result<ApiKey, CredentialsError> {
    Ok(map.get(field).and_then(Value::as_str).ok_or(CredentialsError::NoKey)?.parse::<ApiKey>()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> ApiKey {
        text.parse().unwrap()
    }

    #[test]
    fn user_file_keeps_what_it_does_not_know() {
        let mut file = UserFile::parse(r#"{"root": true, "key": "h:k1", "x": [1]}"#).unwrap();
        file.set_key(&key("h2:k2"));
        let back = UserFile::parse(&file.to_text()).unwrap();
        assert_eq!(back, file);
        assert_eq!(back.key().unwrap().expose(), "h2:k2");
        assert!(file.remove_key() && !file.remove_key() && !file.is_empty());
        assert_eq!(file.key().unwrap_err(), CredentialsError::NoKey);
    }

    #[test]
    fn broken_file_is_named_by_line_and_never_quoted() {
        let error = UserFile::parse("{\n\"key\": hush}").unwrap_err();
        assert_eq!(error, CredentialsError::Syntax { expected: "a JSON object", line: 2 });
        assert!(!error.to_string().contains("hush"));
        assert!(matches!(ProfileFile::parse("a: [hush").unwrap_err(), CredentialsError::Syntax { .. }));
        assert!(matches!(ProfileFile::parse("- a").unwrap_err(), CredentialsError::Syntax { .. }));
    }

    #[test]
    fn profiles_are_found_by_name_and_by_default() {
        let text = "default_profile: b\nconnect_timeout: 10\nprofiles:\n- {name: a, api_key: 'a:k'}\n- {name: b, api_key: 'b:k', is_admin: true}\n";
        let mut file = ProfileFile::parse(text).unwrap();
        assert_eq!(file.key(None).unwrap().host(), "b");
        assert_eq!(file.key(Some("a")).unwrap().host(), "a");
        assert_eq!(file.profile_names(), ["a", "b"]);
        assert_eq!(file.option("connect_timeout"), Some(&Value::from(10)));
        assert_eq!(file.key(Some("c")).unwrap_err(), CredentialsError::NoProfile("c".into()));
        file.set_key("b", &key("b2:k"));
        file.set_key("c", &key("c:k"));
        let back = ProfileFile::parse(&file.to_text().unwrap()).unwrap();
        assert_eq!(back, file);
        assert_eq!(back.key(None).unwrap().host(), "b2");
        assert!(file.remove_profile("b") && !file.remove_profile("b"));
        assert_eq!(file.key(None).unwrap().host(), "a");
    }

    #[test]
    fn first_profile_becomes_the_default() {
        let mut file = ProfileFile::parse("").unwrap();
        assert_eq!(file.key(None).unwrap_err(), CredentialsError::NoKey);
        file.set_key("lab", &key("h:8080:__force_insecure:k"));
        assert_eq!(file.default_profile(), Some("lab"));
        assert_eq!(ProfileFile::parse(&file.to_text().unwrap()).unwrap().key(None).unwrap().port(), 8080);
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut users = UserFile::default();
        users.set_key(&key("h:hush"));
        let mut profiles = ProfileFile::default();
        profiles.set_key("p", &key("h:hush"));
        assert!(!format!("{users:?} {profiles:?}").contains("hush"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = UserFile::parse(&text).map(|file| file.key());
            let _ = ProfileFile::parse(&text).map(|file| file.key(None));
        }
    }
}
