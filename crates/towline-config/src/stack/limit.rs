//! Rates: requests and tokens per minute.

use super::Ratio;
use std::{num::NonZeroU64, time::Duration};

/// How much goes to a provider in a minute, and what happens to the rest, `limit.*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LimitSettings {
    pub(crate) rates: Rates,
    pub(crate) burst: Ratio,
    pub(crate) mode: LimitMode,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) max_queued: u32,
    pub(crate) refund: Refund,
    pub(crate) learn: bool,
}

/// Amounts per minute. None means unlimited.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rates {
    pub(crate) requests: Option<NonZeroU64>,
    pub(crate) tokens: Option<NonZeroU64>,
    pub(crate) input_tokens: Option<NonZeroU64>,
    pub(crate) output_tokens: Option<NonZeroU64>,
}

/// What happens to a call that does not fit into the limit now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LimitMode {
    /// It waits for its turn.
    Wait,
    /// It is refused at once, with the time after which it would fit.
    Reject,
}

/// How tokens that were reserved and not used come back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refund {
    /// The level is worked out anew from a log of what is live. Never above the provider's own.
    Replay,
    /// At most the smallest room since the reservation, corrected for other refunds. Needs no log,
    /// grants less.
    MinDeficit,
    /// The whole difference. Grants most, and may overdraw the provider's limit.
    Naive,
}

// === impl LimitSettings ===

impl LimitSettings {
    /// The amounts per minute. Default unlimited.
    #[must_use]
    pub const fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The share of a minute's amount that may go at once. Default 1.
    #[must_use]
    pub const fn burst(&self) -> Ratio {
        self.burst
    }

    /// What happens to a call that does not fit. Default [`LimitMode::Wait`].
    #[must_use]
    pub const fn mode(&self) -> LimitMode {
        self.mode
    }

    /// The longest wait. None: the call's deadline is the only bound.
    #[must_use]
    pub const fn max_wait(&self) -> Option<Duration> {
        self.max_wait
    }

    /// The most calls that may wait at once. Default 1000.
    #[must_use]
    pub const fn max_queued(&self) -> u32 {
        self.max_queued
    }

    /// How unused tokens come back. Default [`Refund::Replay`].
    #[must_use]
    pub const fn refund(&self) -> Refund {
        self.refund
    }

    /// Whether the provider's headers lower the limit. Default true.
    #[must_use]
    pub const fn learn(&self) -> bool {
        self.learn
    }
}

// === impl Rates ===

impl Rates {
    /// Requests.
    #[must_use]
    pub const fn requests_per_minute(&self) -> Option<NonZeroU64> {
        self.requests
    }

    /// Tokens of question and answer together.
    #[must_use]
    pub const fn tokens_per_minute(&self) -> Option<NonZeroU64> {
        self.tokens
    }

    /// Tokens of the question.
    #[must_use]
    pub const fn input_tokens_per_minute(&self) -> Option<NonZeroU64> {
        self.input_tokens
    }

    /// Tokens of the answer.
    #[must_use]
    pub const fn output_tokens_per_minute(&self) -> Option<NonZeroU64> {
        self.output_tokens
    }

    /// Whether nothing is limited.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.requests.is_none()
            && self.tokens.is_none()
            && self.input_tokens.is_none()
            && self.output_tokens.is_none()
    }
}
