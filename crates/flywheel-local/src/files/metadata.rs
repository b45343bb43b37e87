//! What an upload says about its files beside their bytes.

use flywheel_core::modality::Classification;
use serde::Deserialize;
use serde_json::Value;

use super::name;
use crate::{
    body,
    error::{ApiError, ApiResult, Detail},
    modalities,
    store::Doc,
};

/// What may be said about one file; everything is optional.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Metadata {
    pub name: Option<String>,
    pub size: Option<u64>,
    #[serde(rename = "type")]
    pub file_type: Option<String>,
    pub mimetype: Option<String>,
    pub modality: Option<String>,
    pub classification: Option<Classification>,
    pub tags: Option<Vec<String>>,
    pub info: Option<Doc>,
    pub zip_member_count: Option<u64>,
    pub deid_log_id: Option<String>,
    pub deid_log_skip_reason: Option<SkipReason>,
}

/// Why a file was not de-identified.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SkipReason {
    UnsupportedType,
    ManualOverride,
}

impl SkipReason {
    /// As documents write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            SkipReason::UnsupportedType => "unsupported_type",
            SkipReason::ManualOverride => "manual_override",
        }
    }
}

const KEYS: [&str; 11] = [
    "name",
    "size",
    "type",
    "mimetype",
    "modality",
    "classification",
    "tags",
    "info",
    "zip_member_count",
    "deid_log_id",
    "deid_log_skip_reason",
];

impl Metadata {
    /// Reads one object that comes with an upload.
    ///
    /// # Errors
    /// As [`Metadata::read`]; 422 as well for tags and modalities that cannot be set otherwise.
    fn sent(value: &Value) -> ApiResult<Self> {
        let read = Self::read(value)?;
        read.modality.as_deref().map_or(Ok(()), |name| modalities::check_name(name, "modality"))?;
        body::check_texts(read.tags.clone().unwrap_or_default().into(), &body::TAG)?;
        Ok(read)
    }

    /// Reads one object of what a gear says.
    ///
    /// # Errors
    /// 422 for keys that no file has, and for values of the wrong type.
    pub(crate) fn read(value: &Value) -> ApiResult<Self> {
        let Some(object) = value.as_object() else {
            return Err(invalid("metadata", "expected an object", value));
        };
        let unknown = object.iter().filter(|(key, _)| !KEYS.contains(&key.as_str())).map(|(key, value)| {
            Detail::new(
                &["body", "metadata", key],
                "extra_forbidden",
                "Extra inputs are not permitted",
                value,
            )
        });
        let unknown: Vec<Detail> = unknown.collect();
        if !unknown.is_empty() {
            return Err(ApiError::invalid(unknown));
        }
        for (key, field) in object {
            let alone: Doc = [(key.clone(), field.clone())].into_iter().collect();
            Self::deserialize(Value::Object(alone))
                .map_err(|error| invalid(key, &error.to_string(), field))?;
        }
        let read = Self::deserialize(value.clone()).map_err(ApiError::from)?;
        match &read.name {
            Some(name) if name::without_folders(name).is_none() => {
                Err(invalid("name", "this cannot be the name of a file", value))
            }
            _ => Ok(read),
        }
    }
}

fn invalid(key: &str, message: &str, input: &Value) -> ApiError {
    ApiError::invalid(vec![Detail::new(&["body", "metadata", key], "value_error", message, input)])
}

/// The metadata of a whole request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Given {
    /// None was sent.
    #[default]
    Nothing,
    /// One object.
    One(Box<Metadata>),
    /// A list, one object a file.
    Each(Vec<Metadata>),
}

impl Given {
    /// Reads the text of the `metadata` part.
    ///
    /// # Errors
    /// 400 when it is no JSON; 422 when it is neither an object nor a list of objects with known keys.
    pub(crate) fn parse(text: &[u8]) -> ApiResult<Self> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::Nothing);
        }
        Self::read(&body::parse(text)?)
    }

    /// Reads metadata that is JSON already.
    ///
    /// # Errors
    /// As [`Given::parse`].
    pub(crate) fn read(value: &Value) -> ApiResult<Self> {
        match value {
            Value::Null => Ok(Self::Nothing),
            Value::Array(list) => list.iter().map(Metadata::sent).collect::<ApiResult<_>>().map(Self::Each),
            Value::String(text) => Self::parse(text.as_bytes()),
            one => Metadata::sent(one).map(|one| Self::One(Box::new(one))),
        }
    }

    /// The metadata of each of the files `names`, in their order.
    ///
    /// One object goes to the file it names, or, naming none, to all; to a lone file it goes in any case and gives it its name.
    /// The objects of a list go to the files they name; those without a name, to the file at the same place.
    ///
    /// # Errors
    /// 422 when an object names a file that was not sent.
    pub(crate) fn for_files(self, names: &[&str]) -> ApiResult<Vec<Metadata>> {
        let list = match self {
            Self::Nothing => return Ok(vec![Metadata::default(); names.len()]),
            Self::One(one) if names.len() == 1 || one.name.is_none() => return Ok(vec![*one; names.len()]),
            Self::One(one) => vec![*one],
            Self::Each(list) if list.len() == 1 && names.len() == 1 => return Ok(list),
            Self::Each(list) => list,
        };
        let mut found = vec![Metadata::default(); names.len()];
        for (at, metadata) in list.into_iter().enumerate() {
            let place = match metadata.name.as_deref().and_then(name::without_folders) {
                Some(name) => names.iter().position(|sent| *sent == name).ok_or_else(|| not_sent(name))?,
                None => at,
            };
            let slot = found.get_mut(place).ok_or_else(|| not_sent(&format!("number {}", at + 1)))?;
            *slot = metadata;
        }
        Ok(found)
    }
}

fn not_sent(which: &str) -> ApiError {
    invalid("name", &format!("the metadata speaks of a file that was not sent: {which}"), &Value::from(which))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::StatusCode;
    use serde_json::json;

    use super::*;

    fn names(given: Value, files: &[&str]) -> Vec<Option<String>> {
        let each = Given::read(&given).unwrap().for_files(files).unwrap();
        each.into_iter().map(|metadata| metadata.file_type).collect()
    }

    fn types(types: &[Option<&str>]) -> Vec<Option<String>> {
        types.iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn metadata_finds_its_file() {
        for (given, files, expected) in [
            (json!(null), vec!["a", "b"], vec![None, None]),
            (json!({"type": "t"}), vec!["a"], vec![Some("t")]),
            (json!({"type": "t"}), vec!["a", "b"], vec![Some("t"), Some("t")]),
            (json!({"name": "b", "type": "t"}), vec!["a", "b"], vec![None, Some("t")]),
            (json!({"name": "other", "type": "t"}), vec!["a"], vec![Some("t")]),
            (json!([{"type": "t"}, {"type": "u"}]), vec!["a", "b"], vec![Some("t"), Some("u")]),
            (
                json!([{"name": "b", "type": "t"}, {"name": "a", "type": "u"}]),
                vec!["a", "b"],
                vec![Some("u"), Some("t")],
            ),
            (json!([]), vec!["a"], vec![None]),
        ] {
            assert_eq!(names(given.clone(), &files), types(&expected), "{given}");
        }
    }

    #[test]
    fn metadata_of_a_file_that_was_not_sent_is_refused() {
        for given in [json!([{"name": "c"}, {"name": "a"}]), json!({"name": "c"}), json!([{}, {}, {}])] {
            let error = Given::read(&given).unwrap().for_files(&["a", "b"]).unwrap_err();
            assert_eq!(error.status(), StatusCode::UNPROCESSABLE_ENTITY);
        }
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_named() {
        for (given, named) in [
            (json!({"measurements": []}), "measurements"),
            (json!({"type": 3}), "type"),
            (json!({"tags": "a"}), "tags"),
            (json!({"classification": {"Intent": "Structural"}}), "classification"),
            (json!({"info": []}), "info"),
            (json!({"deid_log_skip_reason": "because"}), "deid_log_skip_reason"),
            (json!({"name": ".."}), "name"),
            (json!({"tags": ["x".repeat(33)]}), "at most 32"),
            (json!({"modality": "M/R"}), "modality"),
            (json!([1]), "metadata"),
        ] {
            let error = Given::read(&given).unwrap_err();
            assert_eq!(error.status(), StatusCode::UNPROCESSABLE_ENTITY);
            assert!(error.to_string().contains(named), "{error}");
        }
        assert_eq!(Given::parse(b"{").unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(Given::parse(b" ").unwrap(), Given::Nothing);
        assert!(Given::parse(br#"{"type": null, "info": {}, "size": 3}"#).is_ok());
    }
}
