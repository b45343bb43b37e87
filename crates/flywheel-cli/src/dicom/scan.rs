//! Walks a folder and reads the header of every DICOM file in it, in several threads.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use walkdir::WalkDir;

use super::header::{Header, Unreadable};
use super::plan::{Grouping, Member};
use super::source::{Opener, Source, Wrapping};

/// A file that is not imported, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Skipped {
    /// Path relative to the scanned folder; a member of an archive follows the archive's path.
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// Reads everything beneath `folder` (or the one file it is) in `threads` threads. `progress` gets the number of files
/// seen so far and of all files.
///
/// Files that cannot be filed are part of the result, never an error.
pub(crate) fn scan(folder: &Path, threads: usize, progress: &(dyn Fn(usize, usize) + Sync)) -> Grouping {
    let mut grouping = Grouping::default();
    let files = walk(folder, &mut grouping);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let grouping = Mutex::new(grouping);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, files.len().max(1)) {
            scope.spawn(|| {
                let mut opener = Opener::default();
                while let Some((path, shown)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    read_file(path, shown, &mut opener, &grouping);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
                }
            });
        }
    });
    grouping.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Every file beneath `folder` with the path to show for it.
fn walk(folder: &Path, grouping: &mut Grouping) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let shown = |path: &Path| {
        let relative = path.strip_prefix(folder).ok().filter(|rest| !rest.as_os_str().is_empty());
        let relative = relative.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    };
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let name = shown(entry.path());
                files.push((entry.into_path(), name));
            }
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => grouping.skip(shown(entry.path()), "not a regular file"),
            Err(error) => {
                let path = error.path().map(&shown).unwrap_or_default();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                grouping.skip(path, reason);
            }
        }
    }
    files
}

fn read_file(path: &Path, shown: &str, opener: &mut Opener, grouping: &Mutex<Grouping>) {
    match Wrapping::of(path) {
        Ok(Wrapping::None) => {
            let size = path.metadata().map(|metadata| metadata.len()).unwrap_or_default();
            read_source(Source::File(path.to_owned()), shown.to_owned(), size, opener, grouping);
        }
        Ok(Wrapping::Gzip) => {
            let stem = shown.strip_suffix(".gz").unwrap_or(shown);
            read_source(Source::Gzip(path.to_owned()), stem.to_owned(), 0, opener, grouping);
        }
        Ok(Wrapping::Zip) => {
            if let Err(error) = read_archive(path, shown, opener, grouping) {
                record(grouping, |g| {
                    g.skip(shown.to_owned(), format!("a zip archive that cannot be read: {error}"))
                });
            }
        }
        Err(error) => record(grouping, |g| g.skip(shown.to_owned(), error.to_string())),
    }
}

fn read_archive(path: &Path, shown: &str, opener: &mut Opener, grouping: &Mutex<Grouping>) -> io::Result<()> {
    for index in 0..opener.archive(path)?.len() {
        let (name, size) = match opener.archive(path)?.by_index_raw(index) {
            Ok(member) if member.is_dir() => continue,
            Ok(member) => {
                let name = member.name().map_or_else(|_| format!("#{index}"), |name| safe_member(&name));
                (format!("{shown}/{name}"), member.size())
            }
            Err(error) => {
                record(grouping, |g| g.skip(format!("{shown}/#{index}"), error.to_string()));
                continue;
            }
        };
        read_source(Source::ZipMember { archive: path.to_owned(), index }, name, size, opener, grouping);
    }
    Ok(())
}

/// A member's name without parts that lead out of a folder.
fn safe_member(name: &str) -> String {
    let parts = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."));
    parts.collect::<Vec<_>>().join("/")
}

fn read_source(source: Source, path: String, size: u64, opener: &mut Opener, grouping: &Mutex<Grouping>) {
    let header = match opener.with(&source, |bytes| Header::read(bytes)) {
        Ok(header) => header,
        Err(error) => Err(Unreadable::Io(error)),
    };
    record(grouping, |grouping| match header {
        Ok(header) => {
            let note = header.ended_early.clone();
            grouping.add(Member { source, name: path.clone(), path, size, note }, header);
        }
        Err(error) => grouping.skip(path, error.to_string()),
    });
}

fn record(grouping: &Mutex<Grouping>, change: impl FnOnce(&mut Grouping)) {
    change(&mut grouping.lock().unwrap_or_else(PoisonError::into_inner));
}
