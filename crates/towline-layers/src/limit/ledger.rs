//! What was reserved and is not settled, and how what was not used comes back.
//!
//! A provider charges what a call used, when it came; we learn of it when the call has ended. To give
//! the difference back then is wrong: had the call been charged less at first, the bucket might have
//! been full meanwhile, and what flowed in while it was full is lost. So the level is worked out anew
//! as if the call had been charged right at first.
//!
//! For that the ledger keeps the calls under way in the order in which they came, each with where the
//! bucket stood before it. What a call does to the number of the bucket is `x -> max(x, at) + cost`.
//! Such functions compose to `x -> max(x + add, floor)`, so that any number of settled calls between
//! two that are under way is one pair of numbers. The ledger is never longer than the calls under
//! way, and nothing is lost by that.

use super::{
    Refund,
    gcra::{Pace, Ticks, ticks},
};
use std::collections::VecDeque;

pub(super) type Paces = [Option<Pace>; 4];
pub(super) type Tats = [Ticks; 4];

/// How many calls the ledger knows at once. Older ones than that keep what they reserved.
const LONGEST: usize = 16_384;

/// The id of a reservation of nothing: no bucket had a limit.
const UNLIMITED: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Ledger {
    refund: Refund,
    live: VecDeque<Live>,
    next: u64,
    /// How long a call may be under way and still be settled, in nanoseconds.
    age: u64,
}

/// A reservation, as its owner holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) reserved: [u64; 4],
}

/// A call under way.
#[derive(Debug)]
struct Live {
    id: u64,
    at: u64,
    reserved: [u64; 4],
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Replay {
        /// Where the bucket stood before it.
        before: Tats,
        /// What settled calls did between this one and the next, if there were any.
        after: Option<Box<[Run; 4]>>,
    },
    /// The smallest amount that was missing since it came, in ticks.
    Smallest([Ticks; 4]),
}

/// `x -> max(x + add, floor)`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Run {
    add: Ticks,
    floor: Ticks,
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn new(refund: Refund, age: u64) -> Self {
        Self {
            refund,
            live: VecDeque::new(),
            next: 0,
            age,
        }
    }

    /// Writes down that `reserved` is taken at `now` from buckets that stand at `tats`, which do not
    /// have it yet.
    pub(super) fn reserve(
        &mut self,
        now: u64,
        reserved: [u64; 4],
        paces: &Paces,
        tats: &Tats,
    ) -> Entry {
        if paces.iter().all(Option::is_none) {
            return Entry {
                id: UNLIMITED,
                reserved,
            };
        }
        let id = self.next;
        self.next += 1;
        let rule = match self.refund {
            Refund::Replay => Rule::Replay {
                before: *tats,
                after: None,
            },
            Refund::MinDeficit => {
                self.see(&[ticks(now); 4], tats);
                Rule::Smallest([Ticks::MAX; 4])
            }
            Refund::Naive => return Entry { id, reserved },
        };
        if !self.live.is_empty() {
            self.forget(now);
        }
        self.live.push_back(Live {
            id,
            at: now,
            reserved,
            rule,
        });
        Entry { id, reserved }
    }

    /// Replaces what was reserved by what was `taken`. The time is asked for where it matters: where
    /// a call is settled that is known, only by [`Refund::MinDeficit`].
    pub(super) fn settle(
        &mut self,
        clock: impl FnOnce() -> u64,
        entry: Entry,
        taken: [u64; 4],
        paces: &Paces,
        tats: &mut Tats,
    ) {
        if entry.id == UNLIMITED {
            return;
        }
        let found = self.find(entry.id);
        if let (Refund::Replay, Some(index)) = (self.refund, found) {
            return self.replay(index, taken, paces, tats);
        }
        let now = clock();
        match (self.refund, found) {
            (Refund::MinDeficit, Some(index)) => {
                self.see(&[ticks(now); 4], tats);
                self.give_back(index, taken, paces, tats);
            }
            (Refund::Naive, _) => give_all_back(entry.reserved, taken, paces, tats),
            // It is too old to be settled, or the pace has changed: it keeps what it reserved.
            _ => {}
        }
        self.charge_more(now, entry.reserved, taken, paces, tats);
    }

    /// Empties the buckets to where they stand at `floors`, if they hold more.
    pub(super) fn raise(&mut self, floors: &Tats, tats: &mut Tats) {
        if self.refund == Refund::MinDeficit {
            // What is below the floor does not show any more, and cannot come back.
            self.see(floors, tats);
        }
        self.run(&floors.map(|floor| Run { add: 0, floor }), tats);
    }

    /// Does `runs` to the buckets now, and says so to those who work out again where they stand.
    fn run(&mut self, runs: &[Run; 4], tats: &mut Tats) {
        apply(tats, runs);
        if let Some(last) = self.live.len().checked_sub(1) {
            self.append(last, runs);
        }
    }

    /// Charges at `now` what was taken and not reserved: a debt.
    fn charge_more(
        &mut self,
        now: u64,
        reserved: [u64; 4],
        taken: [u64; 4],
        paces: &Paces,
        tats: &mut Tats,
    ) {
        let mut runs = [Run::default(); 4];
        let amounts = reserved.into_iter().zip(taken);
        for ((run, pace), (reserved, taken)) in runs.iter_mut().zip(paces).zip(amounts) {
            if taken > reserved {
                *run = Run::of(*pace, now, taken - reserved);
            }
        }
        self.run(&runs, tats);
    }

    /// Lets all calls under way keep what they reserved: the pace changes.
    pub(super) fn close(&mut self) {
        self.live.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// Lets the oldest keep what they reserved, where they are too old or too many.
    fn forget(&mut self, now: u64) {
        while let Some(oldest) = self.live.front() {
            let old = now.saturating_sub(oldest.at) > self.age;
            if !old && self.live.len() < LONGEST {
                return;
            }
            self.live.pop_front();
        }
    }

    /// Where the call with `id` stands. Most often it is the oldest.
    fn find(&self, id: u64) -> Option<usize> {
        match self.live.front() {
            Some(oldest) if oldest.id == id => Some(0),
            _ => self.live.binary_search_by_key(&id, |live| live.id).ok(),
        }
    }

    /// Works out where the buckets stand had the call at `index` been charged `taken`.
    fn replay(&mut self, index: usize, taken: [u64; 4], paces: &Paces, tats: &mut Tats) {
        let Some(settled) = self.live.get(index) else {
            return;
        };
        let unchanged = taken == settled.reserved;
        let Rule::Replay { before, after } = &settled.rule else {
            return;
        };
        let mut stand = *before;
        take(&mut stand, paces, settled.at, taken);
        if let Some(after) = after {
            apply(&mut stand, after);
        }
        if let Some(previous) = index.checked_sub(1) {
            let mut runs = after.as_deref().copied().unwrap_or_default();
            for ((run, pace), amount) in runs.iter_mut().zip(paces).zip(taken) {
                *run = Run::of(*pace, settled.at, amount).then(*run);
            }
            self.append(previous, &runs);
            self.live.remove(index);
        } else {
            self.live.pop_front();
        }
        // Where nothing behind it changes there is no more to do.
        if !unchanged && self.carry_on(index, &mut stand, paces) {
            *tats = stand;
        }
    }

    /// Works out what follows where the buckets come to `stand` at the call at `index`. Whether it is
    /// another end than before.
    fn carry_on(&mut self, index: usize, stand: &mut Tats, paces: &Paces) -> bool {
        for live in self.live.range_mut(index..) {
            let Rule::Replay { before, after } = &mut live.rule else {
                continue;
            };
            if before == stand {
                return false;
            }
            *before = *stand;
            take(stand, paces, live.at, live.reserved);
            if let Some(after) = after {
                apply(stand, after);
            }
        }
        true
    }

    fn append(&mut self, index: usize, runs: &[Run; 4]) {
        if let Some(Live {
            rule: Rule::Replay { after, .. },
            ..
        }) = self.live.get_mut(index)
        {
            let after = after.get_or_insert_default();
            for (after, run) in after.iter_mut().zip(runs) {
                *after = after.then(*run);
            }
        }
    }

    /// Notices how little is missing above `floors`.
    fn see(&mut self, floors: &Tats, tats: &Tats) {
        for live in &mut self.live {
            if let Rule::Smallest(smallest) = &mut live.rule {
                for ((smallest, tat), floor) in smallest.iter_mut().zip(tats).zip(floors) {
                    *smallest = (*smallest).min(tat.saturating_sub(*floor));
                }
            }
        }
    }

    /// Gives back no more than what was missing at any time since the call came. Where that is given
    /// back, it was not missing for the others either.
    fn give_back(&mut self, index: usize, taken: [u64; 4], paces: &Paces, tats: &mut Tats) {
        let Some(settled) = self.live.remove(index) else {
            return;
        };
        let Rule::Smallest(smallest) = settled.rule else {
            return;
        };
        let amounts = settled.reserved.into_iter().zip(taken);
        let mut back = smallest;
        for ((back, pace), (reserved, taken)) in back.iter_mut().zip(paces).zip(amounts) {
            let unused = reserved.saturating_sub(taken);
            let unused = pace.map_or(0, |pace| pace.cost(unused));
            *back = (*back).min(unused);
        }
        for (tat, back) in tats.iter_mut().zip(back) {
            *tat = tat.saturating_sub(back);
        }
        for live in &mut self.live {
            if let Rule::Smallest(smallest) = &mut live.rule {
                for (smallest, back) in smallest.iter_mut().zip(back) {
                    *smallest = smallest.saturating_sub(back);
                }
            }
        }
    }
}

// === impl Run ===

impl Run {
    /// Taking `amount` at `at`. Where there is no limit, it does nothing.
    #[inline]
    fn of(pace: Option<Pace>, at: u64, amount: u64) -> Self {
        pace.map_or_else(Self::default, |pace| {
            let add = pace.cost(amount);
            let floor = ticks(at).saturating_add(add);
            Self { add, floor }
        })
    }

    /// First this and then `next`.
    fn then(self, next: Self) -> Self {
        Self {
            add: self.add.saturating_add(next.add),
            floor: next.floor.max(self.floor.saturating_add(next.add)),
        }
    }

    fn apply(self, x: Ticks) -> Ticks {
        self.floor.max(x.saturating_add(self.add))
    }
}

/// Takes `amounts` at `at` from the buckets that are limited.
fn take(stand: &mut Tats, paces: &Paces, at: u64, amounts: [u64; 4]) {
    for ((tat, pace), amount) in stand.iter_mut().zip(paces).zip(amounts) {
        if let Some(pace) = pace {
            *tat = pace.take(*tat, ticks(at), amount);
        }
    }
}

fn apply(stand: &mut Tats, runs: &[Run; 4]) {
    for (x, run) in stand.iter_mut().zip(runs) {
        *x = run.apply(*x);
    }
}

/// Gives back what was reserved and not taken, whatever happened meanwhile.
fn give_all_back(reserved: [u64; 4], taken: [u64; 4], paces: &Paces, tats: &mut Tats) {
    let amounts = reserved.into_iter().zip(taken);
    for ((tat, pace), (reserved, taken)) in tats.iter_mut().zip(paces).zip(amounts) {
        let unused = reserved.saturating_sub(taken);
        let unused = pace.map_or(0, |pace| pace.cost(unused));
        *tat = tat.saturating_sub(unused);
    }
}

#[cfg(test)]
mod tests;
