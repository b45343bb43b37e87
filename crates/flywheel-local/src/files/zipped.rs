//! Looking into a stored zip: its list of members, and one member without the rest.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use chrono::{NaiveDate, NaiveDateTime};
use flate2::{Crc, read::DeflateDecoder};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::{
    blobs::{BlobStore, ByteStream, Source, Stored},
    error::{ApiError, ApiResult},
};

const CHUNK: usize = 256 * 1024;

/// What a zip holds, as the platform lists it: `{comment, members: [{path, size, timestamp, comment}]}`.
///
/// # Errors
/// 400 when the file is no zip; 500 when its content is missing or damaged.
pub(super) async fn listing(blobs: &BlobStore, blob: &Stored) -> ApiResult<Value> {
    let (blobs, blob) = (blobs.clone(), blob.clone());
    blocking(move || list(&open(&blobs, &blob)?)).await
}

/// How many members a zip has; nothing when it is no zip.
pub(super) async fn member_count(blobs: &BlobStore, blob: &Stored) -> Option<usize> {
    let (blobs, blob) = (blobs.clone(), blob.clone());
    blocking(move || open(&blobs, &blob).map(|archive| archive.len())).await.ok()
}

/// One member's bytes, unpacked as they are sent, and how many there are.
///
/// # Errors
/// 400 when the file is no zip, has no such member, or packs it in a way this site cannot read; 500 when its content is
/// missing or damaged.
pub(super) async fn member(blobs: &BlobStore, blob: &Stored, path: &str) -> ApiResult<(u64, ByteStream)> {
    let (blobs, blob, path) = (blobs.clone(), blob.clone(), path.to_owned());
    let member = blocking(move || Member::open(open(&blobs, &blob)?, &path)).await?;
    Ok((member.size, member.into_stream()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> ApiResult<T> + Send + 'static) -> ApiResult<T> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}

fn open(blobs: &BlobStore, blob: &Stored) -> ApiResult<ZipArchive<BufReader<Box<dyn Source>>>> {
    let source = blobs.open(blob.id, blob.size)?;
    ZipArchive::new(BufReader::new(source)).map_err(unreadable)
}

fn unreadable(error: ZipError) -> ApiError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => ApiError::internal(error),
        _ => ApiError::bad_request("the file is not a zip archive"),
    }
}

fn list<R: Read + Seek>(archive: &ZipArchive<R>) -> ApiResult<Value> {
    let members = (0..archive.len()).map(|index| {
        let member = archive.by_index_data(index).map_err(unreadable)?;
        Ok(json!({
            "path": member.name().map_err(unreadable)?,
            "size": member.size(),
            "timestamp": member.last_modified().and_then(time).map(|time| flywheel_core::time::format(time.and_utc())),
            "comment": member.comment(),
        }))
    });
    let members: Vec<Value> = members.collect::<ApiResult<_>>()?;
    Ok(json!({"comment": String::from_utf8_lossy(archive.comment()), "members": members}))
}

/// A zip's clock has no zone; the platform takes it for UTC.
fn time(time: zip::DateTime) -> Option<NaiveDateTime> {
    let date = NaiveDate::from_ymd_opt(time.year().into(), time.month().into(), time.day().into())?;
    date.and_hms_opt(time.hour().into(), time.minute().into(), time.second().into())
}

/// A member being unpacked. It owns its reader, so that each step can run on whichever blocking thread is free and a slow
/// client holds none.
struct Member {
    unpacker: Box<dyn Read + Send>,
    crc: Crc,
    expected_crc: u32,
    size: u64,
    left: u64,
}

impl Member {
    fn open(mut archive: ZipArchive<BufReader<Box<dyn Source>>>, path: &str) -> ApiResult<Self> {
        let index = archive
            .index_for_name(path)
            .ok_or_else(|| ApiError::bad_request(format!("the zip archive has no member {path:?}")))?;
        let entry = archive.by_index_raw(index).map_err(unreadable)?;
        if entry.encrypted() {
            return Err(ApiError::bad_request(format!("the member {path:?} is encrypted")));
        }
        let start =
            entry.data_start().ok_or_else(|| ApiError::bad_request("the file is not a zip archive"))?;
        let (method, packed, size, expected_crc) =
            (entry.compression(), entry.compressed_size(), entry.size(), entry.crc32());
        drop(entry);
        let mut source = archive.into_inner();
        source.seek(SeekFrom::Start(start)).map_err(ApiError::internal)?;
        let packed = source.take(packed);
        let unpacker: Box<dyn Read + Send> = match method {
            CompressionMethod::Stored => Box::new(packed),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
            other => {
                return Err(ApiError::bad_request(format!("the member {path:?} is packed with {other}")));
            }
        };
        Ok(Self { unpacker, crc: Crc::new(), expected_crc, size, left: size })
    }

    /// The next chunk; the last one is given only after the checksum was right.
    fn step(&mut self) -> io::Result<Bytes> {
        let mut chunk = vec![0; CHUNK.min(usize::try_from(self.left).unwrap_or(CHUNK))];
        self.unpacker.read_exact(&mut chunk)?;
        self.crc.update(&chunk);
        self.left -= chunk.len() as u64;
        if self.left == 0 && self.crc.sum() != self.expected_crc {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the member's checksum is wrong"));
        }
        Ok(chunk.into())
    }

    fn into_stream(self) -> ByteStream {
        let step = |mut member: Self| async move {
            if member.left == 0 {
                return Ok(None);
            }
            let work = move || member.step().map(|chunk| (chunk, member));
            tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?.map(Some)
        };
        stream::try_unfold(self, step).boxed()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use futures::TryStreamExt;
    use http::StatusCode;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    async fn stored(bytes: Vec<u8>) -> (tempfile::TempDir, BlobStore, Stored) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::in_folder(folder.path(), crate::store::Keeping::Passing).unwrap();
        let mut upload = blobs.upload();
        upload.write(bytes.into()).await.unwrap();
        let blob = upload.finish().await.unwrap();
        (folder, blobs, blob)
    }

    fn zip(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    async fn unpack(blobs: &BlobStore, blob: &Stored, path: &str) -> io::Result<Vec<u8>> {
        let (size, chunks) = member(blobs, blob, path).await.unwrap();
        let bytes = chunks.try_collect::<Vec<_>>().await?.concat();
        assert_eq!(bytes.len() as u64, size);
        Ok(bytes)
    }

    #[tokio::test]
    async fn members_are_listed_and_read_stored_or_deflated() {
        let long: Vec<u8> = (0..1_000_000).map(|n| (n % 253) as u8).collect();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let moment = zip::DateTime::from_date_and_time(2020, 5, 4, 3, 2, 2).unwrap();
            let options = SimpleFileOptions::default().compression_method(method).last_modified_time(moment);
            let bytes = zip(&[("series/1.dcm", b"one"), ("empty", b""), ("long", &long)], options);
            let (_folder, blobs, blob) = stored(bytes).await;
            let list = listing(&blobs, &blob).await.unwrap();
            assert_eq!(
                list["members"][0],
                json!({"path": "series/1.dcm", "size": 3, "timestamp": "2020-05-04T03:02:02+00:00", "comment": ""})
            );
            assert_eq!(list["members"].as_array().unwrap().len(), 3);
            assert_eq!(member_count(&blobs, &blob).await, Some(3));
            assert_eq!(unpack(&blobs, &blob, "series/1.dcm").await.unwrap(), b"one");
            assert_eq!(unpack(&blobs, &blob, "empty").await.unwrap(), b"");
            assert_eq!(unpack(&blobs, &blob, "long").await.unwrap(), long);
        }
    }

    #[tokio::test]
    async fn a_member_is_found_by_its_exact_name_and_no_other() {
        let bytes = zip(&[("../../etc/passwd", b"just a name"), ("a", b"a")], SimpleFileOptions::default());
        let (_folder, blobs, blob) = stored(bytes).await;
        assert_eq!(unpack(&blobs, &blob, "../../etc/passwd").await.unwrap(), b"just a name");
        for path in ["etc/passwd", "/etc/passwd", "./a", "A", "", "a/"] {
            let error = member(&blobs, &blob, path).await.err().unwrap();
            assert_eq!(error.status(), StatusCode::BAD_REQUEST, "{path:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_zip_is_said_so() {
        let short = zip(&[("a", b"a")], SimpleFileOptions::default());
        for bytes in [vec![], b"PK\x03\x04 and then nothing".to_vec(), short[..short.len() - 10].to_vec()] {
            let (_folder, blobs, blob) = stored(bytes).await;
            assert_eq!(listing(&blobs, &blob).await.unwrap_err().status(), StatusCode::BAD_REQUEST);
            assert_eq!(member_count(&blobs, &blob).await, None);
        }
    }

    #[tokio::test]
    async fn a_member_with_a_wrong_checksum_never_ends_well() {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut bytes = zip(&[("a", b"the content of a")], options);
        let at = bytes.windows(11).position(|window| window == b"the content").unwrap();
        bytes[at] = b'T';
        let (_folder, blobs, blob) = stored(bytes).await;
        assert!(unpack(&blobs, &blob, "a").await.unwrap_err().to_string().contains("checksum"));
    }

    #[tokio::test]
    async fn a_large_listing_needs_zip64_and_is_whole() {
        let names: Vec<String> = (0..70_000).map(|n| format!("series/{n:06}.dcm")).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let (_folder, blobs, blob) = stored(zip(&members, options)).await;
        let list = listing(&blobs, &blob).await.unwrap();
        assert_eq!(list["members"].as_array().unwrap().len(), 70_000);
        assert_eq!(list["members"][69_999]["path"], "series/069999.dcm");
        assert_eq!(unpack(&blobs, &blob, "series/069999.dcm").await.unwrap(), b"");
    }
}
