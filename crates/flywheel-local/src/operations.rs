//! Every operation of the API description, so that one that is not served can say its name.

use std::sync::LazyLock;

use http::Method;

/// One operation: how it is called and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path below `/api`, with parameters in braces.
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
}

/// Every operation, in the order of `operations.txt`: one line each, `METHOD path operation_id`, taken from
/// `openapi/flywheel.json`. The test below fails when the two differ and says what to write.
pub(crate) static ALL: LazyLock<Vec<Operation>> =
    LazyLock::new(|| include_str!("operations.txt").lines().filter_map(read).collect());

fn read(line: &'static str) -> Option<Operation> {
    let mut words = line.split(' ');
    let (method, path, id) = (words.next()?, words.next()?, words.next()?);
    Some(Operation { method: method.parse().ok()?, path, id })
}

impl Operation {
    /// Whether a request path (below `/api`) is of this operation's form.
    pub(crate) fn fits(&self, path: &str) -> bool {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if segment_fits(wanted, given) => {}
                _ => return false,
            }
        }
    }
}

/// Whether a segment fits `name`, `{parameter}` or `{parameter}tail`.
fn segment_fits(wanted: &str, given: &str) -> bool {
    match wanted.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((_, tail)) => given.len() > tail.len() && given.ends_with(tail),
        None => wanted == given,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_line_is_an_operation() {
        assert_eq!(ALL.len(), include_str!("operations.txt").lines().count());
    }

    #[test]
    fn parameters_fit_any_segment_but_an_empty_one() {
        let read = |line| read(line).unwrap();
        assert!(read("GET /a/{x}/b id").fits("/a/1/b"));
        assert!(!read("GET /a/{x}/b id").fits("/a//b"));
        assert!(!read("GET /a/{x} id").fits("/a/1/b"));
        assert!(read("GET /tasks/{kind}s/ids id").fits("/tasks/sessions/ids"));
    }
}
