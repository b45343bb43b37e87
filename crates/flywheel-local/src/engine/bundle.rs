//! The folders of gears: a gear's version is brought to the site as a tar archive, kept by the hash of the archive, and
//! named by it in the gear's `exchange`. The platform has images in a registry instead, so these calls are the site's own.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use axum::{
    Json,
    body::Body,
    extract::{Path as UrlPath, State},
};
use futures::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha384};
use tokio::io::AsyncWriteExt;

use crate::{
    access::Need::{Login, SiteAdmin},
    error::{ApiError, ApiResult},
    guard::Guard,
    route::{Route, get, put},
    state::AppState,
};

/// How the `rootfs-url` of a gear with a folder begins; the hash of its archive follows, in hexadecimal.
pub(super) const URL: &str = "file:///gears/";

/// The longest archive. Bytes.
const LARGEST: u64 = 2 << 30;

/// The most that an archive may unpack to. Bytes.
const UNPACKED: u64 = 8 << 30;

/// The most files and folders of a gear.
const MOST: usize = 100_000;

/// The routes of gear folders. Who brings a program to the site decides what runs on its machine, so this is for
/// administrators of the site.
pub(crate) fn routes() -> Vec<Route> {
    vec![get("/local/gear-folders/{hash}", Login, look), put("/local/gear-folders/{hash}", SiteAdmin, bring)]
}

/// The place of the folder with this hash; none when it is no hash.
pub(super) fn place(gears: &Path, hash: &str) -> Option<PathBuf> {
    let fits = hash.len() == 96 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    fits.then(|| gears.join(hash))
}

fn answer(hash: &str) -> Json<Value> {
    Json(json!({"rootfs-hash": format!("sha384:{hash}"), "rootfs-url": format!("{URL}{hash}")}))
}

fn place_of(state: &AppState, hash: &str) -> ApiResult<PathBuf> {
    place(&state.data.join(super::GEARS), hash).ok_or_else(|| {
        ApiError::unprocessable("expected the SHA-384 of the archive in 96 hexadecimal digits")
    })
}

/// `GET /local/gear-folders/{hash}`: whether the folder is here.
async fn look(
    _guard: Guard,
    State(state): State<AppState>,
    UrlPath(hash): UrlPath<String>,
) -> ApiResult<Json<Value>> {
    match place_of(&state, &hash)?.is_dir() {
        true => Ok(answer(&hash)),
        false => Err(ApiError::not_found(format!("No gear folder with the hash {hash} is on this site"))),
    }
}

/// `PUT /local/gear-folders/{hash}`: a tar archive with this hash. One that is here already is as good.
async fn bring(
    _guard: Guard,
    State(state): State<AppState>,
    UrlPath(hash): UrlPath<String>,
    body: Body,
) -> ApiResult<Json<Value>> {
    let place = place_of(&state, &hash)?;
    let gears = state.data.join(super::GEARS);
    fs::create_dir_all(&gears)?;
    let archive = tempfile::NamedTempFile::new_in(&gears)?;
    let received = receive(&archive, body).await?;
    if received != hash {
        return Err(ApiError::unprocessable(format!(
            "The archive has the SHA-384 {received}, not {hash}: it was changed on the way"
        )));
    }
    tokio::task::spawn_blocking(move || unpack(&archive, &gears, &place))
        .await
        .map_err(ApiError::internal)??;
    Ok(answer(&hash))
}

/// Writes the body to a file; answers the hash of what came.
async fn receive(archive: &tempfile::NamedTempFile, body: Body) -> ApiResult<String> {
    let mut file = tokio::fs::File::from_std(archive.reopen()?);
    let mut stream = body.into_data_stream();
    let (mut hash, mut size) = (Sha384::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk =
            chunk.map_err(|error| ApiError::bad_request(format!("The archive broke off: {error}")))?;
        size += chunk.len() as u64;
        if size > LARGEST {
            let message = format!("A gear's archive may be {} GiB long", LARGEST >> 30);
            return Err(ApiError::new(http::StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await?;
    }
    file.sync_all().await?;
    Ok(hex::encode(hash.finalize()))
}

/// Unpacks an archive beside its place and moves it there in one step.
fn unpack(archive: &tempfile::NamedTempFile, gears: &Path, place: &Path) -> ApiResult<()> {
    let folder = tempfile::tempdir_in(gears)?;
    let inner = folder.path().join("gear");
    fs::create_dir(&inner)?;
    let unreadable =
        |error: io::Error| ApiError::unprocessable(format!("The archive cannot be unpacked: {error}"));
    let mut archive = tar::Archive::new(io::BufReader::new(archive.reopen()?));
    let (mut count, mut size) = (0, 0_u64);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        (count, size) = (count + 1, size.saturating_add(entry.size()));
        if count > MOST || size > UNPACKED {
            return Err(ApiError::unprocessable(format!(
                "A gear may have {MOST} files and folders, of {} GiB together",
                UNPACKED >> 30
            )));
        }
        take_out(&mut entry, &inner).map_err(unreadable)?;
    }
    if !inner.join("manifest.json").is_file() {
        return Err(ApiError::unprocessable(
            "The archive has no manifest.json: pack what is in the gear's folder",
        ));
    }
    if place.is_dir() {
        return Ok(());
    }
    match fs::rename(&inner, place) {
        // Somebody brought the same archive at the same time.
        Err(_) if place.is_dir() => Ok(()),
        done => Ok(done?),
    }
}

/// Takes a file or a folder out of an archive. Nothing else is taken, and nothing that leads out of the folder.
fn take_out<R: io::Read>(entry: &mut tar::Entry<'_, R>, to: &Path) -> io::Result<()> {
    let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let path = entry.path()?.into_owned();
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let mut target = to.to_owned();
    for part in parts {
        match part {
            Component::Normal(name) => target.push(name),
            _ => return Err(wrong(format!("{} leads out of the gear's folder", path.display()))),
        }
    }
    match entry.header().entry_type() {
        tar::EntryType::Directory => fs::create_dir_all(&target),
        tar::EntryType::Regular => {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut file = fs::File::create_new(&target)?;
            io::copy(entry, &mut file)?;
            permit(&file, entry.header().mode()?)
        }
        _ => Err(wrong(format!("{} is neither a file nor a folder", path.display()))),
    }
}

#[cfg(unix)]
fn permit(file: &fs::File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permit(_file: &fs::File, _mode: u32) -> io::Result<()> {
    Ok(())
}
