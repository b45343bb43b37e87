//! Decoded values of DICOM elements.

use std::collections::BTreeMap;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::charset::Charsets;

/// The elements of a data set or of an item of a sequence.
#[derive(Debug, Default)]
pub(crate) struct DataSet {
    elements: BTreeMap<Tag, Element>,
}

/// One element: its value representation and value.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) vr: VR,
    pub(crate) value: Value,
}

/// A decoded value.
#[derive(Debug)]
pub(crate) enum Value {
    Text(Vec<String>),
    Integers(Vec<i64>),
    Decimals(Vec<f64>),
    Items(Vec<DataSet>),
}

impl DataSet {
    pub(crate) fn get(&self, tag: Tag) -> Option<&Element> {
        self.elements.get(&tag)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Tag, &Element)> {
        self.elements.iter().map(|(tag, element)| (*tag, element))
    }

    /// All values of a text element, without padding; empty ones included, because their place can matter.
    pub(crate) fn texts(&self, tag: Tag) -> &[String] {
        match self.get(tag) {
            Some(Element { value: Value::Text(values), .. }) => values,
            _ => &[],
        }
    }

    /// The first value as text, unless it is empty.
    pub(crate) fn text(&self, tag: Tag) -> Option<String> {
        let text = match &self.get(tag)?.value {
            Value::Text(values) => values.first()?.clone(),
            Value::Integers(values) => values.first()?.to_string(),
            Value::Decimals(values) => values.first()?.to_string(),
            Value::Items(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The first value as a number.
    pub(crate) fn number(&self, tag: Tag) -> Option<f64> {
        match &self.get(tag)?.value {
            Value::Text(values) => values.first()?.parse().ok().filter(|n: &f64| n.is_finite()),
            Value::Integers(values) => values.first().map(|&n| n as f64),
            Value::Decimals(values) => values.first().copied().filter(|n| n.is_finite()),
            Value::Items(_) => None,
        }
    }

    pub(super) fn put(&mut self, tag: Tag, vr: VR, value: Value) {
        self.elements.insert(tag, Element { vr, value });
    }
}

/// The dictionary's representation where the file has none that means anything.
pub(super) fn sensible_vr(tag: Tag, stated: VR) -> VR {
    if matches!(stated, VR::UN | VR::OB | VR::OW) {
        let known = StandardDataDictionary.by_tag(tag).map(|entry| entry.vr().relaxed());
        return known.filter(|vr| *vr != VR::SQ).unwrap_or(stated);
    }
    stated
}

/// Whether values of this representation are data rather than fields.
pub(super) fn is_bulk(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN | VR::SQ)
}

/// The value that `bytes` write in this representation.
pub(super) fn decode(vr: VR, bytes: &[u8], big_endian: bool, charsets: &Charsets) -> Value {
    macro_rules! numbers {
        ($kind:ident, $type:ty, $as:ty) => {
            Value::$kind(
                bytes
                    .chunks_exact(size_of::<$type>())
                    .filter_map(|chunk| chunk.try_into().ok())
                    .map(|chunk| {
                        if big_endian { <$type>::from_be_bytes(chunk) } else { <$type>::from_le_bytes(chunk) }
                    })
                    .map(|number| number as $as)
                    .collect(),
            )
        };
    }
    match vr {
        VR::US => numbers!(Integers, u16, i64),
        VR::SS => numbers!(Integers, i16, i64),
        VR::UL => numbers!(Integers, u32, i64),
        VR::SL => numbers!(Integers, i32, i64),
        VR::SV => numbers!(Integers, i64, i64),
        VR::UV => numbers!(Integers, u64, i64),
        VR::FL => numbers!(Decimals, f32, f64),
        VR::FD => numbers!(Decimals, f64, f64),
        VR::AT => tags_as_text(bytes, big_endian),
        VR::LT | VR::ST | VR::UT => Value::Text(vec![unpadded(&charsets.decode(bytes)).to_owned()]),
        VR::DS => parsed(bytes, Value::Decimals),
        VR::IS => parsed(bytes, Value::Integers),
        _ => {
            Value::Text(charsets.decode(bytes).split('\\').map(|value| unpadded(value).to_owned()).collect())
        }
    }
}

/// Numbers written as text, or the text itself where it is not all numbers.
fn parsed<N: std::str::FromStr>(bytes: &[u8], value: impl Fn(Vec<N>) -> Value) -> Value {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.split('\\').map(unpadded).collect();
    match parts.iter().map(|part| part.parse()).collect::<Result<Vec<N>, _>>() {
        Ok(numbers) => value(numbers),
        Err(_) => Value::Text(parts.into_iter().map(str::to_owned).collect()),
    }
}

fn tags_as_text(bytes: &[u8], big_endian: bool) -> Value {
    let half = |pair: &[u8]| match *pair {
        [a, b] if big_endian => u16::from_be_bytes([a, b]),
        [a, b] => u16::from_le_bytes([a, b]),
        _ => 0,
    };
    let text = bytes.chunks_exact(4).map(|four| {
        let (group, element) = four.split_at(2);
        format!("{:04X}{:04X}", half(group), half(element))
    });
    Value::Text(text.collect())
}

fn unpadded(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
}
