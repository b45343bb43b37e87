//! docs/PARITY.md: two tables, operations by area and helpers by class.

use std::fmt::Write;

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Area of the API, or class of the official client.
    pub(crate) area: String,
    pub(crate) name: String,
    /// The route of an operation.
    pub(crate) detail: String,
    /// The counterpart, or why there is none.
    pub(crate) said: String,
    /// Whether there is a counterpart.
    pub(crate) offered: bool,
}

/// The whole page.
pub(crate) fn write(operations: &[Row], helpers: &[Row]) -> String {
    let mut out = String::from(
        "# Parity\n\nMade by `cargo xtask coverage` from `openapi/flywheel.json`, `openapi/parity.yaml` and the source of the ergonomic crate; `cargo xtask coverage --check` fails when it drifts.\nNames in brackets are of the crate `flywheel`. \"Raw only\" calls are typed in the crate `flywheel-api`, reached by `Client::raw`.\n",
    );
    section(&mut out, "Operations of the API", &["operation", "route", "called by"], operations);
    section(&mut out, "Helpers of the official Python client", &["helper", "here"], helpers);
    out
}

fn section(out: &mut String, title: &str, columns: &[&str], rows: &[Row]) {
    let offered = rows.iter().filter(|row| row.offered).count();
    let _ = write!(out, "\n## {title}\n\n{offered} of {} have a counterpart.\n", rows.len());
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.area, &a.name).cmp(&(&b.area, &b.name)));
    for area in rows.chunk_by(|a, b| a.area == b.area) {
        let name = area.first().map_or("", |row| row.area.as_str());
        let rule = "---|".repeat(columns.len());
        let _ = write!(out, "\n### {name}\n\n| {} |\n|{rule}\n", columns.join(" | "));
        for row in area {
            let cells = match row.detail.as_str() {
                "" => format!("`{}` | {}", row.name, row.said),
                detail => format!("`{}` | `{detail}` | {}", row.name, row.said),
            };
            let _ = writeln!(out, "| {cells} |");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_by_area_and_name_with_how_many_are_offered() {
        let row = |area: &str, name: &str, offered| Row {
            area: area.to_owned(),
            name: name.to_owned(),
            detail: String::new(),
            said: "x".to_owned(),
            offered,
        };
        let page = write(&[], &[row("B", "b", true), row("A", "a", false)]);
        let (_, helpers) = page.split_once("## Helpers").unwrap_or_default();
        assert!(helpers.contains("1 of 2 have"), "{helpers}");
        assert!(helpers.find("### A") < helpers.find("### B"), "{helpers}");
    }
}
