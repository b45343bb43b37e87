//! Which failure is worth another attempt, when, and whether the budget allows it.

use super::settings::RetryPolicy;
use chrono::{DateTime, Utc};
use http::{HeaderMap, header};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What a failed attempt says about repeating it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The request never left: repeating is safe for every operation.
    NotSent,
    /// The server refused before doing anything, and says that this will pass: safe for every operation.
    Refused,
    /// It may pass, but the server may have carried the request out: safe for idempotent operations.
    Unknown,
    /// It will fail again.
    Final,
}

impl Class {
    pub(super) fn allows_retry(self, idempotent: bool) -> bool {
        match self {
            Self::NotSent | Self::Refused => true,
            Self::Unknown => idempotent,
            Self::Final => false,
        }
    }
}

/// Longest random wait before retry number `retry` (from 0).
pub(super) fn backoff_ceiling(policy: &RetryPolicy, retry: u32) -> Duration {
    let factor = 2_u32.checked_pow(retry).unwrap_or(u32::MAX);
    policy.initial_backoff.saturating_mul(factor).min(policy.max_backoff)
}

/// The wait before retry number `retry` (from 0): what the server asked for, else a random part of the ceiling.
pub(super) fn wait(policy: &RetryPolicy, retry: u32, retry_after: Option<Duration>) -> Duration {
    match retry_after {
        Some(asked) => asked.min(policy.max_backoff),
        None => backoff_ceiling(policy, retry).mul_f64(rand::random::<f64>()),
    }
}

/// The wait that `Retry-After` asks for, written as seconds or as a date; a date is taken relative to the
/// server's own clock where it sends one. `None` when absent or not understood.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc());
    let until = date(text)?;
    let from = headers.get(header::DATE).and_then(|value| value.to_str().ok()).and_then(date).unwrap_or(now);
    Some((until - from).to_std().unwrap_or_default())
}

/// The retries that all clones of a client may still spend together.
///
/// A token bucket: a retry takes 5 tokens, one after a timeout 10; a success gives back what its last retry took,
/// or 1 when it needed none. When a site is down, the first calls spend the bucket and the others fail fast
/// instead of adding to the load. A retry that the server itself asked for (`Retry-After`) is free.
#[derive(Debug, Clone)]
pub struct RetryBudget(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    capacity: u32,
    tokens: Mutex<u32>,
}

impl RetryBudget {
    /// A budget of `tokens`. The default is 500, which is 100 retries.
    pub fn new(tokens: u32) -> Self {
        Self(Arc::new(Bucket { capacity: tokens, tokens: Mutex::new(tokens) }))
    }

    /// The tokens left.
    pub fn remaining(&self) -> u32 {
        *self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the cost of a retry; `None` when too little is left.
    pub(super) fn take(&self, timed_out: bool) -> Option<u32> {
        let cost = if timed_out { 10 } else { 5 };
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = tokens.checked_sub(cost)?;
        Some(cost)
    }

    /// Gives back the cost of the last retry of a call that succeeded, or 1.
    pub(super) fn give_back(&self, cost: Option<u32>) {
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = tokens.saturating_add(cost.unwrap_or(1)).min(self.0.capacity);
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(500)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_longest_wait() {
        let policy = RetryPolicy {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(10),
            ..RetryPolicy::default()
        };
        let ceilings: Vec<u64> = [0, 1, 2, 3, 4, 40].map(|n| backoff_ceiling(&policy, n).as_secs()).into();
        assert_eq!(ceilings, [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn the_wait_is_random_below_the_ceiling_and_the_server_overrules_it() {
        let policy = RetryPolicy::default();
        let waits: Vec<Duration> = (0..50).map(|_| wait(&policy, 3, None)).collect();
        assert!(waits.iter().all(|wait| *wait <= backoff_ceiling(&policy, 3)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
        assert_eq!(wait(&policy, 0, Some(Duration::from_secs(9))), Duration::from_secs(9));
        assert_eq!(wait(&policy, 0, Some(Duration::from_secs(9000))), policy.max_backoff);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let of = |text: &str| retry_after(&headers(&[(header::RETRY_AFTER, text)]), now);
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(of("Thu, 01 Jan 2026 00:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(of("Wed, 31 Dec 2025 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(of("-1"), None);
        assert_eq!(of("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_retry_date_is_relative_to_the_clock_of_the_server() {
        let now = DateTime::parse_from_rfc3339("2026-01-01T05:00:00Z").unwrap().to_utc();
        let headers = headers(&[
            (header::RETRY_AFTER, "Thu, 01 Jan 2026 00:00:30 GMT"),
            (header::DATE, "Thu, 01 Jan 2026 00:00:10 GMT"),
        ]);
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(20)));
    }

    #[test]
    fn an_empty_budget_allows_no_retry_until_calls_succeed_again() {
        let budget = RetryBudget::new(10);
        assert_eq!(budget.take(false), Some(5));
        assert_eq!(budget.take(true), None);
        assert_eq!(budget.take(false), Some(5));
        assert_eq!(budget.take(false), None);
        (0..5).for_each(|_| budget.give_back(None));
        assert_eq!(budget.take(false), Some(5));
        budget.give_back(Some(1000));
        assert_eq!(budget.remaining(), 10);
    }

    #[test]
    fn only_what_certainly_did_nothing_is_repeated_for_an_operation_that_is_not_idempotent() {
        let repeated =
            [Class::NotSent, Class::Refused, Class::Unknown, Class::Final].map(|c| c.allows_retry(false));
        assert_eq!(repeated, [true, true, false, false]);
        let repeated =
            [Class::NotSent, Class::Refused, Class::Unknown, Class::Final].map(|c| c.allows_retry(true));
        assert_eq!(repeated, [true, true, true, false]);
    }
}
