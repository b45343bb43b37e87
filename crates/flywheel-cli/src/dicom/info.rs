//! Header fields as free metadata of a file: `info.header.dicom.<Keyword>`, as the platform's own toolkits name them.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use serde_json::{Map, Number, Value as Json, json};

use super::value::{DataSet, Element, Value};

/// Longer texts are documents, not fields. Characters.
const LONGEST_TEXT: usize = 1024;
/// Longer lists (contours, curves) are data, not fields.
const MOST_VALUES: usize = 64;
const MOST_ITEMS: usize = 16;
const DEEPEST: usize = 2;

/// The `info` of a file whose header is `data`.
pub(crate) fn file_info(data: &DataSet) -> Json {
    json!({ "header": { "dicom": fields(data, 0) } })
}

fn fields(data: &DataSet, depth: usize) -> Map<String, Json> {
    data.iter()
        .filter_map(|(tag, element)| Some((keyword(tag)?.to_owned(), json_of(element, depth)?)))
        .collect()
}

/// The dictionary's name of a tag. Unnamed and repeating-group tags have none and are left out.
fn keyword(tag: Tag) -> Option<&'static str> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    let exact = entry.tag_range().inner() == tag;
    (exact && tag.element() != 0).then(|| entry.alias())
}

fn json_of(element: &Element, depth: usize) -> Option<Json> {
    let values: Vec<Json> = match &element.value {
        Value::Text(values) => {
            let kept = values.iter().all(|text| text.chars().count() <= LONGEST_TEXT);
            if !kept || values.iter().all(String::is_empty) {
                return None;
            }
            values.iter().map(|text| Json::from(text.as_str())).collect()
        }
        Value::Integers(values) => values.iter().map(|&number| number.into()).collect(),
        Value::Decimals(values) => values.iter().map(|&number| decimal(number, element.vr)).collect(),
        Value::Items(items) if depth < DEEPEST && items.len() <= MOST_ITEMS => {
            let items = items.iter().map(|item| Json::Object(fields(item, depth + 1)));
            return Some(Json::Array(items.collect()));
        }
        Value::Items(_) => return None,
    };
    match <[Json; 1]>::try_from(values) {
        Ok([one]) => Some(one),
        Err(values) if values.is_empty() || values.len() > MOST_VALUES => None,
        Err(values) => Some(Json::Array(values)),
    }
}

/// A four-byte float is shown by its own shortest digits, not by those of the wider type.
fn decimal(number: f64, vr: VR) -> Json {
    let number = if vr == VR::FL { (number as f32).to_string().parse().unwrap_or(number) } else { number };
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}
