//! Whether the notebooks show every public method of the ergonomic crate that sends something.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::parity::snapshots;

/// What methods give that is sent when it is awaited or read.
const SENT: [&str; 26] = [
    "AccessLog",
    "BidsDownload",
    "BoxStream",
    "Bulk",
    "Copy",
    "Create",
    "Delete",
    "FileUpdate",
    "Finder",
    "FolderDownload",
    "Hits",
    "List",
    "LogStream",
    "Lookup",
    "MoveSessions",
    "MyJobs",
    "Pages",
    "Request",
    "Resolve",
    "Rows",
    "RuleBuilder",
    "Targets",
    "Transfer",
    "Update",
    "Upload",
    "Wait",
];

fn modules(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(modules(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The names of the public functions of a source that give something to be sent; what a macro names is left out.
fn senders(source: &str) -> Vec<String> {
    let (code, _) = source.split_once("mod tests {").unwrap_or((source, ""));
    let lines: Vec<&str> = code.lines().map(str::trim_start).collect();
    let code = lines.join("\n");
    let functions = code.split("\npub ").filter_map(|text| {
        let text = text.strip_prefix("async ").unwrap_or(text).strip_prefix("fn ")?;
        let (signature, _) = text.split_once(" {\n")?;
        let (name, rest) = signature.split_once(['(', '<'])?;
        let (_, given) = rest.rsplit_once("->")?;
        let (given, _) = given.split_once("where").unwrap_or((given, ""));
        let mut words = given.split(|c: char| !c.is_alphanumeric());
        (!name.starts_with('$') && words.any(|word| SENT.contains(&word))).then(|| name.to_owned())
    });
    functions.collect()
}

#[test]
fn every_method_that_sends_is_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/flywheel-sdk/src");
    let sources: Vec<String> =
        modules(&folder).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let named: BTreeSet<String> = sources.iter().flat_map(|source| senders(source)).collect();
    assert!(named.len() > 150, "the sources are read: {named:?}");
    let snapshots = snapshots();
    let headings: Vec<&str> = snapshots
        .iter()
        .flat_map(|(_, notebook)| notebook.lines())
        .filter(|line| !line.starts_with(' '))
        .collect();
    let called = |name: &str| {
        let forms = [format!(".{name}("), format!(".{name}::<"), format!("::{name}(")];
        headings.iter().any(|heading| forms.iter().any(|form| heading.contains(form)))
    };
    let missed: Vec<&String> = named.iter().filter(|name| !called(name)).collect();
    assert!(missed.is_empty(), "no notebook shows what these send: {missed:?}");
}

#[test]
fn a_sender_is_told_by_what_it_gives() {
    let source = "impl A {\n    pub fn get(&self) -> Request<'static, A> {\n    }\n\n    pub async fn read(self) -> Result<Transfer<u8>> {\n    }\n\n    pub fn label(&self) -> &str {\n    }\n\n    fn own(&self) -> Request<'static, A> {\n    }\n}\n";
    assert_eq!(senders(source), ["get", "read"]);
}
