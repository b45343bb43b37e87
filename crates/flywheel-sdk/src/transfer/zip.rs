//! What is inside a zip file.

use serde::Deserialize;

use super::download::{FileAt, Wanted};
use crate::{Client, Request, Result};

/// The listing of a zip file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Zip {
    /// The comment of the archive.
    #[serde(deserialize_with = "or_default")]
    pub comment: String,
    /// Its members, in the order of the archive.
    #[serde(deserialize_with = "or_default")]
    pub members: Vec<ZipMember>,
}

/// One member of a zip file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ZipMember {
    /// Its path inside the archive; a folder ends with a slash.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// Bytes, unpacked.
    #[serde(deserialize_with = "or_default")]
    pub size: u64,
    /// When it was last changed, as the site writes it; zip files keep no time zone.
    #[serde(deserialize_with = "or_default")]
    pub timestamp: String,
    /// Its comment.
    #[serde(deserialize_with = "or_default")]
    pub comment: String,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// The listing of the zip file at `at`.
pub(super) fn zip_info(client: &Client, at: Result<FileAt>) -> Request<'static, Zip> {
    Request::new(client, move |raw| async move {
        let request = at?.request(Wanted::Listing)?;
        raw.transport().send_json(&request).await
    })
}
