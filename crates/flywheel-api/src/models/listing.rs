//! A list answer in either of its two forms: a bare array, or a page with a total.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::{Extra, Odd, lenient};

/// The rows of a list answer.
///
/// Sites answer a bare array, or a page object when the request accepts pagination; some routes always answer
/// a page. Both read as this one type.
#[derive(Clone, PartialEq)]
pub struct Listing<T> {
    /// The rows that could be decoded, in the order of the answer.
    pub items: Vec<T>,
    /// What a page object says besides its rows; absent for a bare array.
    pub page: Option<Page>,
    /// Rows that no repair could make fit, with their index and their JSON.
    pub odd: Vec<Odd>,
}

/// What a page object says besides its rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// How many rows match in all.
    pub total: Option<u64>,
    /// How many rows this page holds.
    pub count: Option<u64>,
    /// Where the next page starts, on the routes that say it.
    pub next: Option<Value>,
    /// Members without a name here.
    pub extra: Extra,
}

impl<T> Listing<T> {
    /// How many rows match in all, when the answer says it.
    pub fn total(&self) -> Option<u64> {
        self.page.as_ref().and_then(|page| page.total)
    }

    /// How many rows the answer held, odd ones included.
    pub fn len(&self) -> usize {
        self.items.len() + self.odd.len()
    }

    /// Whether the answer held no row at all, not even an odd one: the end of a paged list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> From<Vec<T>> for Listing<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, page: None, odd: Vec::new() }
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listing<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// Shows how many rows there are.
impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items, page, odd } = self;
        let mut shown = f.debug_struct("Listing");
        shown.field("items", &items.len()).field("page", page).field("odd", odd).finish()
    }
}

/// Writes the form that was read; odd rows are not part of it.
impl<T: Serialize> Serialize for Listing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(page) = &self.page else { return self.items.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for (name, number) in [("count", page.count), ("total", page.total)] {
            if let Some(number) = number {
                map.serialize_entry(name, &number)?;
            }
        }
        if let Some(next) = &page.next {
            map.serialize_entry("next", next)?;
        }
        map.serialize_entry("results", &self.items)?;
        for (name, value) in page.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listing<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListingVisitor(PhantomData))
    }
}

struct ListingVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListingVisitor<T> {
    type Value = Listing<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a page with results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(rows)).map(Listing::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut page = Page::default();
        let mut items = None;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "results" => items = Some(members.next_value::<Option<Vec<T>>>()?.unwrap_or_default()),
                "total" => page.total = members.next_value::<lenient::Number<Option<u64>>>()?.0,
                "count" => page.count = members.next_value::<lenient::Number<Option<u64>>>()?.0,
                "next" => page.next = members.next_value()?,
                _ => {
                    page.extra.insert(name, members.next_value()?);
                }
            }
        }
        let items = items.ok_or_else(|| serde::de::Error::missing_field("results"))?;
        Ok(Listing { items, page: Some(page), odd: Vec::new() })
    }
}
