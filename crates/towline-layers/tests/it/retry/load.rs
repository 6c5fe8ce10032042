//! Many calls at once.

use super::{SECOND, failed, question};
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
use towline_core::{Context, ErrorKind, Journey, Metered, Request, Response, Step};
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
    let policy = RetryPolicy::default().without_budget();
    let model = service_fn(|_: Request| async { Err::<Response, _>(failed(ErrorKind::Server)) });
    let retry = RetryLayer::new(policy).layer(model);
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
    assert_eq!(distinct.len(), 1_000);
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
    const WEIGHT: u64 = 1_000;
    const RESERVE: u64 = 20_000;
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let model = service_fn(move |request: Request| {
        counted.fetch_add(request.estimated_tokens(), Ordering::SeqCst);
        async { Err::<Response, _>(failed(ErrorKind::Server)) }
    });
    let policy = RetryPolicy::aggressive().with_budget(Budget::new(200_000, RESERVE));
    let retry = RetryLayer::new(policy).layer(model);
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
