//! Another deployment of the group, where one stands in the way of a call.

use crate::support::{Model, SECOND, client_of, failed, since, whole};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use towline_core::ErrorKind;

const MILLI: Duration = Duration::from_millis(1);

/// Whether equal beginnings go to one deployment.
const STICKY: [&str; 2] = ["balance.sticky=true", "balance.sticky=false"];

/// Calls that one after the other took less than a second each, pauses between attempts included.
async fn all_answered(client: &towline::Client, calls: usize) {
    for call in 0..calls {
        let start = Instant::now();
        let answer = client.complete(format!("{call}, please")).await;
        assert!(answer.is_ok(), "{call}: {answer:?}");
        assert!(since(start) < SECOND, "{call}: {:?}", since(start));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_limit_of_one_deployment_is_used_up_the_calls_go_to_another() {
    for sticky in STICKY {
        for mode in ["limit.mode=reject", "limit.max_wait=1s"] {
            let models = [(); 2].map(|()| Model::answering(MILLI * 50));
            let keys = [
                "balance.deployments=second",
                "providers.first.limit.requests_per_minute=1",
                "retry.max_attempts=1",
                sticky,
                mode,
            ];
            let client = client_of(&[&models[0], &models[1]], &keys).await;
            all_answered(&client, 100).await;
            let calls = models[0].calls();
            assert!((1..3).contains(&calls), "{mode}: {calls}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_at_its_limit_does_not_keep_another_from_being_tried_again() {
    for sticky in STICKY {
        let full = Model::answering(MILLI * 50);
        let tries = Arc::new(AtomicUsize::new(0));
        // Every other call fails.
        let shaky = Model::new(move |_| {
            let number = tries.fetch_add(1, Ordering::Relaxed);
            async move {
                match number % 2 {
                    0 => Err(failed(ErrorKind::Server)),
                    _ => Ok(whole("yes")),
                }
            }
        });
        let keys = [
            "balance.deployments=second",
            "providers.first.limit.requests_per_minute=1",
            "limit.mode=reject",
            "breaker.enabled=false",
            "retry.base_delay=100ms",
            "retry.max_delay=100ms",
            sticky,
        ];
        let client = client_of(&[&full, &shaky], &keys).await;
        all_answered(&client, 50).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_hint_of_one_deployment_keeps_no_call_from_another() {
    for sticky in STICKY {
        // The second is longer than a retry waits for.
        for hint in [SECOND * 30, SECOND * 600] {
            let limited = Model::new(move |_| async move {
                Err(failed(ErrorKind::RateLimit).with_retry_after(hint))
            });
            let free = Model::answering(MILLI * 50);
            let keys = [
                "balance.deployments=second",
                "retry.base_delay=100ms",
                "retry.max_delay=100ms",
                sticky,
            ];
            let client = client_of(&[&limited, &free], &keys).await;
            all_answered(&client, 100).await;
            assert_eq!(free.calls(), 100);
            assert_eq!(limited.calls(), 1, "and it said for how long");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_whose_key_was_revoked_fails_no_call_and_costs_few_retries() {
    for sticky in STICKY {
        let revoked = Model::failing(ErrorKind::Auth, MILLI);
        let well = Model::answering(MILLI * 500);
        let keys = [
            "balance.deployments=second",
            "retry.base_delay=100ms",
            "retry.max_delay=100ms",
            // Two calls; the others are paid by a fifth of what was asked.
            "retry.budget_reserve=2100",
            sticky,
        ];
        let client = client_of(&[&revoked, &well], &keys).await;
        all_answered(&client, 240).await;
        assert_eq!(well.calls(), 240);
        // Two minutes, and asked each half a minute.
        let calls = revoked.calls();
        assert!((2..6).contains(&calls), "{sticky}: {calls}");
    }
}
