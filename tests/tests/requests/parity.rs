//! Whether the notebooks show every operation that docs/PARITY.md says is called, and no other.

use std::collections::BTreeSet;
use std::path::Path;

/// The notebooks.
const AREAS: [&str; 13] = [
    "accounts",
    "collections",
    "containers",
    "files",
    "gears",
    "hierarchy",
    "lists",
    "metadata",
    "projects",
    "search",
    "site",
    "transfers",
    "views",
];

/// Not called by name: the site hands out its address with a ticket.
const HANDED_OUT: &str = "upload_signed_fs_file";

/// A row of the page: the operation, its route, and whether the ergonomic crate calls it.
struct Row {
    operation: String,
    route: String,
    called: bool,
}

fn rows() -> Vec<Row> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PARITY.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (operations, _) = page.split_once("\n## Helpers").unwrap();
    let cell = |text: &str| text.trim_matches('`').to_owned();
    let rows = operations.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.splitn(3, " | ");
        let (operation, route, by) = (cells.next()?, cells.next()?, cells.next()?);
        Some(Row { operation: cell(operation), route: cell(route), called: !by.starts_with("raw only") })
    });
    rows.collect()
}

/// The notebooks by their names.
pub(crate) fn snapshots() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests/snapshots");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let snapshots = files.filter(|path| path.extension().is_some_and(|extension| extension == "snap"));
    let mut all: Vec<_> = snapshots
        .map(|path| {
            let area = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (area, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// The operations that a notebook shows.
fn shown(notebook: &str) -> impl Iterator<Item = String> {
    let calls = notebook.lines().filter_map(|line| line.rsplit_once(" -> "));
    calls.map(|(_, operation)| operation.split(' ').next().unwrap_or_default().to_owned())
}

#[test]
fn every_operation_that_is_called_is_shown() {
    let shown: BTreeSet<String> = snapshots().iter().flat_map(|(_, notebook)| shown(notebook)).collect();
    let rows = rows();
    assert!(rows.len() > 500, "the page is read");
    let missed: Vec<&str> = rows
        .iter()
        .filter(|row| row.called && !shown.contains(&row.operation))
        .map(|row| row.operation.as_str())
        .collect();
    assert!(missed.is_empty(), "no notebook shows {} of them: {missed:#?}", missed.len());
}

#[test]
fn what_is_shown_is_called_by_the_page() {
    let rows = rows();
    // Variants of a route share it: which of them a call is, is said by its query alone.
    let called: BTreeSet<&str> = rows.iter().filter(|row| row.called).map(|row| row.route.as_str()).collect();
    let raw: Vec<&str> = rows
        .iter()
        .filter(|row| !called.contains(row.route.as_str()) && row.operation != HANDED_OUT)
        .map(|row| row.operation.as_str())
        .collect();
    for (area, notebook) in snapshots() {
        for operation in shown(&notebook) {
            assert!(!raw.contains(&operation.as_str()), "{area}: {operation} is raw only, says the page");
        }
    }
}

#[test]
fn no_notebook_is_left_over() {
    let names: Vec<String> = snapshots().into_iter().map(|(area, _)| area).collect();
    assert_eq!(names, AREAS);
}
