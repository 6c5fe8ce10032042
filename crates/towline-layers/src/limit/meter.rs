//! The buckets and slots of one key, as a state machine that is told the time.

use super::{
    Dimension, Oversize, Quota, Rules,
    gcra::{Pace, Ticks, nanos, ticks},
    guess::Guess,
    ledger::{Entry, Ledger, Paces, Tats},
};
use std::{num::NonZeroU64, time::Duration};
use towline_core::{RateLimit, RateLimits};

/// For how long a limit that a provider reported counts, unless it is reported again.
const WINDOW: u64 = 60_000_000_000;

/// For how long after that the bucket is kept of who knows only what the provider told: a day.
const KEPT: u64 = 24 * 60 * WINDOW;

/// Times are in nanoseconds since the store began.
#[derive(Debug)]
pub(super) struct Meter {
    /// The latest time it was told. Time never goes back.
    now: u64,
    paces: Paces,
    tats: Tats,
    configured: [Option<Quota>; 4],
    learned: [Option<Learned>; 4],
    /// The earliest end of what was learned.
    relearn: u64,
    ledger: Ledger,
    used: usize,
    /// The provider asked not to be asked before.
    closed_until: u64,
    guess: Guess,
    oversize: Oversize,
    hold: u64,
}

/// What [`Meter::admit`] says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Granted(Entry),
    /// When it can be granted, where that is known, and what is missing.
    Wait(Option<u64>, Short),
    /// It is more than the bucket ever holds.
    Never(Dimension, u64),
}

/// What is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Short {
    Amount(Dimension),
    Slot,
    Hold,
    /// Another has booked what is there.
    Booked,
}

/// Somebody who is not to be delayed: what he takes, and when he was to start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booked {
    pub(super) amounts: [u64; 4],
    pub(super) start: u64,
}

/// A limit that was reported, not configured.
#[derive(Clone, Copy, Debug)]
struct Learned {
    quota: Quota,
    until: u64,
}

// === impl Meter ===

impl Meter {
    pub(super) fn new(rules: &Rules) -> Self {
        let configured = rules.quotas.dimensions;
        Self {
            now: 0,
            paces: configured.map(|quota| quota.map(Pace::new)),
            tats: [0; 4],
            configured,
            learned: [None; 4],
            relearn: u64::MAX,
            ledger: Ledger::new(rules.refund, to_nanos(rules.age)),
            used: 0,
            closed_until: 0,
            guess: Guess::default(),
            oversize: rules.oversize,
            hold: to_nanos(rules.hold),
        }
    }

    /// Grants `amounts` and a slot, or nothing. `booked` is not to be delayed by it.
    pub(super) fn admit(
        &mut self,
        now: u64,
        amounts: [u64; 4],
        slots: Option<usize>,
        booked: Option<&Booked>,
    ) -> Step {
        let now = self.tick(now);
        if let Some(never) = self.never(amounts) {
            return never;
        }
        // A slot that is taken while another waits for a later start must not be the last one.
        let free = slots.map_or(usize::MAX, |slots| slots.saturating_sub(self.used));
        if free <= usize::from(booked.is_some()) {
            return Step::Wait(None, Short::Slot);
        }
        let Some(next) = self.next(now, amounts) else {
            let (start, short) = self.start(now, amounts, [0; 4]);
            return Step::Wait(Some(start), short);
        };
        if booked.is_some_and(|booked| self.delays(now, amounts, booked)) {
            return Step::Wait(None, Short::Booked);
        }
        self.used += 1;
        let entry = self.ledger.reserve(now, amounts, &self.paces, &self.tats);
        self.tats = next;
        Step::Granted(entry)
    }

    /// Grants `amounts` at once where nothing bounds any amount and no time is waited for: no clock
    /// needs to be read for it. Bounds of slots are the caller's to look at.
    pub(super) fn grant_unbounded(&mut self, amounts: [u64; 4]) -> Option<Entry> {
        let bounded = self.paces.iter().any(Option::is_some);
        if bounded || self.closed_until > self.now {
            return None;
        }
        self.used += 1;
        let now = self.now;
        Some(self.ledger.reserve(now, amounts, &self.paces, &self.tats))
    }

    /// Where the buckets stand after `amounts` were taken; None where they are not there.
    fn next(&self, now: u64, amounts: [u64; 4]) -> Option<Tats> {
        if self.closed_until > now {
            return None;
        }
        let moment = ticks(now);
        let mut next = self.tats;
        for ((tat, pace), amount) in next.iter_mut().zip(&self.paces).zip(amounts) {
            if let Some(pace) = pace {
                *tat = pace.take_if_there(*tat, moment, amount)?;
            }
        }
        Some(next)
    }

    /// When `amounts` could be taken if nobody but those who take `ahead` came before.
    pub(super) fn start(&self, now: u64, amounts: [u64; 4], ahead: [u64; 4]) -> (u64, Short) {
        let mut latest = (now.max(self.closed_until), Short::Hold);
        let buckets = self.paces.iter().zip(self.tats).zip(amounts).zip(ahead);
        for ((((pace, tat), amount), ahead), dimension) in buckets.zip(Dimension::ALL) {
            if let (Some(pace), true) = (pace, amount > 0) {
                let tat = match ahead {
                    0 => tat,
                    ahead => pace.take(tat, ticks(now), ahead),
                };
                let start = nanos(pace.start(tat, amount));
                if start > latest.0 {
                    latest = (start, Short::Amount(dimension));
                }
            }
        }
        latest
    }

    /// Whether `booked` would start later than it was told if `amounts` were taken now.
    pub(super) fn delays(&self, now: u64, amounts: [u64; 4], booked: &Booked) -> bool {
        let buckets = self.paces.iter().zip(self.tats).zip(amounts);
        buckets
            .zip(booked.amounts)
            .any(|(((pace, tat), amount), booking)| match pace {
                Some(pace) if amount > 0 && booking > 0 => {
                    let tat = pace.take(tat, ticks(now), amount);
                    pace.start(tat, booking) > ticks(booked.start)
                }
                _ => false,
            })
    }

    /// Replaces what was reserved by what was taken.
    pub(super) fn settle(&mut self, clock: impl FnOnce() -> u64, entry: Entry, taken: [u64; 4]) {
        let latest = self.now;
        let clock = || latest.max(clock());
        let (paces, tats) = (&self.paces, &mut self.tats);
        self.ledger.settle(clock, entry, taken, paces, tats);
    }

    /// Gives the slot of a call back that has ended.
    pub(super) fn release(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    /// The provider said "not so fast" to a call that took `reserved`: the buckets are emptied so that
    /// it may come again after `hint`, and others behind it at their pace. Where that is not known, it
    /// is guessed, if it is to `learn`.
    pub(super) fn rejected(
        &mut self,
        now: u64,
        reserved: [u64; 4],
        hint: Option<u64>,
        learn: bool,
    ) -> u64 {
        let now = self.tick(now);
        let wait = hint.unwrap_or_else(|| self.guess.backoff(now));
        let start = now.saturating_add(wait.min(self.hold));
        self.closed_until = self.closed_until.max(start);
        if learn && self.is_guessed_or_unlimited(Dimension::Requests) {
            let quota = self.guess.lower(now, self.closed_until);
            self.learn(Dimension::Requests, Some(quota), u64::MAX, now);
        }
        let mut floors = [0; 4];
        let buckets = floors.iter_mut().zip(&self.paces).zip(reserved);
        for ((floor, pace), amount) in buckets {
            if let (Some(pace), true) = (pace, amount > 0) {
                *floor = pace.opening_at(ticks(start), amount);
            }
        }
        self.ledger.raise(&floors, &mut self.tats);
        start
    }

    /// A call was answered.
    pub(super) fn served(&mut self, now: u64) {
        let now = self.tick(now);
        self.guess.served(now);
    }

    /// A call was answered. Takes over what the provider says is left, where that is less than we
    /// believe.
    pub(super) fn observe(&mut self, now: u64, limits: &RateLimits) {
        let now = self.tick(now);
        self.guess.served(now);
        let reported = [
            &limits.requests,
            &limits.tokens,
            &limits.input_tokens,
            &limits.output_tokens,
        ];
        let mut floors = [0; 4];
        for ((floor, limit), dimension) in floors.iter_mut().zip(reported).zip(Dimension::ALL) {
            if limit.limit.is_some() || limit.remaining.is_some() {
                *floor = self.observe_limit(now, dimension, *limit);
            }
        }
        self.ledger.raise(&floors, &mut self.tats);
    }

    /// Whether it says nothing that a new one would not say.
    pub(super) fn is_idle(&mut self, now: u64) -> bool {
        let now = self.tick(now);
        let full = self.tats.iter().all(|tat| *tat <= ticks(now));
        let mut learned = self.learned.iter().zip(&self.configured);
        let learned = learned.any(|(learned, own)| {
            // Of what is not configured, what was learned is all that is known.
            let kept = if own.is_some() { 0 } else { KEPT };
            learned.is_some_and(|learned| learned.until.saturating_add(kept) > now)
        });
        full && !learned && self.used == 0 && self.ledger.len() == 0 && self.closed_until <= now
    }

    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// How much of `dimension` could be taken now; None where it is not limited.
    pub(super) fn level(&mut self, now: u64, dimension: Dimension) -> Option<u64> {
        let now = self.tick(now);
        let (pace, tat) = self.bucket(dimension)?;
        Some(pace.level(tat, ticks(now)))
    }

    /// Time goes on, and never back.
    fn tick(&mut self, now: u64) -> u64 {
        self.now = self.now.max(now);
        if self.now >= self.relearn {
            self.forget();
        }
        self.now
    }

    fn never(&self, amounts: [u64; 4]) -> Option<Step> {
        if self.oversize == Oversize::Debt {
            return None;
        }
        let buckets = self.paces.iter().zip(amounts).zip(Dimension::ALL);
        let mut never = buckets.filter_map(|((pace, amount), dimension)| {
            let burst = pace.as_ref()?.burst();
            (amount > burst).then_some(Step::Never(dimension, burst))
        });
        never.next()
    }

    fn bucket(&self, dimension: Dimension) -> Option<(Pace, Ticks)> {
        let pace = *dimension.of(&self.paces);
        Some((pace?, *dimension.of(&self.tats)))
    }

    fn is_guessed_or_unlimited(&self, dimension: Dimension) -> bool {
        self.bucket(dimension).is_none() || self.guess.is_active()
    }

    /// Takes over what is said of one dimension, and says where its bucket has to stand at least.
    #[inline(never)]
    fn observe_limit(&mut self, now: u64, dimension: Dimension, limit: RateLimit) -> Ticks {
        if let Some(amount) = limit.limit.and_then(NonZeroU64::new) {
            self.observe_amount(now, dimension, amount);
        }
        self.floor(now, dimension, limit)
    }

    /// A limit that is lower than what we go by counts for a window, or until it is reported to be
    /// another after that.
    fn observe_amount(&mut self, now: u64, dimension: Dimension, amount: NonZeroU64) {
        let burst = dimension
            .of(&self.configured)
            .map_or(amount, |quota| quota.burst());
        let quota = Quota::per_minute(amount).with_burst(burst.min(amount));
        if dimension == Dimension::Requests && self.guess.is_active() {
            self.guess.end();
            self.learn(dimension, None, 0, now);
        }
        let learned = self.learned_of(dimension);
        if learned.is_some_and(|l| l.quota == quota && l.until > now) {
            // Nothing new: it only counts for longer.
            return self.prolong(dimension, now.saturating_add(WINDOW));
        }
        let over = learned.is_some_and(|l| l.until <= now);
        let known = self.known(dimension);
        if over || known.is_none_or(|known| is_lower(&quota, &known)) {
            self.learn(dimension, Some(quota), now.saturating_add(WINDOW), now);
        }
    }

    fn prolong(&mut self, dimension: Dimension, until: u64) {
        if let Some(learned) = dimension.of_mut(&mut self.learned) {
            learned.until = until;
        }
    }

    /// What `dimension` goes by.
    fn known(&self, dimension: Dimension) -> Option<Quota> {
        let learned = self.learned_of(dimension).map(|learned| learned.quota);
        learned.or_else(|| *dimension.of(&self.configured))
    }

    fn learned_of(&self, dimension: Dimension) -> Option<Learned> {
        *dimension.of(&self.learned)
    }

    fn learn(&mut self, dimension: Dimension, quota: Option<Quota>, until: u64, now: u64) {
        *dimension.of_mut(&mut self.learned) = quota.map(|quota| Learned { quota, until });
        self.schedule(now);
        self.change(dimension, now);
    }

    /// Says when something that was learned ends next.
    fn schedule(&mut self, now: u64) {
        let ends = self.learned.iter().flatten().map(|learned| learned.until);
        let next = ends.filter(|until| *until > now).min();
        self.relearn = next.unwrap_or(u64::MAX).min(self.guess.until());
    }

    /// Goes by another pace from now on, with as much missing as before.
    fn change(&mut self, dimension: Dimension, now: u64) {
        let pace = self.known(dimension).map(Pace::new);
        let old = dimension.of_mut(&mut self.paces);
        if *old == pace {
            return;
        }
        if let (Some(old), Some(new)) = (*old, pace) {
            let tat = dimension.of_mut(&mut self.tats);
            *tat = old.convert(*tat, ticks(now), &new);
        }
        *old = pace;
        self.ledger.close();
    }

    /// Goes back to what is configured where what was learned has not been reported again. What is
    /// not configured keeps what was learned until the next report, whatever that says.
    fn forget(&mut self) {
        let now = self.now;
        if self.guess.until() <= now {
            let quota = self.guess.higher(now);
            self.learn(Dimension::Requests, quota, u64::MAX, now);
        }
        for dimension in Dimension::ALL {
            let learned = self.learned_of(dimension);
            let over = learned.is_some_and(|learned| learned.until <= now);
            let quota = learned.map(|learned| learned.quota);
            if over && dimension.of(&self.configured).is_some() {
                self.learn(dimension, None, 0, now);
            } else if over {
                self.learn(dimension, quota, now, now);
            }
        }
        // What was reported again since ends later than was thought.
        self.schedule(now);
    }

    /// Where the bucket would stand if the provider's number were right.
    fn floor(&mut self, now: u64, dimension: Dimension, limit: RateLimit) -> Ticks {
        let (Some(left), bucket) = (limit.remaining, self.bucket(dimension)) else {
            return 0;
        };
        match bucket {
            Some((pace, _)) if left < pace.burst() => pace.at_level(left, ticks(now)),
            None if left == 0 => {
                let reset = limit.reset.map_or(0, to_nanos).min(self.hold);
                self.closed_until = self.closed_until.max(now.saturating_add(reset));
                0
            }
            _ => 0,
        }
    }
}

/// Whether `a` lets less through than `b`.
fn is_lower(a: &Quota, b: &Quota) -> bool {
    let rate = |one: &Quota, other: &Quota| {
        u128::from(one.amount().get()).saturating_mul(other.per().as_nanos().max(1))
    };
    rate(a, b) < rate(b, a)
}

pub(super) fn to_nanos(time: Duration) -> u64 {
    let whole = time.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(time.subsec_nanos()))
}

#[cfg(test)]
mod tests;
