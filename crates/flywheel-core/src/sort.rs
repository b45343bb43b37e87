//! The order of a list: `label:asc,created:desc`, read and written.

use std::{fmt, str::FromStr};

use crate::syntax::{ParseError, try_from_text};

/// The keys a list is ordered by, first key first.
///
/// ```
/// use flywheel_core::sort::Sort;
///
/// let sort = Sort::asc("label").then_desc("created");
/// assert_eq!(sort.to_string(), "label:asc,created:desc");
/// assert_eq!(sort, "label,created:-1".parse()?);
/// # Ok::<(), flywheel_core::syntax::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// The keys, most significant first.
    pub keys: Vec<SortKey>,
}

/// One key of a [`Sort`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Dotted path of the field, such as `gear.name`.
    pub path: String,
    /// Direction.
    pub order: Order,
}

/// Direction of a [`SortKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Least first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

impl Sort {
    /// Orders by `path`, least first.
    pub fn asc(path: impl Into<String>) -> Self {
        Self::default().then(path, Order::Ascending)
    }

    /// Orders by `path`, greatest first.
    pub fn desc(path: impl Into<String>) -> Self {
        Self::default().then(path, Order::Descending)
    }

    /// Among equals, orders by `path`, least first.
    #[must_use]
    pub fn then_asc(self, path: impl Into<String>) -> Self {
        self.then(path, Order::Ascending)
    }

    /// Among equals, orders by `path`, greatest first.
    #[must_use]
    pub fn then_desc(self, path: impl Into<String>) -> Self {
        self.then(path, Order::Descending)
    }

    fn then(mut self, path: impl Into<String>, order: Order) -> Self {
        self.keys.push(SortKey { path: path.into(), order });
        self
    }
}

impl FromStr for Sort {
    type Err = ParseError;

    fn from_str(input: &str) -> Result<Self, ParseError> {
        if input.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut start = 0;
        let mut keys = Vec::new();
        for part in input.split(',') {
            keys.push(key(input, start, part)?);
            start += part.len() + 1;
        }
        Ok(Self { keys })
    }
}

try_from_text!(Sort, ParseError);

fn key(input: &str, start: usize, part: &str) -> Result<SortKey, ParseError> {
    let (path, order) = match part.rsplit_once(':') {
        None => (part, Order::Ascending),
        Some((path, word)) => match word.trim().to_ascii_lowercase().as_str() {
            "asc" | "1" => (path, Order::Ascending),
            "desc" | "-1" => (path, Order::Descending),
            _ => {
                let span = start + path.len() + 1..start + part.len();
                return Err(ParseError::new(input, span, "unknown order: expected asc, desc, 1 or -1"));
            }
        },
    };
    let path = path.trim();
    if path.is_empty() {
        return Err(ParseError::new(input, start..start + part.len(), "a sort key names no field"));
    }
    Ok(SortKey { path: path.to_owned(), order })
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.keys.iter().enumerate() {
            let order = if key.order == Order::Ascending { "asc" } else { "desc" };
            write!(f, "{}{}:{order}", if at == 0 { "" } else { "," }, key.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn orders_are_read_in_every_spelling() {
        let sort: Sort = "a, b:ASC ,c:1,d.e:desc,f:-1".parse().unwrap();
        assert_eq!(sort.to_string(), "a:asc,b:asc,c:asc,d.e:desc,f:desc");
        assert_eq!("".parse::<Sort>().unwrap(), Sort::default());
    }

    #[test]
    fn unknown_order_is_pointed_at() {
        let error = "label:asc,created:down".parse::<Sort>().unwrap_err();
        assert_eq!(error.span, 18..22);
        assert_eq!(
            error.to_string(),
            "unknown order: expected asc, desc, 1 or -1\n  label:asc,created:down\n                    ^^^^"
        );
    }

    #[test]
    fn key_without_a_field_is_refused() {
        for text in ["a,,b", ":asc", "a,", " ,a"] {
            assert!(text.parse::<Sort>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_sort_parses_back(keys in proptest::collection::vec(("[a-zA-Z0-9_.:é][a-zA-Z0-9_.:é -]{0,10}[a-z.]", any::<bool>()), 0..5)) {
            let sort = keys.into_iter().fold(Sort::default(), |sort, (path, up)| {
                if up { sort.then_asc(path) } else { sort.then_desc(path) }
            });
            prop_assert_eq!(sort.to_string().parse::<Sort>().unwrap(), sort);
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            if let Err(error) = text.parse::<Sort>() { let _ = error.to_string(); }
        }
    }
}
