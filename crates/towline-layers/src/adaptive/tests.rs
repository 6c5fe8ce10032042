use super::{Adaptive, Controller, Gradient, Signal};
use proptest::{collection::vec, prelude::*};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;
use towline_core::{Clock, Error, ErrorKind};

const MS: Duration = Duration::from_millis(1);

/// A server in simulated milliseconds, and a client that always has more to ask than it may.
struct Sim {
    controller: Controller,
    origin: Instant,
    now: u64,
    /// Slots of the server.
    capacity: usize,
    /// What does not fit waits, else it is turned away.
    queues: bool,
    /// How long an answer takes, and its first token.
    service: u64,
    first: u64,
    serving: usize,
    waiting: VecDeque<u64>,
    events: BinaryHeap<Reverse<(u64, u64, What)>>,
    flights: BTreeMap<u64, super::Flight>,
    next: u64,
    served: u64,
    lost: u64,
    /// The limit at each tenth of a second.
    limits: Vec<usize>,
    seed: u64,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum What {
    First,
    Served,
    Refused,
}

impl Sim {
    fn new(config: Adaptive, capacity: usize) -> Self {
        Self {
            controller: Controller::new(config),
            origin: Instant::now(),
            now: 0,
            capacity,
            queues: false,
            service: 2_000,
            first: 300,
            serving: 0,
            waiting: VecDeque::new(),
            events: BinaryHeap::new(),
            flights: BTreeMap::new(),
            next: 0,
            served: 0,
            lost: 0,
            limits: Vec::new(),
            seed: 7,
        }
    }

    fn at(&self) -> Instant {
        self.origin + MS * u32::try_from(self.now).unwrap()
    }

    /// Half to one and a half of `mean`.
    fn around(&mut self, mean: u64) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        mean / 2 + (self.seed >> 33) % (mean + 1)
    }

    fn ask(&mut self) {
        let number = self.next;
        self.next += 1;
        let flight = self.controller.on_start(self.at());
        self.flights.insert(number, flight);
        if self.serving < self.capacity {
            self.serve(number);
        } else if self.queues {
            self.waiting.push_back(number);
        } else {
            self.events
                .push(Reverse((self.now + 50, number, What::Refused)));
        }
    }

    fn serve(&mut self, number: u64) {
        self.serving += 1;
        let (first, service) = (self.around(self.first), self.around(self.service));
        self.events
            .push(Reverse((self.now + first, number, What::First)));
        self.events
            .push(Reverse((self.now + first + service, number, What::Served)));
    }

    fn happen(&mut self, number: u64, what: What) {
        match what {
            What::First => {
                let now = self.at();
                let flight = &self.flights[&number];
                self.controller.on_first_token(flight, now);
            }
            What::Served => {
                let flight = self.flights.remove(&number).unwrap();
                self.controller.on_end(flight, Signal::Success);
                self.served += 1;
                self.serving -= 1;
                if self.serving < self.capacity
                    && let Some(next) = self.waiting.pop_front()
                {
                    self.serve(next);
                }
            }
            What::Refused => {
                let flight = self.flights.remove(&number).unwrap();
                self.controller.on_end(flight, Signal::Loss);
                self.lost += 1;
            }
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + seconds * 1_000;
        while self.now < end {
            while let Some(Reverse((at, number, what))) = self.events.peek().copied()
                && at <= self.now
            {
                self.events.pop();
                self.happen(number, what);
            }
            // A call takes a moment to be made, so that a refusal is known to some of the next.
            if self.controller.in_flight() < self.controller.limit() {
                self.ask();
            }
            if self.now.is_multiple_of(100) {
                self.limits.push(self.controller.limit());
            }
            self.now += 1;
        }
    }

    /// The mean limit of the last `seconds`.
    fn mean(&self, seconds: usize) -> f64 {
        let last = &self.limits[self.limits.len() - seconds * 10..];
        let sum: usize = last.iter().sum();
        f64::from(u32::try_from(sum).unwrap()) / f64::from(u32::try_from(last.len()).unwrap())
    }

    fn assert_near(&self, capacity: u32, seconds: usize) {
        let ratio = self.mean(seconds) / f64::from(capacity);
        assert!(
            (0.8..=1.2).contains(&ratio),
            "the limit is {ratio:.2} of {capacity}"
        );
    }
}

fn config() -> Adaptive {
    Adaptive::builder().build().unwrap()
}

#[test]
fn cl3_finds_what_a_server_bears_that_turns_calls_away() {
    for capacity in [10, 40, 150] {
        let mut sim = Sim::new(config(), usize::try_from(capacity).unwrap());
        sim.run(120);
        sim.assert_near(capacity, 60);
        let lost = sim.lost * 100 / (sim.served + sim.lost);
        assert!(
            lost < 15,
            "{lost} % of the calls were refused at {capacity}"
        );
    }
}

#[test]
fn cl3_recovers_within_30_s_of_a_halving() {
    for capacity in [20_u32, 40, 150] {
        let mut sim = Sim::new(config(), usize::try_from(capacity).unwrap());
        sim.run(120);
        sim.capacity /= 2;
        sim.run(30);
        sim.run(10);
        sim.assert_near(capacity / 2, 10);
        sim.run(60);
        sim.assert_near(capacity / 2, 60);
    }
}

#[test]
fn cl3_goes_by_the_time_to_the_first_token_where_a_server_queues() {
    let config = Adaptive::builder()
        .gradient(Gradient::new())
        .build()
        .unwrap();
    for capacity in [20_u32, 40, 100] {
        let mut sim = Sim::new(config, usize::try_from(capacity).unwrap());
        sim.queues = true;
        sim.run(300);
        sim.assert_near(capacity, 60);
        sim.capacity /= 2;
        sim.run(30);
        sim.run(10);
        sim.assert_near(capacity / 2, 10);
    }
}

#[test]
fn cl3_a_target_that_is_slower_for_good_is_not_starved() {
    let gradient = Gradient::new();
    let config = Adaptive::builder().gradient(gradient).max(60).build();
    let mut sim = Sim::new(config.unwrap(), 1_000);
    sim.run(60);
    assert_eq!(sim.controller.limit(), 60);
    sim.first *= 4;
    sim.run(300);
    assert_eq!(
        sim.controller.limit(),
        60,
        "four times as slow, whatever is asked of it"
    );
}

#[test]
fn cl3_a_limit_that_is_not_used_does_not_grow() {
    let mut controller = Controller::new(config());
    let now = Instant::now();
    for _ in 0..10_000 {
        let flights: Vec<_> = (0..9).map(|_| controller.on_start(now)).collect();
        for flight in flights {
            controller.on_end(flight, Signal::Success);
        }
    }
    assert_eq!(controller.limit(), 20);
}

#[test]
fn cl3_all_losses_of_one_round_trip_are_one() {
    let mut controller = Controller::new(config());
    let now = Instant::now();
    let mut flights: VecDeque<_> = (0..20).map(|_| controller.on_start(now)).collect();
    controller.on_end(flights.pop_front().unwrap(), Signal::Loss);
    let later = controller.on_start(now);
    for flight in flights {
        controller.on_end(flight, Signal::Loss);
    }
    assert_eq!(controller.limit(), 18);
    controller.on_end(later, Signal::Loss);
    assert!(controller.limit() < 18, "this one began after the cut");
}

proptest! {
    #[test]
    fn cl3_the_limit_stays_within_its_bounds(
        steps in vec((0..5_u8, 0..60_000_u64), 1..400),
        (min, more) in (1..20_usize, 0..50_usize),
        gradient in any::<bool>(),
    ) {
        let builder = Adaptive::builder().min(min).initial(min + more / 2).max(min + more);
        let builder = if gradient { builder.gradient(Gradient::new()) } else { builder };
        let mut controller = Controller::new(builder.build().unwrap());
        let mut now = Instant::now();
        let mut flights = VecDeque::new();
        for (what, time) in steps {
            now += MS * u32::try_from(time).unwrap();
            match (what, flights.pop_front()) {
                (0, Some(flight)) => controller.on_end(flight, Signal::Success),
                (1, Some(flight)) => controller.on_end(flight, Signal::Loss),
                (2, Some(flight)) => controller.on_end(flight, Signal::Ignored),
                (3, Some(flight)) => {
                    controller.on_first_token(&flight, now);
                    flights.push_back(flight);
                }
                (_, flight) => {
                    flights.extend(flight);
                    flights.push_back(controller.on_start(now));
                }
            }
            prop_assert!((min..=min + more).contains(&controller.limit()));
            prop_assert_eq!(controller.in_flight(), flights.len());
        }
    }
}

#[test]
fn x6_only_what_the_target_says_is_a_loss() {
    let signal = |error: Error| Signal::of_error(&error);
    for kind in ErrorKind::ALL {
        let lost = matches!(
            kind,
            ErrorKind::RateLimit | ErrorKind::Overloaded | ErrorKind::Timeout
        );
        let expected = if lost { Signal::Loss } else { Signal::Ignored };
        assert_eq!(signal(Error::new(kind)), expected, "{kind}");
        let refused = Error::new(kind).with_refused_by("limit");
        assert_eq!(signal(refused), Signal::Ignored, "{kind}");
    }
    let late = |clock| signal(Error::new(ErrorKind::Timeout).with_clock(clock));
    assert_eq!(late(Clock::Total), Signal::Ignored);
    assert_eq!(late(Clock::FirstToken), Signal::Loss);
}

#[test]
fn every_fault_of_the_bounds_is_told_at_once() {
    let error = Adaptive::builder()
        .min(0)
        .initial(500)
        .keep_percent(100)
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.message().unwrap();
    for part in ["min is 0", "initial 500", "keep_percent 100"] {
        assert!(message.contains(part), "{message}");
    }
}
