//! Timeouts, retry policy and the options of one call, with the environment variables that set them.

use crate::{Error, ErrorKind};
use std::{borrow::Cow, collections::HashMap, str::FromStr, time::Duration};

/// The limits on waiting. None of them limits how long a body takes as long as bytes keep moving.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Timeouts {
    /// To a ready connection: name look-up, TCP, proxy, TLS. Default 10 s; `FLYWHEEL_SDK_CONNECT_TIMEOUT`.
    pub connect: Duration,
    /// From the last byte of the request to the head of the answer. Default 60 s; `FLYWHEEL_SDK_REQUEST_TIMEOUT`.
    pub first_byte: Duration,
    /// One attempt of a call that moves no stream in either direction. Default 5 minutes.
    pub attempt: Duration,
    /// A whole call with its retries and the waits between them; for a streamed answer, to its head. Default none.
    pub operation: Option<Duration>,
    /// Without a byte of the body, in either direction. Default 60 s; `FLYWHEEL_SDK_REQUEST_TIMEOUT`.
    pub read_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            attempt: Duration::from_secs(300),
            operation: None,
            read_idle: Duration::from_secs(60),
        }
    }
}

/// How often, and how soon, a failed request is sent again.
///
/// Retry number *n* (from 0) waits a random time between 0 and `initial_backoff` x 2^n, at most `max_backoff`
/// (full jitter). A `Retry-After` of the server replaces that wait, and is cut to `max_backoff` too.
///
/// What is sent again:
///
/// | failure | idempotent operation | other operation |
/// |---|---|---|
/// | no connection (name, TCP, proxy, TLS handshake), or a pooled one closed before use | yes | yes |
/// | 429; 503 with `Retry-After`: refused before anything was done | yes | yes |
/// | 502, 503, 504 | yes | no |
/// | connection broken after sending, answer cut off, timeout | yes | no |
/// | certificate refused; any other status | no | no |
///
/// A streamed body that cannot be opened again is never sent twice.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all; 1 means no retry. Default 8; `FLYWHEEL_SDK_TOTAL_RETRIES` + 1.
    pub max_attempts: u32,
    /// No attempt starts later than this after the first. Default 10 minutes.
    pub total_time: Duration,
    /// Longest wait before the first retry. Default 0.9375 s; half of `FLYWHEEL_SDK_BACKOFF_FACTOR` (seconds).
    pub initial_backoff: Duration,
    /// Longest wait before any retry. Default 120 s; `FLYWHEEL_SDK_BACKOFF_MAX` (seconds).
    pub max_backoff: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            total_time: Duration::from_secs(600),
            initial_backoff: Duration::from_millis(938),
            max_backoff: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// One attempt only.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }
}

/// The variables that configure a client, from the process or from a test's table.
#[derive(Clone)]
pub struct Environment(Variables);

#[derive(Clone)]
enum Variables {
    Process,
    Table(HashMap<String, String>),
}

impl Environment {
    /// The variables of this process. A variable that is not Unicode counts as unset.
    pub fn process() -> Self {
        Self(Variables::Process)
    }

    /// Only the given variables.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self(Variables::Table(variables.into_iter().map(owned).collect()))
    }

    /// No variables at all.
    pub fn empty() -> Self {
        Self::of([])
    }

    /// The value of `name`, without surrounding white space; `None` when unset or blank.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Variables::Process => std::env::var(name).ok(),
            Variables::Table(table) => table.get(name).cloned(),
        };
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn number<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Error> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Error::new(ErrorKind::Config, format!("{name} is {text:?}; expected {expected}"))
                })
            })
            .transpose()
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>, Error> {
        let expected = "a number of seconds that is not negative";
        let Some(seconds) = self.number::<f64>(name, expected)? else { return Ok(None) };
        Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| {
            Error::new(ErrorKind::Config, format!("{name} is \"{seconds}\"; expected {expected}"))
        })
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

impl Timeouts {
    /// The defaults, changed by the official client's variables.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the variable that is not a number of seconds.
    pub fn from_environment(environment: &Environment) -> Result<Self, Error> {
        let mut timeouts = Self::default();
        if let Some(connect) = environment.seconds("FLYWHEEL_SDK_CONNECT_TIMEOUT")? {
            timeouts.connect = connect;
        }
        if let Some(read) = environment.seconds("FLYWHEEL_SDK_REQUEST_TIMEOUT")? {
            timeouts.first_byte = read;
            timeouts.read_idle = read;
        }
        Ok(timeouts)
    }
}

impl RetryPolicy {
    /// The defaults, changed by the official client's variables.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the variable that is not a number.
    pub fn from_environment(environment: &Environment) -> Result<Self, Error> {
        let mut policy = Self::default();
        if let Some(retries) = environment
            .number::<u32>("FLYWHEEL_SDK_TOTAL_RETRIES", "a number of retries that is not negative")?
        {
            policy.max_attempts = retries.saturating_add(1);
        }
        if let Some(factor) = environment.seconds("FLYWHEEL_SDK_BACKOFF_FACTOR")? {
            policy.initial_backoff = factor / 2;
        }
        if let Some(longest) = environment.seconds("FLYWHEEL_SDK_BACKOFF_MAX")? {
            policy.max_backoff = longest;
        }
        Ok(policy)
    }
}

/// What one call does differently from the client it is made with.
///
/// ```
/// use flywheel_api::transport::{CallOptions, RetryPolicy};
/// use std::time::Duration;
///
/// let options = CallOptions::new().timeout(Duration::from_secs(30)).retry(RetryPolicy::never()).feature("slim-containers");
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) operation: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) features: Vec<Cow<'static, str>>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) exhaustive: Option<bool>,
    pub(crate) anonymous: bool,
}

impl CallOptions {
    /// No difference.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the whole call, retries and waits included; a streamed answer, to its head.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.operation = Some(limit);
        self
    }

    /// Replaces the timeouts. `connect` belongs to the client's connections and is not changed by a call.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = Some(timeouts);
        self
    }

    /// Replaces the retry policy.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Asks the server for a feature (`X-Accept-Feature`), such as `slim-containers`, besides the usual ones.
    #[must_use]
    pub fn feature(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.features.push(name.into());
        self
    }

    /// Overrules the operation table: whether sending the request twice does no more than sending it once.
    #[must_use]
    pub fn idempotent(mut self, yes: bool) -> Self {
        self.idempotent = Some(yes);
        self
    }

    /// Whether everything is listed that an administrator may see (`exhaustive=true`), not only what is shared.
    #[must_use]
    pub fn exhaustive(mut self, yes: bool) -> Self {
        self.exhaustive = Some(yes);
        self
    }

    /// Sends no credentials: the request's own ticket or signature is enough.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// These options over `base`: what both state, these decide; features add up.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        let mut features = base.features.clone();
        features.extend(self.features);
        Self {
            timeouts: self.timeouts.or_else(|| base.timeouts.clone()),
            operation: self.operation.or(base.operation),
            retry: self.retry.or_else(|| base.retry.clone()),
            features,
            idempotent: self.idempotent.or(base.idempotent),
            exhaustive: self.exhaustive.or(base.exhaustive),
            anonymous: self.anonymous || base.anonymous,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_official_variables_set_timeouts_and_retries() {
        let environment = Environment::of([
            ("FLYWHEEL_SDK_CONNECT_TIMEOUT", "2.5"),
            ("FLYWHEEL_SDK_REQUEST_TIMEOUT", "7"),
            ("FLYWHEEL_SDK_TOTAL_RETRIES", "3"),
            ("FLYWHEEL_SDK_BACKOFF_FACTOR", "4"),
            ("FLYWHEEL_SDK_BACKOFF_MAX", "30"),
        ]);
        let timeouts = Timeouts::from_environment(&environment).unwrap();
        assert_eq!(timeouts.connect, Duration::from_millis(2500));
        assert_eq!(
            (timeouts.first_byte, timeouts.read_idle),
            (Duration::from_secs(7), Duration::from_secs(7))
        );
        let policy = RetryPolicy::from_environment(&environment).unwrap();
        assert_eq!(policy.max_attempts, 4);
        assert_eq!(policy.initial_backoff, Duration::from_secs(2));
        assert_eq!(policy.max_backoff, Duration::from_secs(30));
    }

    #[test]
    fn a_malformed_variable_is_named() {
        let environment = Environment::of([("FLYWHEEL_SDK_CONNECT_TIMEOUT", "soon")]);
        let error = Timeouts::from_environment(&environment).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("FLYWHEEL_SDK_CONNECT_TIMEOUT is \"soon\""), "{error}");
        let environment = Environment::of([("FLYWHEEL_SDK_BACKOFF_MAX", "-1")]);
        assert!(RetryPolicy::from_environment(&environment).is_err());
    }

    #[test]
    fn blank_variables_count_as_unset() {
        let environment = Environment::of([("FLYWHEEL_SDK_TOTAL_RETRIES", "  ")]);
        assert_eq!(RetryPolicy::from_environment(&environment).unwrap(), RetryPolicy::default());
    }

    #[test]
    fn options_of_the_call_win_and_features_add_up() {
        let base = CallOptions::new().feature("a").idempotent(true).timeout(Duration::from_secs(1));
        let call = CallOptions::new().feature("b").idempotent(false).over(&base);
        assert_eq!(call.features, ["a", "b"]);
        assert_eq!(call.idempotent, Some(false));
        assert_eq!(call.operation, Some(Duration::from_secs(1)));
    }
}
