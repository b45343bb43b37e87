//! Writes to the standard output; a reader that goes away is no failure.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

/// Writes a text.
///
/// # Errors
/// When the output cannot be written for another reason than that nobody reads it.
pub(crate) fn text(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("the output cannot be written")
        }
        _ => Ok(()),
    }
}

/// Writes a line.
///
/// # Errors
/// As [`text`].
pub(crate) fn line(line: &str) -> Result<()> {
    text(&format!("{line}\n"))
}
