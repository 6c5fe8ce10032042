//! Leaving a provider alone that is down.

use super::Ratio;
use std::{num::NonZeroU32, time::Duration};

/// When calls to a deployment stop, and when they are tried again, `breaker.*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerSettings {
    pub(crate) enabled: bool,
    pub(crate) failures: NonZeroU32,
    pub(crate) ratio: Ratio,
    pub(crate) window: Duration,
    pub(crate) min_requests: NonZeroU32,
    pub(crate) cooldown: Duration,
    pub(crate) max_cooldown: Duration,
    pub(crate) probes: NonZeroU32,
    pub(crate) successes: NonZeroU32,
}

// === impl BreakerSettings ===

impl BreakerSettings {
    /// Whether there is a breaker at all. Default true.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// Failures in a row that open it. Default 5.
    #[must_use]
    pub const fn failures(&self) -> NonZeroU32 {
        self.failures
    }

    /// The share of failures in the window that opens it. Never zero. Default 0.5.
    #[must_use]
    pub const fn ratio(&self) -> Ratio {
        self.ratio
    }

    /// The window over which the share is counted. Default 30 s.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Calls in the window below which the share says nothing. Default 20.
    #[must_use]
    pub const fn min_requests(&self) -> NonZeroU32 {
        self.min_requests
    }

    /// How long it stays open the first time. Default 30 s.
    #[must_use]
    pub const fn cooldown(&self) -> Duration {
        self.cooldown
    }

    /// The longest that it stays open, after failures in a row. Never below
    /// [`cooldown`](Self::cooldown). Default 5 minutes.
    #[must_use]
    pub const fn max_cooldown(&self) -> Duration {
        self.max_cooldown
    }

    /// Calls at once that try whether the deployment is back. Default 1.
    #[must_use]
    pub const fn probes(&self) -> NonZeroU32 {
        self.probes
    }

    /// Successful tries that close it. Default 2.
    #[must_use]
    pub const fn successes(&self) -> NonZeroU32 {
        self.successes
    }
}
