//! The clocks of a call.

use std::time::Duration;

/// How long a call and its parts may take, `timeout.*`. None means that the clock is off.
///
/// These are the clocks of the layers. Those of one exchange with the provider are
/// [`Timeouts`](crate::Timeouts); limit for connecting is [`connect`](crate::Timeouts::connect).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeoutSettings {
    pub(crate) total: Option<Duration>,
    pub(crate) stream_total: Option<Duration>,
    pub(crate) first_token: Option<Duration>,
    pub(crate) reasoning_first_token: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) progress: Option<Duration>,
    pub(crate) attempt: Option<Duration>,
}

/// Time to the first token where nothing is set.
pub(crate) const FIRST_TOKEN: Duration = Duration::from_secs(120);

/// The same for reasoning models: what a call without streaming would get.
pub(crate) const REASONING_FIRST_TOKEN: Duration = Duration::from_secs(600);

// === impl TimeoutSettings ===

impl TimeoutSettings {
    /// Limit for a whole call that is not streamed: queueing, attempts, pauses and body. Default
    /// 10 minutes.
    #[must_use]
    pub const fn total(&self) -> Option<Duration> {
        self.total
    }

    /// The same for a streamed call. Default none: a long answer is no fault.
    #[must_use]
    pub const fn stream_total(&self) -> Option<Duration> {
        self.stream_total
    }

    /// Longest wait of an attempt for its first token. Default 2 minutes.
    #[must_use]
    pub const fn first_token(&self) -> Option<Duration> {
        self.first_token
    }

    /// The same for a reasoning model, which may think for long before it speaks. Default 10
    /// minutes; a setting is for both.
    #[must_use]
    pub const fn reasoning_first_token(&self) -> Option<Duration> {
        self.reasoning_first_token
    }

    /// Longest silence of a stream after its first token. Every byte counts, pings and comments too.
    /// Default 5 minutes.
    #[must_use]
    pub const fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// Longest pause between two events that carry content; pings do not count. Default off.
    #[must_use]
    pub const fn progress(&self) -> Option<Duration> {
        self.progress
    }

    /// Limit for one attempt, its body included. Default off.
    #[must_use]
    pub const fn attempt(&self) -> Option<Duration> {
        self.attempt
    }
}
