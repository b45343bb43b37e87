//! The layer around a site that writes down what is asked of it: for programs whose requests are to be looked at.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::requests::{Carried, Requests};

/// Bodies up to this length stay on one line.
const LINE: usize = 100;

/// The features that every request asks for.
const USUAL_FEATURES: &str = "Safe-Redirect, multipart_signed_url";

/// What was asked, under the headings that a program gives.
#[derive(Debug, Default)]
pub struct Notebook {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    /// Whether what comes now belongs to a heading.
    open: bool,
    text: String,
    faults: Vec<String>,
    /// What stands for each id, by order of appearance.
    ids: BTreeMap<String, usize>,
}

impl Notebook {
    /// What is asked from now on belongs to this heading.
    pub fn begin(&self, heading: &str) {
        let mut pages = self.pages();
        let heading = heading.split_whitespace().collect::<Vec<_>>().join(" ");
        let heading = pages.plain(&heading);
        let _ = writeln!(pages.text, "\n{heading}");
        pages.open = true;
    }

    /// What is asked from now on belongs to no heading: it is not written down, only held against the description.
    pub fn end(&self) {
        self.pages().open = false;
    }

    /// All that was written. Ids are numbered as they appear; times of now stand as `<now>`.
    #[must_use]
    pub fn text(&self) -> String {
        self.pages().text.trim_start().to_owned()
    }

    /// Requests that do not fit the description, and why.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.pages().faults.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, parts: &http::request::Parts, bytes: &[u8], status: StatusCode) {
        let uri = &parts.uri;
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let path = uri.path().strip_prefix("/api").unwrap_or(uri.path());
        let carried = carried(&parts.headers, bytes);
        let asked = Requests::shared().asked(&parts.method, path, &query, &carried);
        let signed = query.iter().any(|(name, _)| name == "signature" || name == "token");
        let mut pages = self.pages();
        let operation = match asked {
            Some(asked) => {
                let faults = asked.faults.iter();
                let told = faults.map(|fault| format!("{} ({}): {fault}", asked.operation, parts.method));
                pages.faults.extend(told.collect::<Vec<_>>());
                asked.operation
            }
            None if signed || path.starts_with("/local/") => "an address of this site alone".to_owned(),
            None => {
                pages.faults.push(format!("{} {path} is not described", parts.method));
                "not described".to_owned()
            }
        };
        if !pages.open {
            return;
        }
        let mut line = format!("  {} {}", parts.method, decoded(path));
        for (at, (name, value)) in query.iter().enumerate() {
            let secret = matches!(name.as_str(), "ticket" | "token" | "signature") && !value.is_empty();
            let value = if secret { "<secret>" } else { value };
            let _ = write!(line, "{}{name}={value}", if at == 0 { '?' } else { '&' });
        }
        if let Some(features) = features(&parts.headers) {
            let _ = write!(line, " [{features}]");
        }
        let _ = write!(line, " -> {operation}");
        if !status.is_success() && !status.is_redirection() {
            let _ = write!(line, " ({})", status.as_u16());
        }
        for body in shown(&carried) {
            let _ = write!(line, "\n    {body}");
        }
        let line = pages.plain(&line);
        let _ = writeln!(pages.text, "{line}");
    }
}

impl Pages {
    /// The text with what differs from run to run taken out.
    fn plain(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut word = String::new();
        for character in text.chars().chain(['\0']) {
            if character.is_ascii_alphanumeric() || (character == '-' && is_uuid_start(&word)) {
                word.push(character);
                continue;
            }
            let known = std::mem::take(&mut word);
            if is_id(&known) {
                let next = self.ids.len() + 1;
                let number = *self.ids.entry(known).or_insert(next);
                let _ = write!(out, "#{number}");
            } else {
                out.push_str(&known);
            }
            if character != '\0' {
                out.push(character);
            }
        }
        without_now(&out)
    }
}

/// Ids of the site: 24 or 32 hexadecimal digits, or a UUID.
fn is_id(word: &str) -> bool {
    let digits: String = word.chars().filter(|character| *character != '-').collect();
    let hex = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    hex && (matches!(word.len(), 24 | 32) || is_uuid(word))
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// Whether a dash may go on with a UUID.
fn is_uuid_start(word: &str) -> bool {
    matches!(word.len(), 8 | 13 | 18 | 23) && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// Times that begin with a day later than any that programs write down themselves.
fn without_now(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let (before, time) = rest.split_at(at);
        out.push_str(before);
        let shape =
            time.chars().take(11).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
        let recent = time.get(..4).is_some_and(|year| year >= "2026");
        if shape == "0000-00-00T" && recent {
            out.push_str("<now>");
            let ends = |c: char| !(c.is_ascii_digit() || "-:T.Z+".contains(c));
            rest = &time[time.find(ends).unwrap_or(time.len())..];
        } else {
            out.push_str("20");
            rest = &time[2..];
        }
    }
    out.push_str(rest);
    out
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The features beyond the usual ones.
fn features(headers: &HeaderMap) -> Option<String> {
    let all = headers.get("x-accept-feature")?.to_str().ok()?;
    let more = all.strip_prefix(USUAL_FEATURES)?.trim_start_matches(", ");
    (!more.is_empty()).then(|| more.to_owned())
}

fn carried(headers: &HeaderMap, bytes: &[u8]) -> Carried {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some(boundary) = media.strip_prefix("multipart/form-data; boundary=") {
        return Carried::Form(fields(&String::from_utf8_lossy(bytes), boundary.trim_matches('"')));
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(document) if media.starts_with("application/json") => Carried::Json(document),
        _ if bytes.is_empty() => Carried::Nothing,
        _ => Carried::Bytes,
    }
}

/// The fields of a form: text of those that are no files.
fn fields(form: &str, boundary: &str) -> Vec<(String, Option<String>)> {
    let between = format!("--{boundary}");
    let parts = form.split(&between).filter_map(|part| part.split_once("\r\n\r\n"));
    let quoted = |head: &str, name: &str| {
        let (_, rest) = head.split_once(&format!("; {name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    parts
        .filter_map(|(head, content)| {
            let name = quoted(head, "name")?;
            let file = quoted(head, "filename").is_some();
            Some((name, (!file).then(|| content.trim_end_matches("\r\n").to_owned())))
        })
        .collect()
}

/// The lines that show a body.
fn shown(carried: &Carried) -> Vec<String> {
    match carried {
        Carried::Nothing => Vec::new(),
        Carried::Bytes => vec!["<bytes>".to_owned()],
        Carried::Json(document) => {
            let line = document.to_string();
            if line.len() <= LINE {
                return vec![line];
            }
            let pretty = serde_json::to_string_pretty(document).unwrap_or(line);
            pretty.lines().map(str::to_owned).collect()
        }
        Carried::Form(fields) => {
            let line = |(name, text): &(String, Option<String>)| {
                format!("form {name}: {}", text.as_deref().unwrap_or("<file>"))
            };
            fields.iter().map(line).collect()
        }
    }
}

/// Passes a request on once it is written down.
pub async fn write_down(State(notebook): State<Arc<Notebook>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut again = Request::new(Body::from(bytes.clone()));
    *again.method_mut() = parts.method.clone();
    *again.uri_mut() = parts.uri.clone();
    *again.headers_mut() = parts.headers.clone();
    *again.extensions_mut() = parts.extensions.clone();
    let answer = next.run(again).await;
    notebook.write(&parts, &bytes, answer.status());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbered_and_times_of_now_left_out() {
        let mut pages = Pages::default();
        let id = "5eb0bf2e0a1b2c3d4e5f6071";
        let uuid = "123e4567-e89b-12d3-a456-426614174000";
        assert_eq!(pages.plain(&format!("/projects/{id}/x?a={uuid}&b={id}")), "/projects/#1/x?a=#2&b=#1");
        assert_eq!(
            pages.plain("from 2031-02-03T04:05:06.789Z to 2020-01-01T00:00:00Z"),
            "from <now> to 2020-01-01T00:00:00Z"
        );
        assert_eq!(pages.plain("sub-01 deadbeef-x"), "sub-01 deadbeef-x");
    }

    #[test]
    fn a_form_is_read_field_by_field() {
        let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nbytes\r\n--x\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"a\": 1}\r\n--x--\r\n";
        let expected = [("file".to_owned(), None), ("metadata".to_owned(), Some("{\"a\": 1}".to_owned()))];
        assert_eq!(fields(form, "x"), expected);
    }

    #[test]
    fn what_stands_under_no_heading_is_not_written_but_held_against_the_description() {
        let notebook = Notebook::default();
        let ask = |path: &str| {
            let request = http::Request::get(format!("/api{path}")).body(()).expect("it is a request");
            notebook.write(&request.into_parts().0, b"", StatusCode::OK);
        };
        ask("/projects?limt=1");
        notebook.begin("fw.projects()");
        ask("/projects");
        notebook.end();
        ask("/users");
        assert_eq!(notebook.text(), "fw.projects()\n  GET /projects -> get_all_projects\n");
        assert_eq!(notebook.faults().len(), 1, "{:?}", notebook.faults());
    }
}
