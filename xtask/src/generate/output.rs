//! Writing generated files, and comparing them with those in the repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::normalise::Count;

/// Files by their path below the workspace.
pub(crate) type Files = BTreeMap<PathBuf, String>;

/// The folder that holds nothing but generated files.
const FOLDER: &str = "crates/flywheel-api/src/generated";

/// Writes what differs and removes what is generated no longer.
pub(crate) fn write(root: &Path, files: &Files) -> anyhow::Result<()> {
    for stale in stale(root, files)? {
        std::fs::remove_file(root.join(&stale))
            .with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    for (path, text) in files {
        let target = root.join(path);
        if std::fs::read_to_string(&target).is_ok_and(|present| present == *text) {
            continue;
        }
        let folder = target.parent().context("a generated file stands in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&target, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Says which files differ from what would be generated, and how to mend it.
pub(crate) fn check(root: &Path, files: &Files) -> anyhow::Result<ExitCode> {
    let Some(complaint) = drift(root, files)? else { return Ok(ExitCode::SUCCESS) };
    eprintln!("error: {complaint}");
    Ok(ExitCode::FAILURE)
}

fn drift(root: &Path, files: &Files) -> anyhow::Result<Option<String>> {
    let mut complaints = Vec::new();
    for (path, text) in files {
        match std::fs::read_to_string(root.join(path)) {
            Ok(present) if present == *text => {}
            Ok(present) => {
                let line = first_difference(&present, text);
                complaints.push(format!("{} differs from line {line} on", path.display()));
            }
            Err(_) => complaints.push(format!("{} is missing", path.display())),
        }
    }
    let stale = stale(root, files)?;
    complaints.extend(stale.iter().map(|path| format!("{} is generated no longer", path.display())));
    let list = complaints.join("\n  ");
    let command = super::COMMAND;
    Ok((!complaints.is_empty())
        .then(|| format!("generated files are not what `openapi/` says:\n  {list}\nmend it with: {command}")))
}

fn first_difference(one: &str, other: &str) -> usize {
    1 + one.lines().zip(other.lines()).take_while(|(one, other)| one == other).count()
}

fn stale(root: &Path, files: &Files) -> anyhow::Result<Vec<PathBuf>> {
    let mut open = vec![PathBuf::from(FOLDER)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else if !files.contains_key(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The README of the description with its table of normalisations brought up to date; `None` when it has no place
/// for one.
pub(crate) fn readme(root: &Path, path: &Path, counts: &[Count]) -> anyhow::Result<Option<String>> {
    const BEGIN: &str = "<!-- normalisations: made by `cargo xtask generate` -->\n";
    const END: &str = "<!-- end of normalisations -->";
    let Ok(text) = std::fs::read_to_string(root.join(path)) else { return Ok(None) };
    let Some((before, rest)) = text.split_once(BEGIN) else { return Ok(None) };
    let (_, after) = rest.split_once(END).with_context(|| format!("{} has no line {END}", path.display()))?;
    let mut table = String::from("\n| step | places | what it does |\n|---|---|---|\n");
    for count in counts {
        writeln!(table, "| {} | {} | {} |", count.name, count.places, count.does)?;
    }
    Ok(Some(format!("{before}{BEGIN}{table}\n{END}{after}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn files(texts: &[(&str, &str)]) -> Files {
        texts.iter().map(|(name, text)| (Path::new(FOLDER).join(name), (*text).to_owned())).collect()
    }

    #[test]
    fn drift_names_each_file_and_the_command_that_mends_it() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &files(&[("a.rs", "one\ntwo\n"), ("calls/b.rs", "x\n"), ("c.rs", "y\n")]))
            .unwrap();
        assert_eq!(
            drift(root.path(), &files(&[("a.rs", "one\ntwo\n"), ("calls/b.rs", "x\n"), ("c.rs", "y\n")]))
                .unwrap(),
            None
        );
        let changed = files(&[("a.rs", "one\n2\n"), ("c.rs", "y\n"), ("d.rs", "z\n")]);
        insta::assert_snapshot!(drift(root.path(), &changed).unwrap().unwrap(), @r"
        generated files are not what `openapi/` says:
          crates/flywheel-api/src/generated/a.rs differs from line 2 on
          crates/flywheel-api/src/generated/d.rs is missing
          crates/flywheel-api/src/generated/calls/b.rs is generated no longer
        mend it with: cargo xtask generate
        ");
        write(root.path(), &changed).unwrap();
        assert_eq!(drift(root.path(), &changed).unwrap(), None);
        assert!(!root.path().join(FOLDER).join("calls/b.rs").exists());
    }

    #[test]
    fn the_table_of_the_readme_is_replaced_and_the_rest_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let begin = "<!-- normalisations: made by `cargo xtask generate` -->\n";
        let path = Path::new("README.md");
        std::fs::write(
            root.path().join(path),
            format!("before\n{begin}old\n<!-- end of normalisations -->\nafter\n"),
        )
        .unwrap();
        let count = Count { name: "step", does: "does", places: 3 };
        let text = readme(root.path(), path, &[count]).unwrap().unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("-->\nafter\n"));
        assert!(text.contains("| step | 3 | does |") && !text.contains("old"));
    }
}
