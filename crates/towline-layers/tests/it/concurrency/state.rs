//! Any interleaving of answers, failures, timeouts and drops.

use super::{Call, call, limit};
use crate::support::{Exchange, Feed, Handle, Way, paused, question, upstream};
use proptest::{collection::vec, prelude::*};
use std::{task::Poll, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::task;
use tower::Layer;
use towline_core::{Body, Context, ErrorKind, Priority, Request};
use towline_layers::{
    adaptive::{Adaptive, Gradient},
    concurrency::{ConcurrencyHandle, ConcurrencyLayer},
    overload::AgeBound,
};

const SECOND: Duration = Duration::from_secs(1);

/// What, which, and a number.
type Op = (u8, usize, u64);

fn layer(kind: u8, slots: usize) -> ConcurrencyLayer {
    let adaptive = Adaptive::builder().initial(slots).max(6);
    let layer = match kind {
        0 | 1 => ConcurrencyLayer::new(limit(slots)),
        2 => ConcurrencyLayer::adaptive(adaptive.build().unwrap()),
        _ => ConcurrencyLayer::adaptive(adaptive.gradient(Gradient::new()).build().unwrap()),
    };
    match kind {
        1 | 3 => layer
            .with_max_queued(4)
            .with_max_wait(20 * SECOND)
            .with_age_bound(AgeBound::new(8 * SECOND)),
        _ => layer,
    }
}

struct World {
    layer: ConcurrencyLayer,
    slots: ConcurrencyHandle,
    /// Makes a call, and does not poll it.
    call: Box<dyn FnMut(Request) -> Call>,
    handle: Handle,
    /// Calls, and whether they have been polled.
    calls: Vec<(Call, bool)>,
    exchanges: Vec<Exchange>,
    feeds: Vec<Feed>,
    bodies: Vec<Body>,
    /// Calls that were made and whose end was not seen.
    open: usize,
}

impl World {
    fn new(way: Way, kind: u8, slots: usize) -> Self {
        let layer = layer(kind, slots);
        let (upstream, handle) = upstream();
        let mut called = layer.layer(upstream.clone());
        let mut asked = way.around(&layer, upstream);
        let call: Box<dyn FnMut(Request) -> Call> = match way {
            // A place in the queue is taken with the call, before it is polled.
            Way::Called => Box::new(move |request| call(&mut called, request)),
            Way::Asked => Box::new(move |request| call(&mut asked, request)),
        };
        Self {
            call,
            slots: layer.handle(),
            layer,
            handle,
            calls: Vec::new(),
            exchanges: Vec::new(),
            feeds: Vec::new(),
            bodies: Vec::new(),
            open: 0,
        }
    }

    async fn step(&mut self, (what, which, number): Op) {
        let at = |len: usize| (len > 0).then(|| which % len.max(1));
        match what {
            0..4 => self.ask(which, number),
            4 => {
                if let Some(at) = at(self.calls.len()) {
                    drop(self.calls.remove(at));
                    self.open -= 1;
                }
            }
            5 => {
                if let Some(at) = at(self.exchanges.len()) {
                    let exchange = self.exchanges.remove(at);
                    match number % 4 {
                        0 => exchange.fail(ErrorKind::Overloaded),
                        1 => exchange.reply("whole"),
                        2 => self.feeds.push(exchange.stream()),
                        _ => drop(exchange),
                    }
                }
            }
            6 => {
                if let Some(at) = at(self.feeds.len()) {
                    match number % 3 {
                        0 => assert_eq!(self.feeds[at].text("a"), !self.feeds[at].is_abandoned()),
                        1 => self.feeds.remove(at).finish(),
                        _ => self.feeds.remove(at).fail(ErrorKind::Overloaded),
                    }
                }
            }
            7 => {
                if let Some(at) = at(self.bodies.len()) {
                    drop(self.bodies.remove(at));
                    self.open -= 1;
                }
            }
            8 => advance(Duration::from_millis(number * 100)).await,
            _ => self.slots.set_limit(limit(which % 5 + 1)),
        }
    }

    fn ask(&mut self, which: usize, number: u64) {
        let priorities = [
            Priority::Background,
            Priority::Normal,
            Priority::Interactive,
        ];
        let context = Context::new()
            .with_priority(priorities[which % 3])
            .with_token_estimate(number * 100);
        let context = match number % 3 {
            0 => context.with_deadline(Instant::now() + SECOND * 5),
            1 => context.with_tenant("other"),
            _ => context,
        };
        let request = question(number.is_multiple_of(2)).with_context(context);
        self.calls.push(((self.call)(request), false));
        self.open += 1;
    }

    /// Polls who was woken or has just come, until nobody is: a lost wake shows as a stall.
    fn settle(&mut self) {
        let is_due = |(call, polled): &(Call, bool)| !polled || call.is_woken();
        while let Some(at) = self.calls.iter().position(is_due) {
            self.calls[at].1 = true;
            if let Poll::Ready(result) = self.calls[at].0.poll() {
                drop(self.calls.remove(at));
                match result {
                    Ok(answer) => self.bodies.push(answer.into_body()),
                    Err(_) => self.open -= 1,
                }
            }
            self.read();
        }
        let asked = std::iter::from_fn(|| self.handle.try_next());
        self.exchanges.extend(asked);
    }

    fn read(&mut self) {
        let before = self.bodies.len();
        self.bodies.retain_mut(|body| {
            let mut next = task::spawn(body.next());
            !matches!(next.poll(), Poll::Ready(None | Some(Err(_))))
        });
        self.open -= before - self.bodies.len();
    }

    fn check(&self) {
        let (limit, now, waiting) = (
            self.slots.limit(),
            self.slots.in_flight(),
            self.slots.waiting(),
        );
        assert!(
            waiting == 0 || now >= limit,
            "a slot is free and {waiting} wait"
        );
        let asked = self.exchanges.iter();
        let asked = asked.filter(|exchange| !exchange.is_abandoned()).count();
        let streams = self.feeds.iter().filter(|feed| !feed.is_abandoned());
        assert!(
            asked + streams.count() <= now,
            "what is under way holds a slot"
        );
        let gauge = self.layer.gauge();
        assert_eq!(gauge.len(), waiting);
        assert_eq!(gauge.oldest_age().is_some(), waiting > 0);
        assert!(
            now + waiting <= self.open,
            "{now} + {waiting} of {}",
            self.open
        );
    }
}

async fn run(way: Way, ops: &[Op], kind: u8, slots: usize) {
    let mut world = World::new(way, kind, slots);
    for op in ops {
        world.step(*op).await;
        world.read();
        world.settle();
        world.check();
    }
    let (slots, gauge) = (world.slots.clone(), world.layer.gauge());
    world.calls.clear();
    world.bodies.clear();
    world.exchanges.clear();
    assert_eq!(world.handle.live(), 0);
    assert_eq!((slots.in_flight(), slots.waiting(), gauge.len()), (0, 0, 0));
}

proptest! {
    #[test]
    fn x1_concurrency_every_slot_comes_back_whatever_happens(
        ops in vec((0..10_u8, 0..16_usize, 0..60_u64), 1..120),
        kind in 0..4_u8,
        slots in 1..4_usize,
    ) {
        let runtime = paused();
        for way in Way::BOTH {
            runtime.block_on(run(way, &ops, kind, slots));
        }
    }
}
