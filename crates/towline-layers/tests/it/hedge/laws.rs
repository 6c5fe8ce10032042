//! What holds whatever happens to a call.

use super::{SECOND, policy, question};
use crate::probe::probe;
use crate::support::paused;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::task::Poll;
use tokio::time::advance;
use tokio_test::task;
use tower::{Layer, ServiceExt};
use towline_core::{Error, ErrorKind};
use towline_layers::{
    budget::Budget,
    hedge::{HedgeLayer, HedgePolicy},
};

/// What becomes of one of the two calls, when its turn comes.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answer,
    Fail,
    Refuse,
    BreakOff,
    HangUp,
    Silence,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Answer),
        Just(Fate::Fail),
        Just(Fate::Refuse),
        Just(Fate::BreakOff),
        Just(Fate::HangUp),
        Just(Fate::Silence),
    ]
}

struct Run {
    attempts: usize,
    left: usize,
    spent: u64,
    woken: bool,
}

/// One call: its first attempt meets `first` before or after the second is made, that meets `second`.
async fn run(first: Fate, second: Fate, early: bool, open: bool, max_polls: usize) -> Run {
    let (model, gate, mut handle) = probe();
    let budget = Budget::new(0, 100);
    let hedge = HedgeLayer::new(policy().with_budget(budget.clone())).layer(model);
    let mut call = Some(task::spawn(hedge.oneshot(question(true))));
    let mut exchanges = Vec::new();
    let mut feeds = Vec::new();
    let mut woken = false;
    for poll in 0..max_polls {
        let Some(running) = call.as_mut() else { break };
        if let Poll::Ready(result) = running.poll() {
            drop(result);
            call = None;
            break;
        }
        woken |= running.is_woken();
        gate.set(open);
        exchanges.extend(handle.try_next());
        let fate = match (poll, early) {
            (1, true) | (3, false) => first,
            (2, _) => second,
            _ => {
                advance(SECOND * 10).await;
                continue;
            }
        };
        let index = usize::from(poll == 2).min(exchanges.len().saturating_sub(1));
        if index >= exchanges.len() {
            continue;
        }
        let exchange = match fate {
            Fate::Silence => continue,
            _ => exchanges.remove(index),
        };
        match fate {
            Fate::Answer => {
                let feed = exchange.stream();
                feed.text("yes");
                feeds.push(feed);
            }
            Fate::Fail => exchange.fail(ErrorKind::Server),
            Fate::Refuse => {
                let error = Error::new(ErrorKind::Overloaded).with_refused_by("balance");
                exchange.answer(Err(error));
            }
            Fate::BreakOff => exchange.stream().fail(ErrorKind::Transport),
            Fate::HangUp => drop(exchange),
            Fate::Silence => {}
        }
    }
    drop(call);
    drop(exchanges);
    while handle.try_next().is_some() {}
    Run {
        attempts: handle.total(),
        left: handle.live(),
        spent: 100 - budget.available(),
        woken,
    }
}

proptest! {
    #[test]
    fn x1_hedge_nothing_is_left_of_a_call_however_it_ends(
        first in fate(), second in fate(), early in proptest::bool::ANY, open in proptest::bool::ANY,
    ) {
        let run = paused().block_on(run(first, second, early, open, 12));
        prop_assert_eq!(run.left, 0);
        prop_assert!(run.spent == 0 || (run.spent == 2 && run.attempts == 2));
    }

    #[test]
    fn x3_hedge_nothing_is_left_of_a_call_that_is_dropped_at_any_await(
        first in fate(), second in fate(), early in proptest::bool::ANY, polls in 0_usize..6,
    ) {
        let run = paused().block_on(run(first, second, early, true, polls));
        prop_assert_eq!(run.left, 0);
        prop_assert!(run.spent == 0 || (run.spent == 2 && run.attempts == 2));
    }

    #[test]
    fn x4_hedge_two_attempts_are_the_most(first in fate(), second in fate()) {
        let run = paused().block_on(run(first, second, false, true, 20));
        prop_assert!(run.attempts <= 2);
    }

    /// The probe panics on a call that was not polled ready.
    #[test]
    fn x5_hedge_keeps_the_readiness_law_and_does_not_wake_itself(
        first in fate(), second in fate(), open in proptest::bool::ANY,
    ) {
        let run = paused().block_on(run(first, second, false, open, 20));
        prop_assert!(!run.woken);
        prop_assert!(open || run.attempts == 1);
    }

    /// Calls of any weight, all slow: in every span second requests stay within the share and the reserve.
    #[test]
    fn hg4_extra_tokens_stay_within_the_share_in_every_span(
        weights in proptest::collection::vec(1_u64..500, 1..40),
        ratio in 0_u32..200_000,
    ) {
        const RESERVE: u64 = 600;
        let seen = paused().block_on(weigh(weights, ratio, RESERVE));
        for start in 0..seen.len() {
            let (mut firsts, mut extra) = (0_u128, 0_u128);
            for (weight, hedged) in &seen[start..] {
                firsts += u128::from(*weight);
                extra += u128::from(*weight) * u128::from(*hedged);
                let bound = firsts * u128::from(ratio) + u128::from(RESERVE) * 1_000_000;
                prop_assert!(extra * 1_000_000 <= bound);
            }
        }
    }
}

/// Makes a slow call of each weight; says which were hedged.
async fn weigh(weights: Vec<u64>, ratio: u32, reserve: u64) -> Vec<(u64, bool)> {
    use crate::support::upstream;
    use towline_core::Context;

    let (model, mut handle) = upstream();
    let policy = HedgePolicy::default()
        .with_delay(SECOND)
        .with_max_extra(ratio, reserve);
    let hedge = HedgeLayer::new(policy).layer(model);
    let mut seen = Vec::new();
    for weight in weights {
        let context = Context::new().with_token_estimate(weight);
        let request = question(true).with_context(context);
        let mut call = task::spawn(hedge.clone().oneshot(request));
        assert!(call.poll().is_pending());
        advance(SECOND).await;
        assert!(call.poll().is_pending());
        let first = handle.next().await;
        let second = handle.try_next();
        seen.push((weight, second.is_some()));
        first.reply("late");
        assert!(call.poll().is_ready());
    }
    seen
}
