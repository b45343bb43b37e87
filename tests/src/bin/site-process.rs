//! A local site as a process of its own, for tests that kill it: `site-process FOLDER KEY [engine]` serves the folder on
//! a free loopback port and prints the address.

use std::error::Error;
use std::io::Write;
use std::net::Ipv4Addr;

use flywheel_local::{Engine, Site};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: site-process FOLDER KEY [engine]".into());
    };
    let mut builder = Site::builder().data(folder).admin_key(key);
    if arguments.next().is_some_and(|word| word == "engine") {
        builder = builder.engine(Engine::new());
    }
    let site = builder.open().await?;
    let running = site.listen((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", running.url())?;
    output.flush()?;
    std::future::pending::<()>().await;
    Ok(())
}
