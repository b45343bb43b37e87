//! The archive of one series: the same members give the same bytes, whenever and wherever it is made.
//!
//! Members are stored, not compressed: a site reads one of them without unpacking the rest, and two versions of a
//! compression library would make two different archives of one series.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::plan::Member;
use super::scan::Skipped;
use super::source::Opener;
use crate::digest::digest_of;

/// Members from here on need the 64-bit form of a zip entry. Bytes.
const LARGE: u64 = u32::MAX as u64;

/// A finished archive, in a temporary file that goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) file: tempfile::NamedTempFile,
    /// Bytes.
    pub(crate) size: u64,
    /// SHA-384 of the archive, lower-case hex.
    pub(crate) sha384: String,
    /// Members that are in it.
    pub(crate) count: u64,
    /// Members that could not be read to their end and are left out.
    pub(crate) skipped: Vec<Skipped>,
}

/// Packs `members` in the order they stand in.
///
/// # Errors
/// The temporary file cannot be written. A member that cannot be read is left out and named.
pub(crate) fn pack(members: &[Member], folder: &std::path::Path) -> io::Result<Packed> {
    let file = tempfile::Builder::new().prefix("fw-").suffix(".dicom.zip").tempfile_in(folder)?;
    let mut writer = ZipWriter::new(BufWriter::new(file.as_file()));
    let mut opener = Opener::default();
    let (mut count, mut skipped) = (0, Vec::new());
    for member in members {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(member.size == 0 || member.size >= LARGE);
        writer.start_file(member.name.as_str(), options)?;
        match opener.with(&member.source, |bytes| copy(bytes, &mut writer)) {
            Ok(Ok(())) => count += 1,
            Ok(Err(Copy::Write(error))) => return Err(error),
            Ok(Err(Copy::Read(error))) | Err(error) => {
                writer.abort_file()?;
                skipped.push(Skipped { path: member.path.clone(), reason: error.to_string() });
            }
        }
    }
    writer.finish()?.flush()?;
    file.as_file().seek(SeekFrom::Start(0))?;
    let (size, sha384) = digest_of(&mut file.as_file())?;
    Ok(Packed { file, size, sha384, count, skipped })
}

/// Which side of a copy failed: a bad source costs one member, a full disk the archive.
enum Copy {
    Read(io::Error),
    Write(io::Error),
}

fn copy(from: &mut dyn Read, to: &mut impl Write) -> Result<(), Copy> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Copy::Read(error)),
        };
        to.write_all(buffer.get(..read).unwrap_or_default()).map_err(Copy::Write)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dicom::source::Source;

    fn member(path: &std::path::Path, name: &str) -> Member {
        Member {
            source: Source::File(path.to_owned()),
            path: name.to_owned(),
            name: name.to_owned(),
            size: 3,
            note: None,
        }
    }

    #[test]
    fn the_same_members_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"one").unwrap();
        let members = [member(&path, "x/1"), member(&path, "x/2")];
        let first = pack(&members, folder.path()).unwrap();
        let second = pack(&members, folder.path()).unwrap();
        assert_eq!(std::fs::read(first.file.path()).unwrap(), std::fs::read(second.file.path()).unwrap());
        assert_eq!((first.count, &first.sha384), (2, &second.sha384));
        assert_eq!(first.size, first.file.path().metadata().unwrap().len());
    }

    #[test]
    fn a_member_that_cannot_be_read_is_named_and_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let (good, gone, cut) =
            (folder.path().join("a"), folder.path().join("gone"), folder.path().join("cut.gz"));
        std::fs::write(&good, b"one").unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&[7; 10_000]).unwrap();
        let bytes = gzip.finish().unwrap();
        std::fs::write(&cut, &bytes[..bytes.len() - 6]).unwrap();
        let cut = Member { source: Source::Gzip(cut), ..member(&good, "cut") };
        let packed =
            pack(&[member(&good, "1"), member(&gone, "2"), cut, member(&good, "4")], folder.path()).unwrap();
        let skipped: Vec<_> = packed.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        assert_eq!((packed.count, skipped), (2, vec!["2", "cut"]));
        let mut archive = zip::ZipArchive::new(packed.file.reopen().unwrap()).unwrap();
        assert_eq!(archive.len(), 2);
        let mut text = String::new();
        archive.by_name("4").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
    }
}
