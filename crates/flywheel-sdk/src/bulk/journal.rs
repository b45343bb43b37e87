//! The file that remembers which items of bulk work are done, one JSON object a line.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, ErrorKind, Result};

/// A line: an item that is begun, or done with what came of it.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    key: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Value>,
}

/// What earlier runs left, and where this one writes. One run at a time has it.
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    pub(super) begun: HashSet<String>,
    done: HashMap<String, Value>,
}

impl Journal {
    /// Opens the journal at `path`, or begins one there.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| named(path, error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another run is writing to this journal", path.display());
                return Err(Error::new(ErrorKind::Conflict, message)
                    .with_hint("Wait for it to end, or name another file."));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let (mut begun, mut done, mut whole) = (HashSet::new(), HashMap::new(), 0);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // A run that was killed may have left its last line unfinished.
            let Some(finished) = line.strip_suffix(b"\n") else { break };
            let line_: Line<'_> = serde_json::from_slice(finished).map_err(|_| {
                let message = format!("{}: is no journal of bulk work", path.display());
                Error::new(ErrorKind::Invalid, message).with_hint("Name another file.")
            })?;
            let key = line_.key.into_owned();
            match line_.done {
                Some(value) => {
                    done.insert(key, value);
                }
                None => {
                    begun.insert(key);
                }
            }
            whole += line.len() as u64;
        }
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok(Self { path: path.to_path_buf(), file: Mutex::new(file), begun, done })
    }

    /// What came of the item in an earlier run, if it was done and that can be read.
    pub(super) fn value<R: DeserializeOwned>(&self, key: &str) -> Option<R> {
        serde_json::from_value(self.done.get(key)?.clone()).ok()
    }

    pub(super) fn begin(&self, key: &str) -> Result<()> {
        self.write(&Line { key: key.into(), done: None })
    }

    pub(super) fn end(&self, key: &str, value: &impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value)
            .map_err(|error| named(&self.path, io::Error::other(error.to_string())))?;
        self.write(&Line { key: key.into(), done: Some(value) })
    }

    fn write(&self, line: &Line<'_>) -> Result<()> {
        let mut text = serde_json::to_vec(line)
            .map_err(|error| named(&self.path, io::Error::other(error.to_string())))?;
        text.push(b'\n');
        // One write a line, so that a kill leaves at most one unfinished.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).map_err(|error| named(&self.path, error))
    }
}

fn named(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {error}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_done_is_read_again_and_a_torn_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        let journal = Journal::open(&path).unwrap();
        journal.begin("a").unwrap();
        journal.end("a", &7).unwrap();
        journal.begin("b").unwrap();
        assert_eq!(Journal::open(&path).err().unwrap().kind(), ErrorKind::Conflict);
        drop(journal);
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"key\": \"c").unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!((journal.value::<i32>("a"), journal.value::<i32>("b")), (Some(7), None));
        assert!(journal.begun.contains("b") && !journal.begun.contains("c"));
        journal.end("c", &1).unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().value::<i32>("c"), Some(1));
    }

    #[test]
    fn a_file_that_is_no_journal_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subjects.csv");
        std::fs::write(&path, "label,sex\nsub-01,female\n").unwrap();
        assert!(Journal::open(&path).err().unwrap().is_invalid());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "label,sex\nsub-01,female\n");
    }
}
