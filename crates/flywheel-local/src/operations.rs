//! Every operation of the API description, so that one that is not served can say its name.

use std::{collections::HashSet, sync::LazyLock};

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
    /// The path without the names of its parameters.
    pub(crate) fn shape(path: &str) -> String {
        let pieces = path.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, tail)| tail));
        pieces.collect::<Vec<_>>().join("{}")
    }

    /// Whether a request path (below `/api`) is of this operation's form.
    pub(crate) fn fits(&self, path: &str) -> bool {
        fits(self.path, path)
    }
}

/// The operations that none of these routes serves, by method and path. A route serves the operation of its own form. One
/// that is of no operation's form serves those whose parameters it fills in. An operation that begins with a kind of
/// container is served when it is for some kind.
pub(crate) fn unserved(routes: &[(Method, &str)]) -> Vec<&'static Operation> {
    let forms: HashSet<(&Method, String)> =
        ALL.iter().map(|operation| (&operation.method, Operation::shape(operation.path))).collect();
    let own: HashSet<(&Method, String)> =
        routes.iter().map(|(method, path)| (method, Operation::shape(path))).collect();
    let filled = |operation: &Operation| {
        routes.iter().any(|(method, path)| {
            *method == operation.method
                && operation.fits(path)
                && (operation.path.starts_with("/{") || !forms.contains(&(method, Operation::shape(path))))
        })
    };
    let served = |operation: &&Operation| {
        own.contains(&(&operation.method, Operation::shape(operation.path))) || filled(operation)
    };
    ALL.iter().filter(|operation| !served(operation)).collect()
}

/// Whether a path is of the form of a template.
pub(crate) fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if segment_fits(wanted, given) => {}
            _ => return false,
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

    /// The lines that the description asks for.
    fn described() -> String {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/flywheel.json");
        let description: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut lines = Vec::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let method = method.to_uppercase();
                if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                    lines.push(format!("{method} {path} {}\n", operation["operationId"].as_str().unwrap()));
                }
            }
        }
        lines.sort_by(|a, b| a.split(' ').nth(1).cmp(&b.split(' ').nth(1)).then(a.cmp(b)));
        lines.concat()
    }

    #[test]
    fn the_table_is_that_of_the_description() {
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/src/operations.txt");
        if std::env::var_os("UPDATE_OPERATIONS").is_some() {
            std::fs::write(table, described()).unwrap();
        }
        let written = std::fs::read_to_string(table).unwrap();
        assert!(written == described(), "run UPDATE_OPERATIONS=1 cargo test -p flywheel-local operations");
    }

    /// Verbs and routes that the site serves for older clients, or for its own use, beyond the description.
    const BEYOND: &[&str] = &[
        "POST /{kind}/{id}/info",
        "POST /{kind}/{id}/files/{name}/info",
        "POST /{kind}/{id}/files/{name}/classification",
        "POST /users/self/info",
        "PUT /files/{file_id}",
        "POST /upload/uid-match",
        "GET /{kind}/{id}/analyses/{analysis}/inputs/{input}",
        "GET /analyses/{id}/inputs/{input}",
        "GET /{kind}/{id}/analyses/{analysis}/inputs",
        "GET /{kind}/{id}/analyses/{analysis}/files",
        "GET /analyses/{id}/inputs",
        "GET /analyses/{id}/files",
        "GET /collections/{id}/analyses",
        "POST /collections/{id}/analyses",
        "GET /collections/{id}/analyses/{analysis}",
        "PUT /collections/{id}/analyses/{analysis}",
        "DELETE /collections/{id}/analyses/{analysis}",
        "POST /collections/{id}/analyses/{analysis}/notes",
        "DELETE /collections/{id}/analyses/{analysis}/notes/{note}",
        "POST /collections/{id}/analyses/{analysis}/files",
        "GET /collections/{id}/analyses/{analysis}/files/{name}",
        "GET /system",
        "GET /system/ready",
        "GET /metrics",
        "GET /groups/{id}/settings",
        "PUT /groups/{id}/settings",
        "GET /{kind}/{id}/settings/deid_profile",
        "GET /analyses/{id}/inputs/{input}/info",
        "GET /local/gear-folders/{hash}",
        "PUT /local/gear-folders/{hash}",
    ];

    #[test]
    fn every_served_route_is_an_operation_or_an_older_form_of_one() {
        let beyond: Vec<Operation> = BEYOND.iter().map(|line| read_owned(&format!("{line} older"))).collect();
        let routes = crate::router::routes();
        let unknown = routes.iter().filter(|route| {
            let fits =
                |operation: &Operation| operation.method == route.method && operation.fits(&route.path);
            !ALL.iter().any(fits) && !beyond.iter().any(fits)
        });
        let unknown: Vec<String> = unknown.map(|route| format!("{} {}", route.method, route.path)).collect();
        assert!(unknown.is_empty(), "in no table: {unknown:?}");
    }

    fn read_owned(line: &str) -> Operation {
        read(Box::leak(line.to_owned().into_boxed_str())).unwrap()
    }

    #[test]
    fn parameters_fit_any_segment_but_an_empty_one() {
        let read = |line| read(line).unwrap();
        assert!(read("GET /a/{x}/b id").fits("/a/1/b"));
        assert!(!read("GET /a/{x}/b id").fits("/a//b"));
        assert!(!read("GET /a/{x} id").fits("/a/1/b"));
        assert!(read("GET /tasks/{kind}s/ids id").fits("/tasks/sessions/ids"));
        assert_eq!(Operation::shape("/a/{x}/b/{y}s"), "/a/{}/b/{}s");
    }
}
