//! Where the bytes of one DICOM file are: a file, a gzip file, or a member of a zip archive.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

/// A place that can be read again and again.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Gzip(PathBuf),
    ZipMember { archive: PathBuf, index: usize },
}

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wrapping {
    None,
    Gzip,
    Zip,
}

impl Wrapping {
    /// # Errors
    /// The file cannot be opened or read.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut start = Vec::new();
        File::open(path)?.take(4).read_to_end(&mut start)?;
        Ok(match start[..] {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'P', b'K', 3, 4] => Self::Zip,
            _ => Self::None,
        })
    }
}

/// Opens sources one after the other, keeping the last archive open.
#[derive(Default)]
pub(crate) struct Opener {
    archive: Option<(PathBuf, ZipArchive<BufReader<File>>)>,
}

impl Opener {
    /// Gives the uncompressed bytes of `source` to `read`.
    ///
    /// # Errors
    /// The source cannot be opened. What goes wrong while reading is `read`'s to report.
    pub(crate) fn with<T>(
        &mut self,
        source: &Source,
        read: impl FnOnce(&mut dyn Read) -> T,
    ) -> io::Result<T> {
        match source {
            Source::File(path) => Ok(read(&mut BufReader::new(File::open(path)?))),
            Source::Gzip(path) => Ok(read(&mut MultiGzDecoder::new(BufReader::new(File::open(path)?)))),
            Source::ZipMember { archive, index } => {
                let mut member = self.archive(archive)?.by_index(*index)?;
                Ok(read(&mut member))
            }
        }
    }

    /// The archive at `path`, opened once.
    ///
    /// # Errors
    /// The file cannot be opened or is no zip archive.
    pub(crate) fn archive(&mut self, path: &Path) -> io::Result<&mut ZipArchive<BufReader<File>>> {
        let archive = match self.archive.take() {
            Some((open, archive)) if open == path => archive,
            _ => ZipArchive::new(BufReader::new(File::open(path)?))?,
        };
        Ok(&mut self.archive.insert((path.to_owned(), archive)).1)
    }
}
