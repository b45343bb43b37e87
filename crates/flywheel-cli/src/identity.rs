//! Who a key belongs to, and which release the site has.

use std::fmt;

use flywheel::Client;
use serde::Serialize;

/// The user or the device a key was made for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Identity {
    pub(crate) id: String,
    /// First and last name; empty for devices and for users who gave none.
    pub(crate) name: String,
    /// Whether the key may do everything on the site.
    pub(crate) admin: bool,
}

impl Identity {
    /// Asks the site.
    ///
    /// # Errors
    /// The site cannot be reached or does not know the key.
    pub(crate) async fn of(client: &Client) -> flywheel::Result<Self> {
        let status = client.auth_status().await?;
        let admin = status.user_is_admin.unwrap_or_default();
        if status.is_device == Some(true) {
            let id = status.origin.and_then(|origin| origin.id).unwrap_or_default();
            return Ok(Self { id, name: String::new(), admin });
        }
        let me = client.me().await?;
        let names = [me.firstname, me.lastname].into_iter().flatten().filter(|name| !name.is_empty());
        Ok(Self { id: me.id.unwrap_or_default(), name: names.collect::<Vec<_>>().join(" "), admin })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => f.write_str(&self.id),
            name => write!(f, "{name} ({})", self.id),
        }
    }
}

/// The release of the site, where it tells one.
///
/// # Errors
/// The site cannot be reached.
pub(crate) async fn release(client: &Client) -> flywheel::Result<Option<String>> {
    let version = client.version().await?;
    Ok(version.flywheel_release.or(version.release))
}
