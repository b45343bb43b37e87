//! Latencies and memory, as the measurements report them.

use std::time::{Duration, Instant};

/// The times that calls of one sort took.
#[derive(Debug, Default, Clone)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Times some work and answers what it made.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let made = work();
        self.0.push(begun.elapsed());
        made
    }

    /// Takes in the times of others.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many calls there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many of a hundred calls did not exceed.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    }
}

/// A time in milliseconds, with as many digits as matter.
#[must_use]
pub fn milliseconds(time: Duration) -> String {
    let value = time.as_secs_f64() * 1e3;
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// The memory of a process in MiB, now and at most so far; Linux alone tells.
#[must_use]
pub fn memory(process: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
    };
    Some((field("RssAnon:")?, field("VmHWM:")?))
}
