//! Many calls at once.

use super::{SECOND, failed, question};
use crate::support::Way;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};
use tower::{Layer, ServiceExt, service_fn};
use towline_core::{
    CompletionOptions, Context, ErrorKind, Journey, Metered, Request, Response, Step,
};
use towline_layers::{
    budget::Budget,
    retry::{RetryLayer, RetryPolicy},
};

fn pauses(journey: &Journey) -> Vec<Duration> {
    let waited = |step| match step {
        Step::Waited { time, .. } => Some(time),
        _ => None,
    };
    journey.steps().into_iter().filter_map(waited).collect()
}

#[tokio::test(start_paused = true)]
async fn rt5_a_thousand_failing_calls_have_a_thousand_delay_sequences() {
    for way in Way::BOTH {
        let policy = RetryPolicy::default().without_budget();
        let model =
            service_fn(|_: Request| async { Err::<Response, _>(failed(ErrorKind::Server)) });
        let retry = way.around(&RetryLayer::new(policy), model);
        let mut calls = JoinSet::new();
        for _ in 0..1_000 {
            let journey = Journey::new();
            let context = Context::new().with_journey(journey.clone());
            let call = retry.clone().oneshot(question(false).with_context(context));
            calls.spawn(async move {
                call.await.unwrap_err();
                pauses(&journey)
            });
        }
        let sequences: Vec<_> = calls.join_all().await;
        assert!(sequences.iter().all(|pauses| pauses.len() == 2));
        let distinct: HashSet<_> = sequences.into_iter().collect();
        assert_eq!(distinct.len(), 1_000, "{way:?}");
    }
}

/// A call with a seed of its own draws the same pauses each time.
#[tokio::test(start_paused = true)]
async fn a_simulation_can_repeat_its_pauses() {
    let mut runs = HashSet::new();
    for _ in 0..5 {
        let model =
            service_fn(|_: Request| async { Err::<Response, _>(failed(ErrorKind::Server)) });
        let retry = RetryLayer::new(RetryPolicy::default()).layer(model);
        let journey = Journey::new();
        let context = Context::new().with_journey(journey.clone()).with_seed(42);
        let request = question(false).with_context(context);
        retry.oneshot(request).await.unwrap_err();
        runs.insert(pauses(&journey));
    }
    assert_eq!(runs.len(), 1);
}

/// Every call fails for a minute, fifty a second: the provider gets 1 + ratio times the tokens, and the
/// reserve once.
#[tokio::test(start_paused = true)]
async fn rt3_a_minute_of_failures_is_amplified_by_no_more_than_the_ratio() {
    for way in Way::BOTH {
        amplify(way).await;
    }
}

async fn amplify(way: Way) {
    const WEIGHT: u64 = 1_000;
    const RESERVE: u64 = 20_000;
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let model = service_fn(move |request: Request| {
        counted.fetch_add(request.estimated_tokens(), Ordering::SeqCst);
        async { Err::<Response, _>(failed(ErrorKind::Server)) }
    });
    let policy = RetryPolicy::aggressive().with_budget(Budget::new(200_000, RESERVE));
    let retry = way.around(&RetryLayer::new(policy), model);
    let mut calls = JoinSet::new();
    for _ in 0..3_000 {
        let context = Context::new().with_token_estimate(WEIGHT);
        let call = retry.clone().oneshot(question(false).with_context(context));
        calls.spawn(call);
        sleep(SECOND / 50).await;
    }
    assert!(calls.join_all().await.into_iter().all(|call| call.is_err()));
    let offered = 3_000 * WEIGHT;
    let sent = sent.load(Ordering::SeqCst);
    assert!(
        sent <= offered + offered / 5 + RESERVE,
        "{sent} of {offered}"
    );
    // And the budget is used: it is a limit, not a refusal.
    assert!(sent >= offered + offered / 6, "{sent} of {offered}");
}

/// How many of `calls` that fail are tried again, with the default budget or another.
async fn tried_again(budget: Option<Budget>, calls: usize, request: &Request) -> usize {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let model = service_fn(move |_: Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err::<Response, _>(failed(ErrorKind::Server)) }
    });
    let policy = RetryPolicy::default().with_max_attempts(2);
    let policy = match budget {
        Some(budget) => policy.with_budget(budget),
        None => policy,
    };
    let retry = RetryLayer::new(policy).layer(model);
    let mut under_way = JoinSet::new();
    for _ in 0..calls {
        under_way.spawn(retry.clone().oneshot(request.clone()));
    }
    assert!(under_way.join_all().await.iter().all(Result::is_err));
    usize::try_from(sent.load(Ordering::SeqCst)).unwrap() - calls
}

/// All fail at once, so that first attempts pay nothing off before the first is tried again.
#[tokio::test(start_paused = true)]
async fn rt3_the_reserve_is_for_a_hundred_small_calls_whose_answer_nobody_bounded() {
    let small = Request::new("model", "Hi");
    assert_eq!(small.estimated_tokens(), 1_001);
    assert_eq!(tried_again(None, 300, &small).await, 99);
    let exact = Some(Budget::new(0, 5 * 1_001));
    assert_eq!(tried_again(exact, 10, &small).await, 5);
}

#[tokio::test(start_paused = true)]
async fn rt3_a_call_of_more_than_the_reserve_is_never_tried_again() {
    let allows = |tokens| {
        let options = CompletionOptions::new().with_max_tokens(tokens);
        Request::new("model", "Hi").with_options(options)
    };
    assert_eq!(tried_again(None, 1, &allows(99_999)).await, 1);
    assert_eq!(tried_again(None, 1, &allows(100_000)).await, 0);
    let larger = Some(Budget::new(0, 100_001));
    assert_eq!(tried_again(larger, 1, &allows(100_000)).await, 1);
}
