//! `docs/PROOF.md`: each row names tests, and each of them is there.
//!
//! A cell that names tests holds `path/to/file.rs::name_of_a_test`, each in backticks of its own; `suite/` stands for the
//! suite of the ergonomic crate.

use std::path::Path;

use anyhow::{Context, Result};

const PAGE: &str = "docs/PROOF.md";
const SUITE: &str = "crates/flywheel-sdk/tests/suite";

/// What the page claims that is not so, in words.
///
/// # Errors
/// When the page cannot be read.
pub(crate) fn complaints(root: &Path) -> Result<Vec<String>> {
    let page = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("{PAGE} cannot be read"))?;
    let read = |file: &str| {
        let whole = file.strip_prefix("suite/").map(|rest| format!("{SUITE}/{rest}"));
        std::fs::read_to_string(root.join(whole.as_deref().unwrap_or(file))).ok()
    };
    Ok(check(&page, read))
}

fn check(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in page.lines().enumerate() {
        let Some(cells) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else { continue };
        let Some((claim, proof)) = cells.rsplit_once(" | ") else { continue };
        if proof == "proved by" {
            continue;
        }
        let named: Vec<(&str, &str)> =
            proof.split('`').skip(1).step_by(2).filter_map(|name| name.split_once("::")).collect();
        let mut complain = |what: String| complaints.push(format!("{PAGE}:{}: {what}", number + 1));
        if named.is_empty() {
            complain(format!("no test proves {claim:?}"));
        }
        for (file, test) in named {
            match read(file) {
                None => complain(format!("there is no file {file}")),
                Some(text) if !is_test(&text, test) => complain(format!("{file} has no test {test}")),
                Some(_) => {}
            }
        }
    }
    complaints
}

/// Whether a source has a test of this name: a function under a test attribute.
fn is_test(text: &str, name: &str) -> bool {
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        let function = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        if function.is_some_and(|rest| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('('))) {
            return marked;
        }
        marked = line.starts_with("#[test")
            || line.starts_with("#[tokio::test")
            || (marked && line.starts_with("#["));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<String> {
        let source = "#[tokio::test]\nasync fn tags_are_kept() {}\n";
        check(page, |file| (file == "a.rs").then(|| source.to_owned()))
    }

    #[test]
    fn a_row_whose_tests_are_there_is_sound() {
        assert!(found("| what | proved by |\n|---|---|\n| tags | `a.rs::tags_are_kept` |\n").is_empty());
    }

    #[test]
    fn a_row_without_a_test_or_with_one_that_is_gone_is_named() {
        let page = "| tags | by hand |\n| notes | `a.rs::notes_are_kept` |\n| info | `b.rs::info` |\n";
        let found = found(page);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("docs/PROOF.md:1: no test proves \"tags\""), "{found:?}");
        assert!(found[1].ends_with("a.rs has no test notes_are_kept"), "{found:?}");
        assert!(found[2].ends_with("there is no file b.rs"), "{found:?}");
    }

    #[test]
    fn a_function_that_is_no_test_proves_nothing() {
        assert!(!is_test("fn helper() {}\n", "helper"));
        assert!(is_test("#[test]\n#[cfg(unix)]\nfn tags_are_kept() {}\n", "tags_are_kept"));
    }
}
