//! A site with two people: its administrator, and somebody who may nothing yet.

use flywheel::Client;

use super::common::{self, Failure};

/// A site for this example alone, a client of its administrator, and one of an ordinary user of this address.
pub(crate) async fn site_of_two(email: &str) -> Result<(impl Sized, Client, Client), Failure> {
    let ((site, running), fw) = common::site().await?;
    let other = Client::new(running.key(&site.add_user(email, false).await?))?;
    Ok(((site, running), fw, other))
}
