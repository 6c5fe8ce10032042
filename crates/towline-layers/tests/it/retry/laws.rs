//! What holds whatever happens to a call.

use super::{SECOND, question};
use crate::{
    probe::probe,
    support::{Way, failed, paused},
};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::time::Duration;
use tokio::time::advance;
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, ServiceExt};
use towline_core::{Error, ErrorKind, Response};
use towline_layers::{
    budget::Budget,
    retry::{RetryLayer, RetryPolicy},
};

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answer,
    Fail(ErrorKind),
    Refuse,
    /// The head, and then nothing of it.
    BreakOff,
    /// The head, content, and then an error.
    BreakLate,
    /// The provider hangs up without a word.
    HangUp,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        1 => Just(Fate::Answer),
        2 => Just(Fate::Fail(ErrorKind::Overloaded)),
        1 => Just(Fate::Fail(ErrorKind::Auth)),
        1 => Just(Fate::Fail(ErrorKind::ToolGeneration)),
        1 => Just(Fate::Refuse),
        2 => Just(Fate::BreakOff),
        1 => Just(Fate::BreakLate),
        1 => Just(Fate::HangUp),
    ]
}

async fn drain(result: Result<Response, Error>) {
    if let Ok(mut answer) = result {
        while answer.body_mut().next().await.is_some() {}
    }
}

/// Drives one call through `fates`, polling it at most `polls` times; says what was asked of whom.
struct Run {
    attempts: usize,
    polls: usize,
    left: usize,
    held: u64,
    spent: u64,
}

const RESERVE: u64 = 5;

async fn run(way: Way, fates: &[Fate], max_polls: usize, max_attempts: u32) -> Run {
    let (model, _gate, mut handle) = probe();
    // A question is estimated at two tokens: two retries.
    let budget = Budget::new(0, RESERVE);
    let policy = RetryPolicy::default()
        .with_max_attempts(max_attempts)
        .with_budget(budget.clone());
    let retry = way.around(&RetryLayer::new(policy), model);
    let mut fates = fates.iter().copied();
    let mut call = Some(task::spawn(retry.oneshot(question(true))));
    let mut polls = 0;
    let mut sent = 0;
    while let Some(running) = call.as_mut().filter(|_| polls < max_polls) {
        polls += 1;
        if let std::task::Poll::Ready(result) = running.poll() {
            call = None;
            drain(result).await;
            break;
        }
        // It sleeps until something happens to it.
        assert!(!running.is_woken(), "it wakes itself");
        match handle.try_next() {
            None => advance(SECOND * 10).await,
            Some(exchange) => {
                sent += 1;
                match fates.next().unwrap_or(Fate::Answer) {
                    Fate::Answer => exchange.reply("yes"),
                    Fate::Fail(kind) => exchange.fail(kind),
                    Fate::Refuse => {
                        let error = Error::new(ErrorKind::Overloaded).with_refused_by("breaker");
                        exchange.answer(Err(error));
                    }
                    Fate::BreakOff => exchange.stream().fail(ErrorKind::Transport),
                    Fate::BreakLate => {
                        let feed = exchange.stream();
                        feed.text("half");
                        feed.fail(ErrorKind::Transport);
                    }
                    Fate::HangUp => drop(exchange),
                }
            }
        }
    }
    let held = RESERVE - budget.available();
    drop(call);
    while handle.try_next().is_some() {}
    Run {
        attempts: handle.total().max(sent),
        polls,
        left: handle.live(),
        held,
        spent: RESERVE - budget.available(),
    }
}

proptest! {
    /// Attempts are at most what the policy and the budget allow, and when the call is over nothing of
    /// it is left.
    #[test]
    fn x1_retry_nothing_is_left_of_a_call_however_it_ends(
        fates in proptest::collection::vec(fate(), 0..6),
        max_attempts in 0_u32..6,
    ) {
        for way in Way::BOTH {
            let run = paused().block_on(run(way, &fates, usize::MAX, max_attempts));
            prop_assert_eq!(run.left, 0);
            // Two tokens an attempt, and what refusals gave back.
            prop_assert!(run.spent <= u64::try_from(run.attempts - 1).unwrap() * 2);
            prop_assert_eq!(run.spent, run.held, "nothing is held any more");
        }
    }

    #[test]
    fn x4_retry_attempts_stay_within_the_policy_and_the_budget(
        fates in proptest::collection::vec(fate(), 0..6),
        max_attempts in 0_u32..6,
    ) {
        let runs = Way::BOTH.map(|way| paused().block_on(run(way, &fates, usize::MAX, max_attempts)));
        let policy = usize::try_from(max_attempts.max(1)).unwrap();
        for run in &runs {
            prop_assert!(run.attempts <= policy);
            prop_assert!(run.attempts <= 3, "the budget is for two retries");
        }
        let [called, asked] = runs.map(|run| (run.attempts, run.spent));
        prop_assert_eq!(asked, called, "asked, all goes as it does called");
    }

    /// Dropped after any number of polls.
    #[test]
    fn x3_retry_nothing_is_left_of_a_call_that_is_dropped_at_any_await(
        fates in proptest::collection::vec(fate(), 0..6),
        polls in 0_usize..12,
    ) {
        for way in Way::BOTH {
            let run = paused().block_on(run(way, &fates, polls, 5));
            prop_assert_eq!(run.left, 0);
            // An attempt that was only waited for is given back; one that was sent is not.
            prop_assert!(run.spent <= run.held);
            let retries = u64::try_from(run.attempts.saturating_sub(1)).unwrap();
            prop_assert!(run.spent <= retries * 2);
        }
    }

    /// A poll for each thing that happens, and no more.
    #[test]
    fn x5_retry_is_polled_no_more_often_than_something_happens(
        fates in proptest::collection::vec(fate(), 0..6),
    ) {
        for way in Way::BOTH {
            let run = paused().block_on(run(way, &fates, usize::MAX, 5));
            prop_assert!(run.polls <= run.attempts * 3 + 1, "{}", run.polls);
        }
    }
}

/// The probe panics if a call is made on an instance that was not polled ready.
#[tokio::test(start_paused = true)]
async fn x5_retry_calls_the_instance_that_was_polled_ready() {
    let (model, gate, mut handle) = probe();
    let mut retry = RetryLayer::new(RetryPolicy::default()).layer(model);
    gate.set(false);
    let mut ready = task::spawn(std::future::poll_fn(|cx| retry.poll_ready(cx)));
    assert_pending!(ready.poll());
    drop(ready);
    gate.set(true);
    std::future::poll_fn(|cx| retry.poll_ready(cx))
        .await
        .unwrap();
    let mut call = task::spawn(retry.call(question(false)));
    assert_pending!(call.poll());
    handle.next().await.answer(Err(failed(ErrorKind::Server)));
    assert_pending!(call.poll());
    advance(Duration::from_secs(1)).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 2);
}
