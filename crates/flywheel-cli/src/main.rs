//! `fw`: the Flywheel platform from a shell.
mod demo;
mod dicom;

fn main() {}
