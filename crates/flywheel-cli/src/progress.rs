//! Progress of long work: bars on a terminal, a line when something ends otherwise, nothing when quiet.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    echo::Muted,
    printer::{Printer, bytes},
};

/// Bars that are redrawn less often than this are still read as moving.
const TICK: Duration = Duration::from_millis(120);

/// Where progress is shown.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bars: MultiProgress,
    printer: Printer,
    lines: bool,
    /// Set while bars are drawn.
    muted: Arc<Mutex<Option<Muted>>>,
}

/// One piece of work under way. Dropping it unfinished takes its bar away.
#[derive(Debug)]
pub(crate) struct Task {
    bar: ProgressBar,
    bars: MultiProgress,
    name: String,
    printer: Printer,
    lines: bool,
}

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        let target =
            if printer.draws_bars() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            bars: MultiProgress::with_draw_target(target),
            printer,
            lines: printer.tells_progress(),
            muted: Arc::default(),
        }
    }

    /// The same bars, but no lines where there are none: for work whose result tells all.
    pub(crate) fn without_lines(&self) -> Self {
        Self { lines: false, ..self.clone() }
    }

    /// Takes all bars away and draws no more, whatever still runs.
    pub(crate) fn end(&self) {
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
        *self.muted.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A transfer of `total` bytes, if that is known. Its bar shows the last part of a `name` that is a path.
    pub(crate) fn transfer(&self, name: impl Into<String>, total: Option<u64>) -> Task {
        self.task(name.into(), total, "{wide_msg} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} {bar:20}")
    }

    /// Work on `total` things.
    pub(crate) fn count(&self, name: impl Into<String>, total: u64) -> Task {
        self.task(name.into(), Some(total), "{wide_msg} {pos:>7}/{len:<7} {eta:>5} {bar:20}")
    }

    fn task(&self, name: String, total: Option<u64>, template: &str) -> Task {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.bars.add(bar.with_style(style.progress_chars("━╸ ")).with_message(label(&name)));
        if !bar.is_hidden() {
            self.muted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Muted::new);
            bar.enable_steady_tick(TICK);
        }
        Task { bar, bars: self.bars.clone(), name, printer: self.printer, lines: self.lines }
    }
}

impl Task {
    pub(crate) fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// A handle that can follow the work from another thread.
    pub(crate) fn handle(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Ends the bar. Where none was drawn, tells what was done, with its size if that is given.
    pub(crate) fn done(self, what: &str, size: Option<u64>) {
        if self.bar.is_hidden() && self.lines {
            let size = size.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
            self.printer.note(format_args!("{what} {}{size}", self.name));
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.bars.remove(&self.bar);
    }
}

/// What tells a file apart at a glance: its own name, without the folders it is in.
fn label(name: &str) -> String {
    Path::new(name).file_name().map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_bar_is_labelled_with_the_name_of_the_file_alone() {
        assert_eq!(label("/data/neuro/sub-01/t1.nii.gz"), "t1.nii.gz");
        assert_eq!(label("uploading series"), "uploading series");
        assert_eq!(label(".."), "..");
    }
}
