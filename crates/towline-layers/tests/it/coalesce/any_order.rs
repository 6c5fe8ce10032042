//! Whatever happens in whatever order.

use super::{Call, call, coalesced};
use crate::support::{Exchange, Feed, Handle, question};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::{pin::Pin, task::Poll};
use tokio_test::task;
use towline_core::{Context, Error, ErrorKind, Event, Response};

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Tenant and stream.
    Call(bool, bool),
    Poll(usize),
    Drop(usize),
    Read(usize),
    Close(usize),
    Answer(usize, Ending),
    Feed(usize, Option<Ending>),
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Good,
    Bad,
}

fn op() -> impl Strategy<Value = Op> {
    let ending = prop_oneof![Just(Ending::Good), Just(Ending::Bad)];
    prop_oneof![
        3 => any::<(bool, bool)>().prop_map(|(tenant, stream)| Op::Call(tenant, stream)),
        4 => any::<usize>().prop_map(Op::Poll),
        1 => any::<usize>().prop_map(Op::Drop),
        4 => any::<usize>().prop_map(Op::Read),
        1 => any::<usize>().prop_map(Op::Close),
        2 => (any::<usize>(), ending.clone()).prop_map(|(n, ending)| Op::Answer(n, ending)),
        3 => (any::<usize>(), proptest::option::of(ending)).prop_map(|(n, e)| Op::Feed(n, e)),
    ]
}

/// All that is going on.
struct World {
    service: super::Coalesce<crate::support::Upstream>,
    handle: Handle,
    calls: Vec<Call>,
    answers: Vec<Response>,
    exchanges: Vec<Exchange>,
    feeds: Vec<Feed>,
}

fn pick<T>(list: &[T], n: usize) -> Option<usize> {
    (!list.is_empty()).then(|| n % list.len())
}

impl World {
    fn new() -> Self {
        let (service, handle) = coalesced();
        Self {
            service,
            handle,
            calls: Vec::new(),
            answers: Vec::new(),
            exchanges: Vec::new(),
            feeds: Vec::new(),
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Call(tenant, stream) => {
                let tenant = if tenant { "a" } else { "b" };
                let context = Context::new().with_tenant(tenant);
                let request = question(stream).with_context(context);
                self.calls.push(call(&self.service, request));
            }
            Op::Poll(n) => {
                if let Some(n) = pick(&self.calls, n) {
                    self.poll(n);
                }
            }
            Op::Drop(n) => {
                if let Some(n) = pick(&self.calls, n) {
                    drop(self.calls.swap_remove(n));
                }
            }
            Op::Read(n) => {
                if let Some(n) = pick(&self.answers, n) {
                    self.read(n);
                }
            }
            Op::Close(n) => {
                if let Some(n) = pick(&self.answers, n) {
                    drop(self.answers.swap_remove(n));
                }
            }
            Op::Answer(n, ending) => self.answer(n, ending),
            Op::Feed(n, ending) => self.feed(n, ending),
        }
        while let Some(exchange) = self.handle.try_next() {
            self.exchanges.push(exchange);
        }
    }

    fn poll(&mut self, n: usize) {
        if let Poll::Ready(result) = self.calls[n].poll() {
            drop(self.calls.swap_remove(n));
            self.answers.extend(result);
        }
    }

    /// Reads one event; an answer that is over is thrown away.
    fn read(&mut self, n: usize) {
        let body = self.answers[n].body_mut();
        let mut next = task::spawn(std::future::poll_fn(|cx| {
            use futures_core::Stream;
            Pin::new(&mut *body).poll_next(cx)
        }));
        let over = match next.poll() {
            Poll::Ready(None) => true,
            Poll::Ready(Some(event)) => event.is_err() || matches!(event, Ok(Event::Finish(_))),
            Poll::Pending => false,
        };
        drop(next);
        if over {
            drop(self.answers.swap_remove(n));
        }
    }

    fn answer(&mut self, n: usize, ending: Ending) {
        let Some(n) = pick(&self.exchanges, n) else {
            return;
        };
        let exchange = self.exchanges.swap_remove(n);
        match ending {
            Ending::Bad => exchange.fail(ErrorKind::Server),
            Ending::Good if exchange.request.stream() => self.feeds.push(exchange.stream()),
            Ending::Good => exchange.reply("whole"),
        }
    }

    fn feed(&mut self, n: usize, ending: Option<Ending>) {
        let Some(n) = pick(&self.feeds, n) else {
            return;
        };
        match ending {
            None => {
                self.feeds[n].text("x");
            }
            Some(Ending::Good) => self.feeds.swap_remove(n).finish(),
            Some(Ending::Bad) => self.feeds.swap_remove(n).fail(ErrorKind::Overloaded),
        }
    }

    /// Answers everything well, and polls whoever was woken until nothing moves.
    fn settle(&mut self) -> Result<(), Error> {
        for round in 0..10_000 {
            while let Some(exchange) = self.handle.try_next() {
                self.exchanges.push(exchange);
            }
            for exchange in self.exchanges.drain(..) {
                match exchange.request.stream() {
                    true => self.feeds.push(exchange.stream()),
                    false => exchange.reply("whole"),
                }
            }
            self.feeds.drain(..).for_each(Feed::finish);
            if let Some(n) = pick(&self.calls, round) {
                self.poll(n);
            } else if let Some(n) = pick(&self.answers, round) {
                self.read(n);
            } else {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Timeout))
    }
}

proptest! {
    #[test]
    fn x1_coalesce_everything_that_was_taken_is_given_back(
        ops in proptest::collection::vec(op(), 0..80),
    ) {
        let mut world = World::new();
        for op in ops {
            world.run(op);
            let seats = world.calls.len() + world.answers.len();
            prop_assert!(world.service.under_way() <= seats, "nobody waits for nothing");
        }
        world.calls.clear();
        world.answers.clear();
        drop((world.exchanges, world.feeds));
        while let Some(exchange) = world.handle.try_next() {
            prop_assert!(exchange.is_abandoned());
        }
        prop_assert_eq!((world.handle.live(), world.service.under_way()), (0, 0));
    }

    #[test]
    fn co2_whatever_happened_those_who_stay_get_their_answer(
        ops in proptest::collection::vec(op(), 0..80),
    ) {
        let mut world = World::new();
        for op in ops {
            world.run(op);
        }
        prop_assert!(world.settle().is_ok(), "nobody is forgotten");
        prop_assert_eq!(world.service.under_way(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn x3_coalesce_that_is_dropped_at_any_await_leaves_nothing_behind() {
    for polls in 0..5 {
        for others in [0, 2] {
            let mut world = World::new();
            for _ in 0..=others {
                world.run(Op::Call(true, true));
            }
            for step in 0..polls {
                match step {
                    0 if !world.calls.is_empty() => world.poll(0),
                    1 => world.answer(0, Ending::Good),
                    2 => (0..world.calls.len()).rev().for_each(|n| world.poll(n)),
                    3 => world.feed(0, None),
                    _ => {}
                }
                while let Some(exchange) = world.handle.try_next() {
                    world.exchanges.push(exchange);
                }
            }
            drop(world.calls.pop());
            drop(world.answers.pop());
            assert!(world.settle().is_ok(), "the others go on after {polls}");
            assert_eq!((world.handle.live(), world.service.under_way()), (0, 0));
        }
    }
}
