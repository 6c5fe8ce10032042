//! Calls at once.

use std::num::NonZeroU32;

/// How many calls are at a provider at once, streams to their end, `concurrency.*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConcurrencySettings {
    pub(crate) max: Option<NonZeroU32>,
    pub(crate) adaptive: bool,
    pub(crate) min: NonZeroU32,
    pub(crate) initial: Option<NonZeroU32>,
    pub(crate) signal: AdaptiveSignal,
}

/// What lowers an adaptive limit, `concurrency.signal`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AdaptiveSignal {
    /// Calls that the provider turns away, and clocks that run out.
    Loss,
    /// These, and first tokens that come later than they used to.
    FirstToken,
}

// === impl ConcurrencySettings ===

impl ConcurrencySettings {
    /// The most calls at once. None: unlimited.
    #[must_use]
    pub const fn max(&self) -> Option<NonZeroU32> {
        self.max
    }

    /// Whether the limit moves with what the provider takes. Default false.
    #[must_use]
    pub const fn adaptive(&self) -> bool {
        self.adaptive
    }

    /// The lowest that an adaptive limit falls to. Never above [`max`](Self::max). Default 1.
    #[must_use]
    pub const fn min(&self) -> NonZeroU32 {
        self.min
    }

    /// Where an adaptive limit begins, between [`min`](Self::min) and [`max`](Self::max). None: the
    /// layer decides.
    #[must_use]
    pub const fn initial(&self) -> Option<NonZeroU32> {
        self.initial
    }

    /// What lowers an adaptive limit. Default [`AdaptiveSignal::Loss`].
    #[must_use]
    pub const fn signal(&self) -> AdaptiveSignal {
        self.signal
    }
}
