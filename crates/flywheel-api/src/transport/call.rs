//! What must be known of an operation to send it.

use crate::Operation;

/// The facts about an operation that decide how it is sent.
///
/// The generated client takes them from its operation table; calls outside the description (signed storage
/// URLs) state them by hand.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub(crate) operation: &'static str,
    pub(crate) template: &'static str,
    pub(crate) idempotent: bool,
    pub(crate) streaming: bool,
    pub(crate) anonymous: bool,
    pub(crate) also_ok: &'static [u16],
}

impl Call {
    /// The operation `operation` at the path `template`, such as `/projects/{ProjectId}`. Both appear in errors
    /// and traces, so neither may hold a value.
    ///
    /// It is taken as not idempotent, with an answer that is read whole, and sent with credentials.
    pub const fn new(operation: &'static str, template: &'static str) -> Self {
        Self { operation, template, idempotent: false, streaming: false, anonymous: false, also_ok: &[] }
    }

    /// Whether sending it twice does no more than sending it once.
    #[must_use]
    pub const fn idempotent(mut self, yes: bool) -> Self {
        self.idempotent = yes;
        self
    }

    /// Whether the caller reads the answer as a stream. Otherwise it is read whole inside the attempt, so that a
    /// connection cut in its middle is retried like any other failure.
    #[must_use]
    pub const fn streaming(mut self, yes: bool) -> Self {
        self.streaming = yes;
        self
    }

    /// Whether it is sent without credentials even to the site itself.
    #[must_use]
    pub const fn anonymous(mut self, yes: bool) -> Self {
        self.anonymous = yes;
        self
    }

    /// Statuses besides 2xx that are answers and not failures.
    #[must_use]
    pub const fn also_ok(mut self, statuses: &'static [u16]) -> Self {
        self.also_ok = statuses;
        self
    }

    /// The operation's name.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }
}

impl From<&'static Operation> for Call {
    fn from(operation: &'static Operation) -> Self {
        Self::new(operation.name, operation.path)
            .idempotent(operation.idempotent)
            .streaming(operation.streaming)
    }
}
