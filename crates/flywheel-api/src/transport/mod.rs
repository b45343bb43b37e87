//! How requests reach a site: authorization, retry, timeouts, redirects, TLS and tracing, each in one place.
//!
//! | file | decides |
//! |---|---|
//! | `builder` | where requests go, with which credentials, through which client |
//! | `settings` | timeouts, retry policy, options of one call, and their environment variables |
//! | `call` | what must be known of an operation to send it |
//! | `credentials` | where keys are looked for |
//! | `prepare` | headers and query of each request, and which of them may follow a redirect |
//! | `execute` | the loop of attempts of one call, and its span |
//! | `attempt` | one attempt: time limits, redirects, the answer's body |
//! | `retry` | which failure is worth another attempt, when, and whether the budget allows it |
//! | `failure` | what went wrong, as an [`Error`](crate::Error) |
//! | `body` | bodies under watch: how far a request was sent, answers that fail when they stall |
//! | `raw` | requests that no generated method can make |
//! | `site` | what the site says about itself |
//! | `tls` | trusted roots |
//!
//! ```no_run
//! use flywheel_api::transport::{Call, CallOptions, Transport};
//! use std::time::Duration;
//!
//! # async fn run() -> Result<(), flywheel_api::Error> {
//! let transport = Transport::from_env()?;
//! let quick = transport.with_options(CallOptions::new().timeout(Duration::from_secs(5)));
//! let request = quick.request(http::Method::GET, "/version")?;
//! let answer = quick.execute(Call::new("get_version", "/version").idempotent(true), request).await?;
//! assert!(answer.status().is_success());
//! # Ok(())
//! # }
//! ```

mod attempt;
mod body;
mod builder;
mod call;
mod credentials;
mod execute;
mod failure;
mod prepare;
mod raw;
mod retry;
mod settings;
mod site;
mod tls;

pub use builder::{Transport, TransportBuilder};
pub use call::Call;
pub use credentials::CredentialFiles;
pub use execute::{body_stream, read_body};
pub use raw::RawRequest;
pub use retry::RetryBudget;
pub use settings::{CallOptions, Environment, RetryPolicy, Timeouts};
