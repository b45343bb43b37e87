//! Serves a site: `serve [--listen ADDRESS] [--data DIR] [--admin-key KEY] [--drone-secret SECRET]`.
//!
//! Prints one line of JSON when it accepts connections, and stops at ctrl-c.
#![allow(clippy::print_stdout)]

use std::net::SocketAddr;

use flywheel_local::Site;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Site::builder();
    let mut address: SocketAddr = ([127, 0, 0, 1], 8090).into();
    let mut secret = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--listen" => address = value.parse()?,
            "--data" => builder = builder.data(value),
            "--admin-key" => builder = builder.admin_key(value),
            "--drone-secret" => {
                builder = builder.drone_secret(&value);
                secret = value;
            }
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    let site = builder.open().await?;
    let running = site.listen(address).await?;
    let line = serde_json::json!({
        "url": running.url(), "api_key": running.api_key(), "drone_secret": secret, "data": site.data(),
    });
    println!("{line}");
    tokio::signal::ctrl_c().await?;
    running.shutdown().await;
    Ok(())
}
