//! How long an attempt may take.

use std::time::Duration;

/// The clocks of one attempt. The [module docs](super) have the reasons for the defaults.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clocks {
    pub(super) first_token: Duration,
    pub(super) reasoning: Duration,
    pub(super) whole: Duration,
    pub(super) idle: Duration,
    pub(super) progress: Option<Duration>,
    pub(super) attempt: Option<Duration>,
}

// === impl Clocks ===

impl Clocks {
    /// Sets how long the first content of a stream may take, where the model does not reason
    /// (default 120 s).
    #[must_use]
    pub const fn with_first_token(mut self, limit: Duration) -> Self {
        self.first_token = limit;
        self
    }

    /// Sets how long the first content of a stream may take, where the model reasons (default 600 s).
    #[must_use]
    pub const fn with_reasoning_first_token(mut self, limit: Duration) -> Self {
        self.reasoning = limit;
        self
    }

    /// Sets how long an answer that is not streamed may take (default 600 s).
    #[must_use]
    pub const fn with_whole(mut self, limit: Duration) -> Self {
        self.whole = limit;
        self
    }

    /// Sets how long a stream may be silent after its first content (default 300 s). Whatever comes is a
    /// sign of life, pings and comments too.
    #[must_use]
    pub const fn with_idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// Sets how long a stream may live on signs of life alone (default: for ever).
    #[must_use]
    pub const fn with_progress(mut self, limit: Option<Duration>) -> Self {
        self.progress = limit;
        self
    }

    /// Sets how long an attempt may take in all (default: for ever).
    #[must_use]
    pub const fn with_attempt(mut self, limit: Option<Duration>) -> Self {
        self.attempt = limit;
        self
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            first_token: Duration::from_secs(120),
            reasoning: Duration::from_secs(600),
            whole: Duration::from_secs(600),
            idle: Duration::from_secs(300),
            progress: None,
            attempt: None,
        }
    }
}
