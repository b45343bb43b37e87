//! What the end-to-end suites share.
//!
//! | module | what |
//! |---|---|
//! | [`site`] | a local site in this process, listening on a free loopback port, with users |
//! | [`http`] | plain requests, for what no client library would send |
//! | [`process`] | a site in a process of its own, which can be killed |
//! | [`mayhem`] | mixed writes against such a process, and what must be true after it was killed |
//! | [`measure`] | latencies and memory |
//! | [`python`] | the official Python client in a virtual environment of its own |
//! | [`requests`] | whether a request fits the operation it calls |
//! | [`notebook`] | the layer that writes down what is asked of a site |
//!
//! Every answer of these sites is held against the description (see [`flywheel_description`]).

pub mod http;
pub mod mayhem;
pub mod measure;
pub mod notebook;
pub mod process;
pub mod python;
pub mod requests;
pub mod site;
