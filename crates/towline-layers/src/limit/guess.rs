//! A rate for a provider that says no and does not say how much it lets through.
//!
//! The guess starts at what was served in the last seconds, falls by a third with each refusal that
//! follows its own pace, and rises by a quarter every ten seconds without one. It ends when it is too
//! high to matter.

use super::Quota;
use std::{num::NonZeroU64, time::Duration};

const SECOND: u64 = 1_000_000_000;
/// How long the guess stands without a refusal.
const STEP: u64 = 10 * SECOND;
/// Calls per minute above which there is no limit worth guessing.
const TOP: u64 = 1_000_000;
/// Calls per minute below which the guess does not fall.
const LEAST: u64 = 6;

#[derive(Debug, Default)]
pub(super) struct Guess {
    /// Calls per minute; 0 where nothing is guessed.
    rate: u64,
    until: u64,
    /// Refusals before this are answers to what was sent before the last change.
    changed: u64,
    /// Calls served in this second and the one before.
    second: u64,
    count: u64,
    previous: u64,
    /// Refusals without a hint in a row.
    strikes: u32,
    /// Refusals before this belong to the last strike.
    struck: u64,
}

// === impl Guess ===

impl Guess {
    /// A call was served.
    pub(super) const fn served(&mut self, now: u64) {
        let second = now / SECOND;
        if second > self.second {
            self.previous = if second == self.second + 1 {
                self.count
            } else {
                0
            };
            self.second = second;
            self.count = 0;
        }
        self.count += 1;
        self.strikes = 0;
    }

    /// How long to wait after a refusal without a hint: 1 s, and twice as long each time, to 32 s.
    pub(super) fn backoff(&mut self, now: u64) -> u64 {
        if now >= self.struck.saturating_add(STEP * 6) {
            self.strikes = 0;
        }
        if now >= self.struck {
            self.strikes = self.strikes.saturating_add(1).min(6);
            let wait = SECOND << (self.strikes - 1);
            self.struck = now.saturating_add(wait);
        }
        self.struck - now
    }

    /// The guess after a refusal at `now`, which holds everybody up until `start`.
    pub(super) fn lower(&mut self, now: u64, start: u64) -> Quota {
        if self.rate == 0 {
            self.rate = self.count.max(self.previous).saturating_mul(54);
        } else if now >= self.changed {
            self.rate = self.rate.saturating_mul(2) / 3;
        }
        self.rate = self.rate.clamp(LEAST, TOP);
        self.changed = start;
        self.until = start.saturating_add(STEP);
        self.quota()
    }

    /// The guess when nothing was refused for long; None when it is too high to matter.
    pub(super) fn higher(&mut self, now: u64) -> Option<Quota> {
        while self.rate > 0 && self.until <= now {
            self.rate = self.rate.saturating_add(self.rate.div_ceil(4));
            self.until = self.until.saturating_add(STEP);
            if self.rate > TOP {
                self.end();
            }
        }
        self.is_active().then(|| self.quota())
    }

    /// Nothing is guessed any more: somebody knows.
    pub(super) const fn end(&mut self) {
        self.rate = 0;
        self.until = 0;
    }

    pub(super) const fn is_active(&self) -> bool {
        self.rate > 0
    }

    /// When the guess rises.
    pub(super) const fn until(&self) -> u64 {
        if self.is_active() {
            self.until
        } else {
            u64::MAX
        }
    }

    /// A tenth of a second's worth may go at once.
    fn quota(&self) -> Quota {
        let positive = |n: u64| NonZeroU64::new(n).unwrap_or(NonZeroU64::MIN);
        Quota::new(positive(self.rate), Duration::from_secs(60))
            .with_burst(positive(self.rate / 600))
    }
}

#[cfg(test)]
mod tests;
