//! Holds what came back against what was sent: every file by its bytes, every DICOM file inside an archive against the
//! one on the disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flywheel::folder::{Fetched, Located};
use serde::Serialize;

use super::ledger::{Ledger, Sent};
use crate::dicom::source::Opener;
use crate::digest::digest_of;

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// Files whose bytes are those that were sent.
    pub(crate) files: usize,
    /// Bytes of these files.
    pub(crate) bytes: u64,
    /// Files whose hash, as the site recorded it, was checked while they arrived.
    pub(crate) hashes: usize,
    /// DICOM files inside archives that are, byte for byte, those on the disk.
    pub(crate) members: usize,
    /// Everything that is not as it should be.
    pub(crate) differences: Vec<String>,
}

/// Compares downloaded files with the ledger. Files nobody sent, such as those of an earlier run, are not judged.
///
/// # Errors
/// A downloaded file cannot be read.
pub(crate) fn compare(located: &[Located], fetched: &[Fetched], ledger: &Ledger) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut opener = Opener::default();
    let mut found = 0;
    for (located, fetched) in located.iter().zip(fetched) {
        let container = located.file.parent_ref().map(|parent| parent.id).unwrap_or_default();
        let Some(sent) = ledger.get(&container, located.file.name()) else { continue };
        found += 1;
        if let Some(error) = &fetched.error {
            verdict.differences.push(format!("{}: {error}", located.path.display()));
            continue;
        }
        verdict.hashes += usize::from(fetched.verified);
        verdict.file(&fetched.path, &located.path, sent, &mut opener)?;
    }
    if found < ledger.len() {
        verdict.differences.push(format!(
            "{} of {} files that were sent are not there",
            ledger.len() - found,
            ledger.len()
        ));
    }
    Ok(verdict)
}

impl Verdict {
    fn file(&mut self, path: &Path, shown: &Path, sent: &Sent, opener: &mut Opener) -> io::Result<()> {
        let (size, sha384) = digest_of(&mut File::open(path)?)?;
        if (size, &sha384) != (sent.size, &sent.sha384) {
            self.differences.push(format!("{}: other bytes than were sent", shown.display()));
            return Ok(());
        }
        self.files += 1;
        self.bytes += size;
        self.archive(path, shown, sent, opener)
    }

    fn archive(&mut self, path: &Path, shown: &Path, sent: &Sent, opener: &mut Opener) -> io::Result<()> {
        if sent.members.is_empty() {
            return Ok(());
        }
        let mut archive = zip::ZipArchive::new(io::BufReader::new(File::open(path)?))?;
        for member in &sent.members {
            let mut original = Vec::new();
            opener.with(&member.source, |bytes| bytes.read_to_end(&mut original))??;
            let mut arrived = Vec::new();
            archive.by_name(&member.name)?.read_to_end(&mut arrived)?;
            if arrived == original {
                self.members += 1;
            } else {
                let place: PathBuf = shown.join(&member.name);
                self.differences.push(format!("{}: other bytes than {}", place.display(), member.path));
            }
        }
        Ok(())
    }
}
