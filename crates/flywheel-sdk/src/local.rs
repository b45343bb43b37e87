//! What only local sites of this project know: the folders of gears, which the platform keeps as images in a registry.

use std::path::{Path, PathBuf};

use flywheel_api::transport::{Call, RawRequest};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use http::Method;
use serde_json::Value;
use tokio_util::io::ReaderStream;

use crate::{Client, Error, ErrorKind, Request};

const CALL: Call = Call::new("put_gear_folder", "/local/gear-folders/{Hash}").idempotent(true);

impl Client {
    /// Brings the folder of a gear to a local site: a tar archive of what is in the folder, `manifest.json` at its top, and
    /// the archive's SHA-384 in hexadecimal. Answers the `rootfs-hash` and `rootfs-url` for the `exchange` of the gear's
    /// document. For administrators of the site, since it is a program that the site's machine will run.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] on other sites than local ones, [`ErrorKind::Invalid`] for what is no such archive.
    pub fn put_gear_folder(&self, archive: &Path, sha384: &str) -> Request<'static, Value> {
        let (archive, hash) = (archive.to_owned(), sha384.to_owned());
        Request::new(self, move |raw| async move {
            let length =
                tokio::fs::metadata(&archive).await.map_err(|error| unreadable(&archive, &error))?.len();
            if !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(Error::new(ErrorKind::Invalid, "a SHA-384 is written in hexadecimal digits"));
            }
            let transport = raw.transport();
            let url = format!("{}/local/gear-folders/{hash}", transport.base_url());
            let request =
                RawRequest::to(CALL, Method::PUT, url).stream(length, move || read(archive.clone()));
            transport.send_json(&request).await
        })
    }
}

fn unreadable(archive: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Invalid, format!("{} cannot be read: {error}", archive.display()))
}

fn read(archive: PathBuf) -> stream::BoxStream<'static, std::io::Result<bytes::Bytes>> {
    let open = tokio::fs::File::open(archive);
    open.into_stream().map_ok(ReaderStream::new).try_flatten().boxed()
}
