//! The log of a running job: lines are collected for a moment and posted together.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use super::protocol::Protocol;

/// Where a line comes from, as the platform numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub(super) enum Fd {
    /// The engine.
    System = -1,
    /// The program's standard output.
    Stdout = 1,
    /// The program's standard error.
    Stderr = 2,
}

/// A line with its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) fd: Fd,
    pub(super) text: String,
}

impl Line {
    /// A line of the engine's own.
    pub(super) fn system(text: impl std::fmt::Display) -> Self {
        Self { fd: Fd::System, text: format!("{text}\n") }
    }

    fn entry(&self) -> Value {
        json!({"fd": self.fd as i8, "msg": self.text})
    }
}

/// How long lines are collected.
const MOMENT: Duration = Duration::from_millis(200);

/// How many lines are posted together at most.
const MOST: usize = 500;

/// How much of what a program writes is kept. Bytes.
const KEPT: usize = 32 << 20;

/// Posts what comes until nobody sends any more. What cannot be posted is gone: a cancelled job takes no lines.
pub(super) async fn post(protocol: Protocol, job: String, mut lines: mpsc::Receiver<Line>) {
    let mut length = 0;
    while let Some(first) = lines.recv().await {
        let mut batch = vec![first];
        let collect = async {
            while batch.len() < MOST {
                let Some(line) = lines.recv().await else { return };
                batch.push(line);
            }
        };
        // The moment is over or the batch is full: either way it goes.
        let _ = timeout(MOMENT, collect).await;
        let entries = within(&mut length, batch);
        if !entries.is_empty()
            && let Err(error) = protocol.log(&job, entries).await
        {
            tracing::debug!(%error, job, "lines of a job's log could not be posted");
        }
    }
}

/// The entries that still fit, and a word about those that do not.
fn within(length: &mut usize, batch: Vec<Line>) -> Vec<Value> {
    let mut entries = Vec::new();
    for line in batch {
        let before = *length;
        *length = length.saturating_add(line.text.len());
        if *length <= KEPT || line.fd == Fd::System {
            entries.push(line.entry());
        } else if before <= KEPT {
            let text =
                format!("The gear wrote more than {} MiB; the rest of its output is not kept", KEPT >> 20);
            entries.push(Line::system(text).entry());
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_too_long_is_cut_off_once_and_the_engine_goes_on_writing() {
        let line = |fd| Line { fd, text: "x".repeat(KEPT / 2 + 1) };
        let mut length = 0;
        let batch = vec![line(Fd::Stdout), line(Fd::Stderr), line(Fd::Stdout), Line::system("end")];
        let fds: Vec<Value> = within(&mut length, batch).iter().map(|entry| entry["fd"].clone()).collect();
        assert_eq!(fds, [json!(1), json!(-1), json!(-1)]);
        assert_eq!(within(&mut length, vec![line(Fd::Stdout)]), Vec::<Value>::new());
    }
}
