use super::{Entry, Ledger, Paces, Tats};
use crate::limit::{
    Quota, Refund,
    gcra::{Pace, Ticks, ticks},
};
use proptest::{collection::vec, prelude::*};
use std::{num::NonZeroU64, time::Duration};

const HOUR: u64 = 3_600_000_000_000;
const CAP: u64 = 100;

/// A hundred in a hundred seconds: one a second.
fn pace() -> Pace {
    let amount = NonZeroU64::new(CAP).unwrap();
    Pace::new(Quota::new(amount, Duration::from_secs(CAP)))
}

fn paces() -> Paces {
    [None, Some(pace()), None, None]
}

/// One step of a history. Times are in tenths of a second, amounts in units.
#[derive(Clone, Debug)]
enum Op {
    Pass(u64),
    /// A call that reserves the first and turns out to take the second.
    Call(u64, u64),
    /// The n-th of the calls under way ends.
    End(usize),
    /// The bucket is emptied to some level.
    Raise(u64),
}

fn ops(more: u64) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        (1_u64..400).prop_map(Op::Pass),
        (1_u64..=80, 0_u64..=100)
            .prop_map(move |(r, part)| { Op::Call(r, r * part * more / 100 / more.max(1)) }),
        any::<usize>().prop_map(Op::End),
    ];
    vec(op, 1..60)
}

fn with_raises(more: u64) -> impl Strategy<Value = Vec<Op>> {
    let raise = (0_u64..CAP).prop_map(Op::Raise);
    (ops(more), vec((any::<prop::sample::Index>(), raise), 0..4)).prop_map(|(mut ops, raises)| {
        for (index, raise) in raises {
            let at = index.index(ops.len());
            ops.insert(at, raise);
        }
        ops
    })
}

/// The ledger, a provider that charges what is taken at the moment of the call, and a replay that
/// keeps everything.
struct World {
    now: u64,
    ledger: Ledger,
    tats: Tats,
    provider: Ticks,
    live: Vec<(usize, Entry, u64)>,
    /// Time and cost of everything that ever was charged; what it is known to be by now.
    history: Vec<Event>,
    overdrawn: Ticks,
}

enum Event {
    Charge(u64, u64),
    Raise(Ticks),
}

impl World {
    fn new(refund: Refund) -> Self {
        Self {
            now: 0,
            ledger: Ledger::new(refund, HOUR * 24),
            tats: [0; 4],
            provider: 0,
            live: Vec::new(),
            history: Vec::new(),
            overdrawn: 0,
        }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Pass(tenths) => self.now += tenths * 100_000_000,
            Op::Call(reserved, taken) => self.call(reserved, taken),
            Op::End(_) if self.live.is_empty() => {}
            Op::End(n) => self.end(n % self.live.len()),
            Op::Raise(level) => {
                let floor = pace().at_level(level, ticks(self.now));
                self.ledger.raise(&[0, floor, 0, 0], &mut self.tats);
                self.history.push(Event::Raise(floor));
                self.provider = self.provider.max(floor);
            }
        }
    }

    /// Where the limiter grants it.
    fn call(&mut self, reserved: u64, taken: u64) {
        let moment = ticks(self.now);
        if pace().start(self.tats[1], reserved) > moment {
            return;
        }
        let amounts = [1, reserved, 0, 0];
        let entry = self.ledger.reserve(self.now, amounts, &paces(), &self.tats);
        self.tats[1] = pace().take(self.tats[1], moment, reserved);
        self.live.push((self.history.len(), entry, taken));
        self.history.push(Event::Charge(self.now, reserved));
        self.provider = pace().take(self.provider, moment, taken);
        let full = pace().cost(CAP);
        let debt = self.provider.saturating_sub(moment + full);
        self.overdrawn = self.overdrawn.max(debt);
    }

    fn end(&mut self, index: usize) {
        let (at, entry, taken) = self.live.remove(index);
        let amounts = [1, taken, 0, 0];
        let paces = paces();
        self.ledger
            .settle(|| self.now, entry, amounts, &paces, &mut self.tats);
        if let Event::Charge(_, amount) = &mut self.history[at] {
            *amount = taken;
        }
    }

    /// Everything from the beginning, with what is known by now.
    fn replayed(&self) -> Ticks {
        self.history.iter().fold(0, |tat, event| match *event {
            Event::Charge(at, amount) => pace().take(tat, ticks(at), amount),
            Event::Raise(floor) => tat.max(floor),
        })
    }

    /// What is missing from a full bucket.
    fn missing(&self, tat: Ticks) -> Ticks {
        tat.saturating_sub(ticks(self.now))
    }
}

proptest! {
    #[test]
    fn rl6_the_level_is_that_of_a_replay_of_everything_after_every_step(ops in with_raises(1)) {
        let mut world = World::new(Refund::Replay);
        for op in &ops {
            world.step(op);
            prop_assert_eq!(world.missing(world.tats[1]), world.missing(world.replayed()));
            prop_assert!(world.ledger.len() <= world.live.len());
        }
    }

    #[test]
    fn rl6_the_provider_is_never_overdrawn_and_never_below_our_level(ops in with_raises(1)) {
        for refund in [Refund::Replay, Refund::MinDeficit] {
            let mut world = World::new(refund);
            for op in &ops {
                world.step(op);
                prop_assert!(world.missing(world.tats[1]) >= world.missing(world.provider));
                prop_assert_eq!(world.overdrawn, 0, "{:?}", refund);
            }
        }
    }

    #[test]
    fn rl6_min_deficit_is_never_above_the_replay(ops in ops(1)) {
        let mut world = World::new(Refund::MinDeficit);
        for op in &ops {
            world.step(op);
            prop_assert!(world.missing(world.tats[1]) >= world.missing(world.replayed()));
        }
    }

    #[test]
    fn rl6_when_all_have_ended_the_replay_stands_where_the_provider_stands(ops in with_raises(1)) {
        let mut world = World::new(Refund::Replay);
        for op in &ops {
            world.step(op);
        }
        while !world.live.is_empty() {
            world.end(0);
        }
        prop_assert_eq!(world.missing(world.tats[1]), world.missing(world.provider));
        prop_assert_eq!(world.ledger.len(), 0);
    }

    #[test]
    fn rl6_who_is_too_old_to_be_settled_keeps_what_it_reserved(ops in ops(1)) {
        let mut world = World::new(Refund::Replay);
        world.ledger = Ledger::new(Refund::Replay, 5_000_000_000);
        for op in &ops {
            world.step(op);
            prop_assert!(world.missing(world.tats[1]) >= world.missing(world.replayed()));
            prop_assert_eq!(world.overdrawn, 0);
        }
    }
}

/// The counter-example to the plain rule: the level after it would be 30, the provider's is 20.
#[test]
fn rl6_two_refunds_of_what_was_missing_once_are_given_once() {
    for (refund, level) in [(Refund::Replay, 20), (Refund::MinDeficit, 20)] {
        let mut world = World::new(refund);
        world.call(50, 0);
        world.call(50, 0);
        world.step(&Op::Pass(900));
        world.call(80, 80);
        world.end(0);
        world.end(0);
        let now = ticks(world.now);
        assert_eq!(pace().level(world.tats[1], now), level, "{refund:?}");
        assert_eq!(pace().level(world.provider, now), 20);
    }
}

#[test]
fn rl6_the_naive_rule_gives_back_what_had_flowed_in_already() {
    let mut world = World::new(Refund::Naive);
    world.call(50, 0);
    world.step(&Op::Pass(500));
    world.call(80, 80);
    world.end(0);
    let now = ticks(world.now);
    assert_eq!(pace().level(world.tats[1], now), 70);
    assert_eq!(pace().level(world.provider, now), 20);
}

#[test]
fn what_was_taken_beyond_the_reservation_is_charged_by_every_rule() {
    for refund in [Refund::Replay, Refund::MinDeficit, Refund::Naive] {
        let mut world = World::new(refund);
        world.call(10, 90);
        world.end(0);
        let now = ticks(world.now);
        assert_eq!(pace().level(world.tats[1], now), 10, "{refund:?}");
    }
}

#[test]
fn the_ledger_is_bounded_and_who_falls_out_keeps_what_it_reserved() {
    let mut world = World::new(Refund::Replay);
    let longest = super::LONGEST;
    for _ in 0..longest + 10 {
        world.now += 1_000_000_000;
        world.call(1, 0);
    }
    assert_eq!(world.ledger.len(), longest);
    let before = world.tats[1];
    for _ in 0..10 {
        world.end(0);
    }
    assert_eq!(world.tats[1], before);
    assert_eq!(world.ledger.len(), longest);
}

#[test]
fn who_is_as_old_as_may_be_is_settled_and_a_nanosecond_older_is_not() {
    const AGE: u64 = 5_000_000_000;
    let mut ledger = Ledger::new(Refund::Replay, AGE);
    let amounts = [1, 10, 0, 0];
    for (now, live) in [(0, 1), (AGE, 2), (AGE + 1, 2)] {
        ledger.reserve(now, amounts, &paces(), &[0; 4]);
        assert_eq!(ledger.len(), live, "at {now}");
    }
}

#[test]
fn who_is_under_way_when_the_pace_changes_keeps_what_it_reserved() {
    for refund in [Refund::Replay, Refund::MinDeficit] {
        let mut world = World::new(refund);
        world.call(50, 0);
        world.ledger.close();
        assert_eq!(world.ledger.len(), 0);
        world.end(0);
        let now = ticks(world.now);
        assert_eq!(pace().level(world.tats[1], now), 50, "{refund:?}");
    }
}
