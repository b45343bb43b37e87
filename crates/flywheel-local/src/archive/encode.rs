//! A tar or zip archive as a stream, made while it is sent: no file is held, no archive is stored.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_stream::try_stream;
use bytes::Bytes;
use chrono::{DateTime, Datelike, Timelike, Utc};
use futures::{Stream, StreamExt, pin_mut};
use zip::{
    CompressionMethod, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::blobs::{BlobStore, ByteStream, Stored};

/// The two forms of archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// POSIX tar with GNU extensions for long names and large files.
    Tar,
    /// Zip with members stored as they are: what is worth packing here is packed already.
    Zip,
}

impl Format {
    /// The ending of an archive's name.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Format::Tar => "tar",
            Format::Zip => "zip",
        }
    }
}

/// A file on its way into an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path inside the archive, relative and with `/`.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// When it was last modified.
    pub modified: DateTime<Utc>,
}

/// Where the bytes of an entry come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Out of the storage.
    Stored(Stored),
    /// Made for the archive.
    Made(Bytes),
    /// There are none: the entry is a link to this path.
    Link(PathBuf),
}

impl Entry {
    /// A file out of the storage.
    pub(crate) fn stored(path: String, blob: Stored, modified: DateTime<Utc>) -> Self {
        Self { path, content: Content::Stored(blob), modified }
    }

    fn size(&self) -> u64 {
        match &self.content {
            Content::Stored(blob) => blob.size,
            Content::Made(bytes) => bytes.len() as u64,
            Content::Link(_) => 0,
        }
    }
}

/// The archive of `entries`. A file that cannot be read ends the stream with an error: an archive that ends well is whole.
pub(crate) fn encode(
    blobs: BlobStore,
    format: Format,
    entries: impl Stream<Item = io::Result<Entry>> + Send + 'static,
) -> ByteStream {
    let archive = try_stream! {
        pin_mut!(entries);
        let mut encoder = Encoder::new(format);
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            yield encoder.begin(&entry)?;
            match &entry.content {
                Content::Stored(blob) => {
                    let mut content = blobs.read(blob, 0..blob.size).await.map_err(io::Error::other)?;
                    while let Some(chunk) = content.next().await {
                        yield encoder.content(chunk?)?;
                    }
                }
                Content::Made(bytes) => yield encoder.content(bytes.clone())?,
                Content::Link(_) => {}
            }
            yield encoder.end(&entry)?;
        }
        yield encoder.finish()?;
    };
    archive
        .filter(|piece: &io::Result<Bytes>| {
            std::future::ready(!matches!(piece, Ok(bytes) if bytes.is_empty()))
        })
        .boxed()
}

/// The format's own bytes around each file.
enum Encoder {
    Tar,
    Zip(Box<ZipWriter<StreamWriter<Outbox>>>, Outbox),
}

impl Encoder {
    fn new(format: Format) -> Self {
        match format {
            Format::Tar => Self::Tar,
            Format::Zip => {
                let outbox = Outbox::default();
                Self::Zip(Box::new(ZipWriter::new_stream(outbox.clone())), outbox)
            }
        }
    }

    fn begin(&mut self, entry: &Entry) -> io::Result<Bytes> {
        match self {
            Self::Tar => tar_header(entry),
            Self::Zip(writer, outbox) => {
                match &entry.content {
                    Content::Link(target) => {
                        writer.add_symlink(&entry.path, target.to_string_lossy(), zip_options(entry))?;
                    }
                    _ => writer.start_file(&entry.path, zip_options(entry))?,
                }
                Ok(outbox.take())
            }
        }
    }

    fn content(&mut self, chunk: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Tar => Ok(chunk),
            Self::Zip(writer, outbox) => {
                writer.write_all(&chunk)?;
                Ok(outbox.take())
            }
        }
    }

    fn end(&mut self, entry: &Entry) -> io::Result<Bytes> {
        match self {
            Self::Tar => Ok(Bytes::from(vec![0; tar_padding(entry.size())])),
            Self::Zip(writer, outbox) => {
                writer.flush()?;
                Ok(outbox.take())
            }
        }
    }

    fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Tar => Ok(Bytes::from(vec![0; 2 * TAR_BLOCK])),
            Self::Zip(writer, outbox) => {
                writer.finish()?;
                Ok(outbox.take())
            }
        }
    }
}

const TAR_BLOCK: usize = 512;

/// A member's header, with the extension that a long name needs.
fn tar_header(entry: &Entry) -> io::Result<Bytes> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(entry.size());
    header.set_mtime(u64::try_from(entry.modified.timestamp()).unwrap_or(0));
    let mut builder = tar::Builder::new(Vec::new());
    if let Content::Link(target) = &entry.content {
        header.set_entry_type(tar::EntryType::Symlink);
        builder.append_link(&mut header, &entry.path, target)?;
    } else {
        header.set_entry_type(tar::EntryType::Regular);
        builder.append_data(&mut header, &entry.path, io::empty())?;
    }
    let mut bytes = builder.into_inner()?;
    // The builder closes the archive, which only the last member may.
    bytes.truncate(bytes.len().saturating_sub(2 * TAR_BLOCK));
    Ok(bytes.into())
}

fn tar_padding(size: u64) -> usize {
    match size % TAR_BLOCK as u64 {
        0 => 0,
        over => TAR_BLOCK - over as usize,
    }
}

fn zip_options(entry: &Entry) -> SimpleFileOptions {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(entry.size() >= u64::from(u32::MAX))
        .unix_permissions(0o644);
    match zip_time(entry.modified) {
        Some(time) => options.last_modified_time(time),
        None => options,
    }
}

fn zip_time(time: DateTime<Utc>) -> Option<zip::DateTime> {
    let part = |value: u32| u8::try_from(value).ok();
    let year = u16::try_from(time.year()).ok()?;
    let (month, day) = (part(time.month())?, part(time.day())?);
    zip::DateTime::from_date_and_time(
        year,
        month,
        day,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
    )
    .ok()
}

/// Where the zip writer writes, and where each step's bytes are taken from.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Outbox {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;

    use futures::{TryStreamExt, stream};

    use super::*;

    async fn entries(blobs: &BlobStore, files: &[(&str, Vec<u8>)]) -> Vec<io::Result<Entry>> {
        let mut entries = Vec::new();
        for (path, bytes) in files {
            let mut upload = blobs.upload();
            upload.write(bytes.clone().into()).await.unwrap();
            let modified = "2020-05-05T01:22:06Z".parse().unwrap();
            let blob = upload.finish().await.unwrap();
            entries.push(Ok(Entry::stored((*path).to_owned(), blob, modified)));
        }
        entries
    }

    fn sample() -> Vec<(&'static str, Vec<u8>)> {
        let long = "a/".repeat(80).leak();
        vec![
            ("scitran/group/a.txt", b"first".to_vec()),
            ("scitran/group/empty", Vec::new()),
            (format!("{long}名前.bin").leak(), (0..700_000).map(|n| (n % 249) as u8).collect()),
            ("block", vec![7; 1024]),
        ]
    }

    async fn archive(format: Format, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::in_folder(folder.path(), crate::store::Keeping::Passing).unwrap();
        let entries = entries(&blobs, files).await;
        encode(blobs, format, stream::iter(entries)).try_collect::<Vec<_>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn a_tar_reads_back_with_long_and_foreign_names() {
        let files = sample();
        let bytes = archive(Format::Tar, &files).await;
        let mut read = Vec::new();
        for member in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut member = member.unwrap();
            assert_eq!(member.header().mtime().unwrap(), 1_588_641_726);
            let path = member.path().unwrap().to_str().unwrap().to_owned();
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            read.push((path, content));
        }
        assert_eq!(
            read,
            files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect::<Vec<_>>()
        );
    }

    #[tokio::test]
    async fn a_zip_reads_back_with_long_and_foreign_names() {
        let files = sample();
        let mut zip = zip::ZipArchive::new(io::Cursor::new(archive(Format::Zip, &files).await)).unwrap();
        assert_eq!(zip.len(), files.len());
        for (path, bytes) in &files {
            let mut member = zip.by_name(path).unwrap();
            assert_eq!(member.last_modified().unwrap().to_string(), "2020-05-05 01:22:06");
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            assert_eq!(&content, bytes);
        }
    }

    #[tokio::test]
    async fn an_archive_of_nothing_is_an_archive() {
        let bytes = archive(Format::Tar, &[]).await;
        assert_eq!(tar::Archive::new(bytes.as_slice()).entries().unwrap().count(), 0);
        assert!(zip::ZipArchive::new(io::Cursor::new(archive(Format::Zip, &[]).await)).unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_missing_content_breaks_the_archive_instead_of_shortening_it() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::in_folder(folder.path(), crate::store::Keeping::Passing).unwrap();
        for format in [Format::Tar, Format::Zip] {
            let entries = entries(&blobs, &sample()).await;
            let Content::Stored(blob) = &entries[3].as_ref().unwrap().content else { panic!("stored") };
            blobs.remove(blob.id).unwrap();
            let pieces = encode(blobs.clone(), format, stream::iter(entries)).try_collect::<Vec<_>>().await;
            assert!(pieces.unwrap_err().to_string().contains("missing"));
        }
    }

    #[test]
    fn a_tar_header_holds_sizes_beyond_what_eleven_octal_digits_can() {
        let size = 20 * 1024 * 1024 * 1024;
        let blob = Stored { id: uuid::Uuid::new_v4(), size, hash: String::new() };
        let bytes = tar_header(&Entry::stored("big".into(), blob, Utc::now())).unwrap();
        let header = tar::Header::from_byte_slice(&bytes);
        assert_eq!((bytes.len(), header.size().unwrap()), (TAR_BLOCK, size));
        assert_eq!((tar_padding(size), tar_padding(size + 1)), (0, TAR_BLOCK - 1));
    }

    #[tokio::test]
    async fn a_path_that_leaves_the_archive_is_refused_by_tar() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::in_folder(folder.path(), crate::store::Keeping::Passing).unwrap();
        let entries = entries(&blobs, &[("../outside", b"x".to_vec())]).await;
        assert!(encode(blobs, Format::Tar, stream::iter(entries)).try_collect::<Vec<_>>().await.is_err());
    }
}
