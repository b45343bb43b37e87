//! A Flywheel site in a folder: the platform's API served from a SQLite database and local blobs, in process or over
//! TCP, so that programs for the platform are written, tested and shown without one.
//!
//! ```no_run
//! # async fn f() -> Result<(), flywheel_local::SiteError> {
//! use flywheel_local::Site;
//!
//! let site = Site::builder().data("my-site").admin_key("secret").open().await?;
//! let running = site.listen(([127, 0, 0, 1], 8090).into()).await?;
//! assert_eq!(running.api_key(), "127.0.0.1:8090:__force_insecure:secret");
//! # Ok(())
//! # }
//! ```
//!
//! How a request goes:
//!
//! | module | what it does |
//! |---|---|
//! | `router` | every route with what it needs: the place to look first |
//! | `route` | puts the routes together; answers 501, 405 and 404 for the rest |
//! | `guard`, `auth`, `access` | who calls, and whether they may; the guard hands containers to handlers |
//! | `body`, `error` | JSON bodies in, error bodies out |
//! | `store` | the database: `read` and `write` run a closure with a connection |
//! | `matching` | the meaning of a filter clause |

mod access;
mod auth;
mod body;
mod error;
mod guard;
mod kind;
mod matching;
mod operations;
mod request_id;
mod route;
mod router;
mod site;
mod state;
mod store;
mod system;

pub use site::{ADMIN, Running, Site, SiteBuilder, SiteError};
