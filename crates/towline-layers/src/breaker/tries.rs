//! The calls that try whether a deployment is back.

use super::{
    config::BreakerConfig,
    machine::{LOOK_AGAIN, later},
};
use tokio::time::Instant;

/// The calls that try, and what came of them.
///
/// Nobody may be reading the answer of one, and then it has no end. So a slot is kept for as long as the
/// breaker would stay open. After that it is another's, and what comes of the first still counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Tries {
    /// Those that hold a slot.
    pub(super) live: u32,
    /// Those that succeeded.
    pub(super) good: u32,
    /// When the last one began.
    last: Option<Instant>,
    /// Goes up each time that the slots of those under way are given away.
    round: u32,
}

// === impl Tries ===

impl Tries {
    pub(super) const NONE: Self = Self {
        live: 0,
        good: 0,
        last: None,
        round: 0,
    };

    /// Gives a slot to one more, if there is one, in the round that is returned. The breaker has opened
    /// `trips` times in a row.
    pub(super) fn begin(
        &mut self,
        config: &BreakerConfig,
        trips: u32,
        now: Instant,
    ) -> Option<u32> {
        if let Some(until) = self.full_until(config, trips) {
            if now < until {
                return None;
            }
            self.live = 0;
            self.round = self.round.wrapping_add(1);
        }
        self.live = self.live.saturating_add(1);
        self.last = Some(now);
        Some(self.round)
    }

    /// Until when nobody gets a slot, if none of those under way ends before.
    pub(super) fn full_until(&self, config: &BreakerConfig, trips: u32) -> Option<Instant> {
        let last = self.last.filter(|_| !self.has_slot(config))?;
        Some(later(last, config.cooldown_of(trips).max(LOOK_AGAIN)))
    }

    /// Without one that began in `round`: its slot is free, if it was not given away.
    pub(super) const fn without(mut self, round: u32) -> Self {
        if round == self.round {
            self.live = self.live.saturating_sub(1);
        }
        self
    }

    /// Whether one more may try. Never more at once than there are slots, and never more than could
    /// be needed to decide.
    fn has_slot(&self, config: &BreakerConfig) -> bool {
        let (probes, needed) = (config.probes().get(), config.successes().get());
        self.live < probes && self.live.saturating_add(self.good) < probes.max(needed)
    }
}
