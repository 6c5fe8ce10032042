//! How much goes through in what time.

use super::Dimension;
use std::{num::NonZeroU64, time::Duration};

/// An amount per time, and how much of it may go at once.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU64;
/// use towline_layers::limit::Quota;
///
/// let tokens = Quota::per_minute(NonZeroU64::new(450_000).unwrap());
/// assert_eq!(tokens.burst().get(), 450_000);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    amount: NonZeroU64,
    per: Duration,
    burst: NonZeroU64,
}

/// The quotas of one key. What has none is not limited.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Quotas {
    pub(super) dimensions: [Option<Quota>; 4],
    pub(super) slots: Option<usize>,
}

// === impl Quota ===

impl Quota {
    /// `amount` per `per`, all of which may go at once. A time of zero counts as a nanosecond.
    #[must_use]
    pub const fn new(amount: NonZeroU64, per: Duration) -> Self {
        Self {
            amount,
            per,
            burst: amount,
        }
    }

    /// `amount` per second.
    #[must_use]
    pub const fn per_second(amount: NonZeroU64) -> Self {
        Self::new(amount, Duration::from_secs(1))
    }

    /// `amount` per minute, as providers say it.
    #[must_use]
    pub const fn per_minute(amount: NonZeroU64) -> Self {
        Self::new(amount, Duration::from_secs(60))
    }

    /// Lets at most `burst` go at once.
    #[must_use]
    pub const fn with_burst(mut self, burst: NonZeroU64) -> Self {
        self.burst = burst;
        self
    }

    /// How much goes in [`per`](Self::per).
    #[must_use]
    pub const fn amount(&self) -> NonZeroU64 {
        self.amount
    }

    /// The time in which [`amount`](Self::amount) goes.
    #[must_use]
    pub const fn per(&self) -> Duration {
        self.per
    }

    /// How much may go at once. Default the [`amount`](Self::amount).
    #[must_use]
    pub const fn burst(&self) -> NonZeroU64 {
        self.burst
    }
}

// === impl Quotas ===

impl Quotas {
    /// Nothing is limited.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            dimensions: [None; 4],
            slots: None,
        }
    }

    /// Limits `dimension` to `quota`.
    #[must_use]
    pub const fn with(mut self, dimension: Dimension, quota: Quota) -> Self {
        let [requests, tokens, input, output] = &mut self.dimensions;
        *match dimension {
            Dimension::Requests => requests,
            Dimension::Tokens => tokens,
            Dimension::InputTokens => input,
            Dimension::OutputTokens => output,
        } = Some(quota);
        self
    }

    /// Limits the calls under way, streams that are still read among them.
    #[must_use]
    pub const fn with_slots(mut self, slots: usize) -> Self {
        self.slots = Some(slots);
        self
    }

    /// The quota of `dimension`, where it has one.
    #[must_use]
    pub const fn quota(&self, dimension: Dimension) -> Option<Quota> {
        let [requests, tokens, input, output] = self.dimensions;
        match dimension {
            Dimension::Requests => requests,
            Dimension::Tokens => tokens,
            Dimension::InputTokens => input,
            Dimension::OutputTokens => output,
        }
    }

    /// Whether nothing is limited, neither a dimension nor the calls under way.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        matches!(self.dimensions, [None, None, None, None]) && self.slots.is_none()
    }

    /// How many calls may be under way, where that is limited.
    #[must_use]
    pub const fn slots(&self) -> Option<usize> {
        self.slots
    }
}
