//! A second attempt beside a slow one.

use super::Ratio;
use std::time::Duration;

/// Whether and when a second deployment is asked beside a slow one, `hedge.*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HedgeSettings {
    pub(crate) enabled: bool,
    pub(crate) delay: Option<Duration>,
    pub(crate) percentile: Ratio,
    pub(crate) max_extra: Ratio,
}

// === impl HedgeSettings ===

impl HedgeSettings {
    /// Whether calls are hedged. Default false: the loser may be billed.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// How long the first token is waited for. None: as [`percentile`](Self::percentile) says.
    #[must_use]
    pub const fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// The share of calls whose first token came sooner than the second attempt starts. Default 0.95.
    #[must_use]
    pub const fn percentile(&self) -> Ratio {
        self.percentile
    }

    /// The most that second attempts may add, as a share of the tokens of first ones. Default 0.05.
    #[must_use]
    pub const fn max_extra(&self) -> Ratio {
        self.max_extra
    }
}
