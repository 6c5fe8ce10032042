//! When a second request is made, and how much all of them may cost.

use crate::budget::Budget;
use std::time::Duration;

/// When a second request is made, and how much all of them may cost.
///
/// Clones share the budgets.
#[derive(Clone, Debug)]
pub struct HedgePolicy {
    /// Nothing is asked twice.
    off: bool,
    delay: Option<Duration>,
    first_delay: Option<Duration>,
    min_delay: Duration,
    percentile: u32,
    min_samples: usize,
    whole: bool,
    extra: Budget,
    budget: Option<Budget>,
}

/// Millionths: one token in twenty.
const EXTRA: u32 = 50_000;

/// As much as a call of a hundred thousand tokens, or a hundred small ones.
const RESERVE: u64 = 100_000;

// === impl HedgePolicy ===

impl HedgePolicy {
    /// Asks once: the layer passes everything through.
    #[must_use]
    pub fn never() -> Self {
        Self {
            off: true,
            ..Self::default()
        }
    }

    /// Waits `delay` for the first content, whatever was measured.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Waits `delay` until enough was measured. Default: no second request until then.
    #[must_use]
    pub const fn with_first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = Some(delay);
        self
    }

    /// Never waits less than this, however quick calls were. Default 10 ms.
    #[must_use]
    pub const fn with_min_delay(mut self, delay: Duration) -> Self {
        self.min_delay = delay;
        self
    }

    /// Waits as long as this share of calls took to begin, in millionths; above a million is taken as a
    /// million. Default 950,000.
    #[must_use]
    pub const fn with_percentile(mut self, millionths: u32) -> Self {
        self.percentile = if millionths > 1_000_000 {
            1_000_000
        } else {
            millionths
        };
        self
    }

    /// How many calls have to be measured first: 1 to 256. Default 20.
    #[must_use]
    pub fn with_min_samples(mut self, samples: usize) -> Self {
        self.min_samples = samples.clamp(1, super::window::SIZE);
        self
    }

    /// Whether calls that are not streamed are hedged too, by measurements of their own. Default false.
    #[must_use]
    pub const fn with_whole(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }

    /// How much second requests may add: `ratio` millionths of the tokens of first ones, and `reserve`
    /// tokens above that. Default 50,000 and 100,000.
    #[must_use]
    pub fn with_max_extra(mut self, ratio: u32, reserve: u64) -> Self {
        self.extra = Budget::new(ratio, reserve);
        self
    }

    /// Spends from `budget` as well, which is that of the retries. It is theirs to fill. Default none.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Whether nothing is ever asked twice.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.off
    }

    pub(super) const fn percentile(&self) -> u32 {
        self.percentile
    }

    pub(super) const fn min_samples(&self) -> usize {
        self.min_samples
    }

    pub(super) const fn hedges_whole(&self) -> bool {
        self.whole
    }

    pub(super) const fn extra(&self) -> &Budget {
        &self.extra
    }

    pub(super) const fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// How long to wait, where `measured` is what calls took.
    pub(super) fn delay(&self, measured: Option<Duration>) -> Option<Duration> {
        let delay = self.delay.or(measured).or(self.first_delay)?;
        Some(delay.max(self.min_delay))
    }
}

/// The 95th percentile, at most 5 % more tokens.
impl Default for HedgePolicy {
    fn default() -> Self {
        Self {
            off: false,
            delay: None,
            first_delay: None,
            min_delay: Duration::from_millis(10),
            percentile: 950_000,
            min_samples: 20,
            whole: false,
            extra: Budget::new(EXTRA, RESERVE),
            budget: None,
        }
    }
}
