//! Configuration: defaults filled in, values held against the manifest, and how they stand in the environment.

use serde_json::{Map, Value};

use super::{manifest::Manifest, schema};

/// A configuration that the manifest does not admit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("config did not match manifest: {key}: {error}")]
pub struct ConfigError {
    /// The configuration key.
    pub key: String,
    /// What is wrong with it.
    pub error: String,
}

/// The keys of a snippet that are the manifest's own and no part of the schema.
const OWN: [&str; 2] = ["description", "optional"];

/// The schema of one configuration value.
pub(super) fn value_schema(snippet: &Map<String, Value>) -> Value {
    let kept = snippet.iter().filter(|(key, _)| !OWN.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Whether a call must give a value: the manifest has no default for it and does not call it optional.
pub(super) fn is_required(snippet: &Map<String, Value>) -> bool {
    !snippet.contains_key("default") && snippet.get("optional").and_then(Value::as_bool) != Some(true)
}

impl Manifest {
    /// The values that a call has when it gives none. Keys without a default are absent.
    pub fn default_config(&self) -> Map<String, Value> {
        let defaults = self.config().filter_map(|(key, snippet)| Some((key, snippet.get("default")?)));
        defaults.map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }

    /// The values of a call with the defaults filled in. Keys that the manifest does not know are kept.
    ///
    /// # Errors
    /// The first key whose value does not fit the manifest, or that is required and missing.
    pub fn complete_config(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, ConfigError> {
        let mut config = self.default_config();
        config.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
        for (key, snippet) in self.config() {
            let fault = |error| ConfigError { key: key.to_owned(), error };
            match config.get(key) {
                None if is_required(snippet) => {
                    return Err(fault("a value is required: the manifest has no default for it".to_owned()));
                }
                None => {}
                Some(value) => {
                    if let Some(first) = schema::violations(&value_schema(snippet), value).into_iter().next()
                    {
                        return Err(fault(first.message));
                    }
                }
            }
        }
        Ok(config)
    }
}

/// The environment variable of a configuration key: `FW_CONFIG_` and the key's letters, digits and `_` in upper case, blanks
/// as `_`. `None` when nothing of the key is left.
///
/// ```
/// # use flywheel_core::gear::environment_name;
/// assert_eq!(environment_name("smooth by-fwhm").as_deref(), Some("FW_CONFIG_SMOOTH_BYFWHM"));
/// assert_eq!(environment_name("--"), None);
/// ```
pub fn environment_name(key: &str) -> Option<String> {
    let kept: String = key
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_'))
        .map(|c| if c == ' ' { '_' } else { c.to_ascii_uppercase() })
        .collect();
    (!kept.is_empty()).then(|| format!("FW_CONFIG_{kept}"))
}

/// A configuration value as text of the environment: texts bare, everything else as JSON.
pub fn environment_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
