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
//! | `body`, `query`, `error` | JSON bodies and parameters in, error bodies out |
//! | `containers`, `accounts`, `roles`, `modalities`, `system`, `files` | the handlers, by what they are about |
//! | `projects`, `templates` | locks, settings and the catalogue of projects; session templates |
//! | `access_log`, `changes`, `audit` | who looked at what, who changed what, reports of that |
//! | `tasks`, `protocols`, `forms`, `staffing` | what readers are asked |
//! | `providers`, `dimse`, `filters` | what the site is told about: storage, DICOM entities, users' own filters |
//! | `tree`, `reports` | several levels in one call; what goes on at the site |
//! | `uploads`, `packfiles` | files that find their place in the hierarchy, or come as one packed file |
//! | `copies`, `bulk` | copies by reference, and calls on many containers |
//! | `views` | data views: saved, queued, written out |
//! | `rules` | gear rules: jobs that begin by themselves |
//! | `engine` | running jobs in this process |
//! | `list`, `filter_sql`, `matching` | lists: filter and order as SQL, and what a filter clause means |
//! | `search` | the search, over the same tables |
//! | `words` | the index over what documents say |
//! | `present` | containers as the wire shows them |
//! | `store` | the database: `read` and `write` run a closure with a connection |
//! | `blobs` | the bytes of files |
//! | `retention` | how long the logs go back |
//! | `check` | whether a site is whole |
//! | `seed` | made-up studies, for measurements at any size |

mod access;
mod access_log;
mod accounts;
mod archive;
mod audit;
mod auth;
mod author;
mod batches;
mod blobs;
mod body;
mod bulk;
mod changes;
mod check;
mod containers;
mod copies;
mod dimse;
mod drain;
mod engine;
mod error;
mod files;
mod filter_sql;
mod filters;
mod forms;
mod gears;
mod guard;
mod health;
mod jobs;
mod kind;
mod list;
mod matching;
mod modalities;
mod older;
mod operations;
mod origins;
mod packfiles;
mod present;
mod projects;
mod protocols;
mod providers;
mod query;
mod reports;
mod request_id;
mod resolve;
mod retention;
mod roles;
mod route;
mod router;
mod rules;
mod search;
mod seed;
mod site;
mod staffing;
mod state;
mod store;
mod system;
mod tasks;
mod templates;
mod tree;
mod unserved;
mod uploads;
mod views;
mod words;

#[cfg(test)]
mod tests;

pub use check::Report;
pub use engine::Engine;
pub use retention::KEPT_LOG_DAYS;
pub use seed::{Seed, Seeded};
pub use site::{ADMIN, Running, Site, SiteBuilder, SiteError};
