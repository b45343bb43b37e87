//! What the examples share: a site in this process, and a `main` that prints what the example wrote.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]
#![allow(dead_code, reason = "not every example needs all of it")]

use flywheel::Client;
use flywheel_local::{Running, Site};

/// Anything can go wrong.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// What devices of the site log in with.
pub(crate) const DRONE_SECRET: &str = "open sesame";

/// A site for this example alone, and a client of its administrator. It ends when the first is dropped.
pub(crate) async fn site() -> Result<((Site, Running), Client), Failure> {
    let site = Site::builder().drone_secret(DRONE_SECRET).open().await?;
    let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
    let fw = Client::new(running.api_key())?;
    Ok(((site, running), fw))
}

/// Runs an example and prints what it wrote.
pub(crate) async fn show(run: impl AsyncFnOnce(&mut String) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = String::new();
    run(&mut out).await?;
    print!("{out}");
    Ok(())
}
