//! Whom to ask.

use super::{
    deployment::Slot,
    latency::{Known, Millis, number},
};
use crate::seed::Rng;
use tokio::time::Instant;
use towline_core::{Context, Text};

/// Everybody who could be asked, and what is asked of them.
#[derive(Debug)]
pub(super) struct Choice<'a, S> {
    pub(super) slots: &'a [Slot<S>],
    /// Whether all have the same weight.
    pub(super) even: bool,
    /// The mean of all weights.
    pub(super) mean: f32,
    pub(super) now: Instant,
    pub(super) millis: Millis,
    pub(super) streamed: bool,
}

/// Who may be asked.
#[derive(Clone, Copy, Debug)]
enum Among<'a> {
    /// Those that take calls and are not in the list.
    Others(&'a [Text]),
    /// All that take calls.
    Healthy,
}

/// How much smaller the load of the second deployment has to be for it to be asked instead: between
/// those that are about alike the weights decide.
const CLEARLY: f32 = 1.25;

// === impl Choice ===

impl<S> Choice<'_, S> {
    /// Whom to ask: one that takes calls and was not asked before; else one that takes calls; else,
    /// since somebody has to be asked, the one that takes calls again soonest. `None` for a hedge
    /// where all that take calls were asked before, and where there is nobody at all.
    pub(super) fn pick(
        &self,
        context: &Context,
        affinity: Option<u64>,
        rng: &mut Rng,
    ) -> Option<usize> {
        let others = Among::Others(context.avoided());
        if let Some(picked) = self.pick_among(others, affinity, rng) {
            return Some(picked);
        }
        if context.is_hedge() {
            return None;
        }
        self.pick_among(Among::Healthy, affinity, rng)
            .or_else(|| self.soonest())
    }

    fn pick_among(&self, among: Among<'_>, affinity: Option<u64>, rng: &mut Rng) -> Option<usize> {
        match affinity {
            Some(affinity) => self.sticky(among, affinity),
            None => self.better_of_two(among, rng),
        }
    }

    /// The less loaded of two that are drawn by weight.
    fn better_of_two(&self, among: Among<'_>, rng: &mut Rng) -> Option<usize> {
        let first = self.draw(among, None, rng)?;
        let Some(second) = self.draw(among, Some(first), rng) else {
            return Some(first);
        };
        let (Some(a), Some(b)) = (self.slots.get(first), self.slots.get(second)) else {
            return Some(first);
        };
        let (quick_a, quick_b) = Known::side_by_side(
            a.load.latency(self.streamed).known(),
            b.load.latency(self.streamed).known(),
            self.millis,
        );
        let (load_a, load_b) = (self.load(a, quick_a), self.load(b, quick_b));
        Some(if load_b * CLEARLY < load_a {
            second
        } else {
            first
        })
    }

    fn load(&self, slot: &Slot<S>, seconds: f32) -> f32 {
        let pending = number(slot.load.pending());
        if self.even {
            return seconds * (pending + 1.0);
        }
        // One that has to carry twice as much is as loaded with twice as many calls.
        let share = self.mean / number(slot.deployment.weight().get());
        seconds * (pending * share + 1.0)
    }

    /// One of those who may be asked, as likely as its weight says; not `except`.
    fn draw(&self, among: Among<'_>, except: Option<usize>, rng: &mut Rng) -> Option<usize> {
        if self.even {
            // Nearly always one of these is it. They leave all others equally likely.
            for _ in 0..2 {
                let bound = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
                let index = usize::try_from(rng.below(bound)).unwrap_or(0);
                if self.may(among, except, index) {
                    return Some(index);
                }
            }
        }
        let weights = || {
            let indexed = self.slots.iter().enumerate();
            indexed
                .filter(|(index, _)| self.may(among, except, *index))
                .map(|(index, slot)| (index, u64::from(slot.deployment.weight().get())))
        };
        let total = weights().map(|(_, weight)| weight).sum::<u64>();
        let mut point = (total > 0).then(|| rng.below(total))?;
        let mut last = None;
        for (index, weight) in weights() {
            last = Some(index);
            if point < weight {
                break;
            }
            point -= weight;
        }
        last
    }

    fn may(&self, among: Among<'_>, except: Option<usize>, index: usize) -> bool {
        if except == Some(index) {
            return false;
        }
        let Some(slot) = self.slots.get(index) else {
            return false;
        };
        let avoided = match among {
            Among::Others(avoided) => avoided.contains(slot.deployment.name()),
            Among::Healthy => false,
        };
        !avoided && slot.admits(self.now)
    }

    /// The one that calls like these go to as long as it takes calls: each deployment draws a number
    /// for them, and the smallest wins. When one leaves or comes, only its own calls move.
    ///
    /// Source: Thaler and Ravishankar, "A name-based mapping scheme for rendezvous", 1996.
    fn sticky(&self, among: Among<'_>, affinity: u64) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (index, slot) in self.slots.iter().enumerate() {
            if !self.may(among, None, index) {
                continue;
            }
            let drawn = Rng::new(affinity ^ slot.hash).next_u64() >> 11;
            // An exponential variate whose rate is the weight: the smallest is each in turn as often
            // as its weight says.
            let drawn = (f64_from(drawn) + 0.5) / f64_from(1 << 53);
            let score = -drawn.ln() / f64::from(slot.deployment.weight().get());
            if best.is_none_or(|(least, _)| score < least) {
                best = Some((score, index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// Who wants to be left alone may answer all the same; who is refused here does not.
    fn soonest(&self) -> Option<usize> {
        let waits = self.slots.iter().map(|slot| {
            let (is_well, wait) = (slot.is_well(self.now), slot.retry_after(self.now));
            (!is_well, wait)
        });
        let (index, _) = waits.enumerate().min_by_key(|(_, wait)| *wait)?;
        Some(index)
    }
}

#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
const fn f64_from(number: u64) -> f64 {
    number as f64
}
