//! What is tried again, how often and when.

use super::backoff::{Backoff, Jitter};
use crate::budget::Budget;
use std::time::Duration;

/// How often and when a failed attempt is made again.
///
/// Clones share the budget.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    max_attempts: u32,
    max_timeouts: u32,
    backoff: Backoff,
    hint_cap: Duration,
    min_attempt: Duration,
    budget: Option<Budget>,
}

/// Millionths: one token of retries per five of first attempts, which is what Finagle and Envoy let
/// through too.
const RATIO: u32 = 200_000;

/// A call of a hundred thousand tokens can be made again, one of a few thousand some dozens of times.
const RESERVE: u64 = 100_000;

/// The longest pause of the presets of the LLM4S guide.
const GUIDE_MAX_DELAY: Duration = Duration::from_secs(32);

// === impl RetryPolicy ===

impl RetryPolicy {
    /// Two attempts, for what may wait: the pause before the second is up to 1 s.
    #[must_use]
    pub fn conservative() -> Self {
        Self::default()
            .with_max_attempts(2)
            .with_base_delay(Duration::from_secs(1))
            .with_max_delay(GUIDE_MAX_DELAY)
    }

    /// Five attempts, for what has to get through.
    #[must_use]
    pub fn aggressive() -> Self {
        Self::default()
            .with_max_attempts(5)
            .with_max_delay(GUIDE_MAX_DELAY)
    }

    /// One attempt: the layer passes everything through.
    #[must_use]
    pub fn none() -> Self {
        Self::default().with_max_attempts(1).without_budget()
    }

    /// Attempts in all, the first one included. 0 is taken as 1, which is no retry. Default 3.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// Attempts of a call that may time out; where so many have, it is not made again. 0 is taken as 1.
    /// Default: no other bound than that of all attempts. Where another target can be asked, as many as
    /// there are deployments: to wait once more for one that is silent takes the time of who is next.
    #[must_use]
    pub const fn with_max_timeouts(mut self, attempts: u32) -> Self {
        self.max_timeouts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// The range of the first pause; it doubles each time. Default 500 ms.
    #[must_use]
    pub const fn with_base_delay(mut self, delay: Duration) -> Self {
        self.backoff = self.backoff.with_base(delay);
        self
    }

    /// The longest that is drawn. Default 20 s. A hint of the provider may be longer.
    #[must_use]
    pub const fn with_max_delay(mut self, delay: Duration) -> Self {
        self.backoff = self.backoff.with_max(delay);
        self
    }

    /// How a pause is drawn. Default [`Jitter::Full`].
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.backoff = self.backoff.with_jitter(jitter);
        self
    }

    /// The longest hint of a provider that is waited for. With a longer one the call fails at once, the
    /// hint in its error. Default 60 s.
    #[must_use]
    pub const fn with_hint_cap(mut self, cap: Duration) -> Self {
        self.hint_cap = cap;
        self
    }

    /// The shortest rest of the deadline with which an attempt is still begun. Default 1 s.
    #[must_use]
    pub const fn with_min_attempt(mut self, rest: Duration) -> Self {
        self.min_attempt = rest;
        self
    }

    /// Spends from `budget`, together with whoever else has a clone of it. Default: a budget of this
    /// policy's own, of 0.2 tokens per token of first attempts and a reserve of 100,000 tokens.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Spends without limit: the load on a failing provider is then multiplied by the number of
    /// attempts.
    #[must_use]
    pub fn without_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// Attempts in all, the first one included.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Attempts of a call that may time out.
    #[must_use]
    pub const fn max_timeouts(&self) -> u32 {
        self.max_timeouts
    }

    /// What it spends from, to share it with a hedge.
    #[must_use]
    pub const fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    pub(super) const fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    pub(super) const fn hint_cap(&self) -> Duration {
        self.hint_cap
    }

    pub(super) const fn min_attempt(&self) -> Duration {
        self.min_attempt
    }
}

/// Three attempts: pauses of up to 500 ms and 1 s.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            max_timeouts: u32::MAX,
            backoff: Backoff::default(),
            hint_cap: Duration::from_mins(1),
            min_attempt: Duration::from_secs(1),
            budget: Some(Budget::new(RATIO, RESERVE)),
        }
    }
}
