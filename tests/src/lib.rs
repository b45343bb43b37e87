//! What the end-to-end suites share.
//!
//! | module | what |
//! |---|---|
//! | [`site`] | a local site in this process, listening on a free loopback port, with users |
//! | [`http`] | plain requests, for what no client library would send |
//! | [`python`] | the official Python client in a virtual environment of its own |
//! | [`description`] | `openapi/flywheel.json`: which operation a request calls, what it may answer |
//! | [`validate`] | the layer around every site that holds its answers against the description |

pub mod description;
pub mod http;
pub mod python;
pub mod site;
pub mod validate;
