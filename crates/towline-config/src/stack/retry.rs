//! Trying again.

use super::Ratio;
use std::{num::NonZeroU32, time::Duration};

/// When and how often a failed attempt is made again, `retry.*`. A preset is worked in already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetrySettings {
    pub(crate) max_attempts: NonZeroU32,
    pub(crate) base_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) jitter: Jitter,
    pub(crate) hint_cap: Duration,
    pub(crate) budget_ratio: Ratio,
    pub(crate) budget_reserve: u64,
    pub(crate) min_attempt: Duration,
}

/// How the pause before a retry is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// Evenly from zero to the delay of this attempt, which doubles each time.
    Full,
    /// Evenly from the base delay to three times the pause before.
    Decorrelated,
}

// === impl RetrySettings ===

impl RetrySettings {
    /// Attempts per target, the first one included. 1 means no retry. Default 3.
    #[must_use]
    pub const fn max_attempts(&self) -> NonZeroU32 {
        self.max_attempts
    }

    /// The delay before the first retry, before jitter. Default 500 ms.
    #[must_use]
    pub const fn base_delay(&self) -> Duration {
        self.base_delay
    }

    /// The longest delay, before jitter. Never below [`base_delay`](Self::base_delay). Default 20 s.
    #[must_use]
    pub const fn max_delay(&self) -> Duration {
        self.max_delay
    }

    /// How the pause is drawn from the delay. Default [`Jitter::Full`].
    #[must_use]
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// The longest hint of a server, such as `Retry-After`, that is waited for. With a longer one the
    /// call is not tried again. Default 60 s.
    #[must_use]
    pub const fn hint_cap(&self) -> Duration {
        self.hint_cap
    }

    /// Tokens of retries per token of first attempts. Default 0.2.
    #[must_use]
    pub const fn budget_ratio(&self) -> Ratio {
        self.budget_ratio
    }

    /// Tokens of retries that are allowed whatever the ratio says. Default 100,000.
    #[must_use]
    pub const fn budget_reserve(&self) -> u64 {
        self.budget_reserve
    }

    /// The shortest rest of the deadline with which an attempt is still begun. Default 1 s.
    #[must_use]
    pub const fn min_attempt(&self) -> Duration {
        self.min_attempt
    }
}
