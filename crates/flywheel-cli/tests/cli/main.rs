//! The program as its users meet it: arguments in, streams and exit codes out, against a real local site.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod demo;
mod gears;
mod help;
mod import;
mod login;
mod serve;
mod support;
mod transfers;
