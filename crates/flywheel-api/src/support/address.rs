//! Where a request for an operation goes: its path with encoded values, its query with what is always sent.

use reqwest::Url;

use super::segment;
use crate::{Error, ErrorKind, Operation, operation::Place};

/// The value of the path parameter `name`, as it may stand in a path.
pub(crate) fn segment(operation: &'static Operation, name: &str, value: &str) -> Result<String, Error> {
    segment::encode(value).map_err(|error| Error::invalid_request(operation, format!("{name}: {error}")))
}

/// The path of `operation`, with what `segment` gives for each parameter's name, encoded already.
pub(crate) fn path(
    operation: &'static Operation,
    mut segment: impl FnMut(&str) -> Result<Option<String>, Error>,
) -> Result<String, Error> {
    let mut path = String::new();
    for part in operation.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => path.push_str(part),
            Some(name) => {
                let value = segment(name)?
                    .ok_or_else(|| Error::invalid_request(operation, format!("{name} is missing")))?;
                path.push_str(&value);
            }
        }
    }
    Ok(path)
}

/// What `operation` always sends in its query, but for what `given` says already.
pub(crate) fn constants<'a>(
    operation: &'static Operation,
    given: &'a [(impl AsRef<str>, String)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    operation
        .constants
        .iter()
        .filter(|constant| constant.place == Place::Query)
        .filter(|constant| !given.iter().any(|(name, _)| name.as_ref() == constant.name))
        .map(|constant| (constant.name, constant.value))
}

/// The address `start` with the pairs of `query` and of `more`.
pub(crate) fn url<'a>(
    start: &str,
    query: &'a [(impl AsRef<str>, String)],
    more: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Url, Error> {
    let mut url = Url::parse(start)
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("the address is malformed: {error}")))?;
    let mut pairs = query.iter().map(|(name, value)| (name.as_ref(), value.as_str())).chain(more).peekable();
    if pairs.peek().is_some() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}
