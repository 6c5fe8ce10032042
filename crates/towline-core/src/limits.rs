//! What a provider says about its rate limits.

use std::time::Duration;

/// A snapshot of a provider's limits, as its headers told it. What it did not say, or said in a
/// way that cannot be right, is `None`: unknown, never exhausted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimits {
    /// Requests per window.
    pub requests: RateLimit,
    /// Tokens per window, input and output together.
    pub tokens: RateLimit,
    /// Input tokens per window.
    pub input_tokens: RateLimit,
    /// Output tokens per window.
    pub output_tokens: RateLimit,
}

/// One limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many a window allows.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// How long until the window is full again.
    pub reset: Option<Duration>,
}

// === impl RateLimits ===

impl RateLimits {
    /// Whether the provider said nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

// === impl RateLimit ===

impl RateLimit {
    /// A limit as far as it is known.
    #[must_use]
    pub const fn new(limit: Option<u64>, remaining: Option<u64>, reset: Option<Duration>) -> Self {
        Self {
            limit,
            remaining,
            reset,
        }
    }
}
