//! Pauses.

use crate::seed::Rng;
use std::time::Duration;

/// How the pause before a retry is drawn.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// Evenly from zero to the delay of this retry, which doubles each time.
    #[default]
    Full,
    /// Evenly from the base delay to three times the pause before.
    Decorrelated,
}

/// From what range pauses are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    base: Duration,
    max: Duration,
    jitter: Jitter,
}

/// The pauses of one call.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    rng: Rng,
    last: Option<Duration>,
}

// === impl Backoff ===

impl Backoff {
    pub(super) const fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    pub(super) const fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    pub(super) const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The shortest and the longest pause before the retry after `retries` others.
    fn range(&self, retries: u32, last: Option<Duration>) -> (Duration, Duration) {
        match self.jitter {
            Jitter::Full => {
                let factor = 2_u32.saturating_pow(retries);
                let ceiling = self.base.saturating_mul(factor).min(self.max);
                (Duration::ZERO, ceiling)
            }
            Jitter::Decorrelated => {
                let floor = self.base.min(self.max);
                let last = last.unwrap_or(self.base);
                let ceiling = last.saturating_mul(3).min(self.max).max(floor);
                (floor, ceiling)
            }
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            max: Duration::from_secs(20),
            jitter: Jitter::Full,
        }
    }
}

// === impl Pauses ===

impl Pauses {
    pub(super) const fn new(rng: Rng) -> Self {
        Self { rng, last: None }
    }

    /// Draws the pause before the retry after `retries` others.
    pub(super) fn draw(&mut self, backoff: &Backoff, retries: u32) -> Duration {
        let (floor, ceiling) = backoff.range(retries, self.last);
        // In nanoseconds, both ends included: a u64 of them is 584 years.
        let width = u64::try_from(ceiling.saturating_sub(floor).as_nanos()).unwrap_or(u64::MAX);
        let drawn = self.rng.below(width.saturating_add(1));
        let pause = floor.saturating_add(Duration::from_nanos(drawn));
        self.last = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests;
