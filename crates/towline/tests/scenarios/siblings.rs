//! Another deployment of the group, where one stands in the way of a call.

use crate::support::{Model, SECOND, client_of, failed, since, whole};
use std::time::Duration;
use tokio::time::Instant;
use towline_core::ErrorKind;

const MILLI: Duration = Duration::from_millis(1);

/// Calls that one after the other took less than a second each, pauses between attempts included.
async fn all_answered(client: &towline::Client, calls: usize) {
    for call in 0..calls {
        let start = Instant::now();
        let answer = client.complete("Hi").await;
        assert!(answer.is_ok(), "{call}: {answer:?}");
        assert!(since(start) < SECOND, "{call}: {:?}", since(start));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_limit_of_one_deployment_is_used_up_the_calls_go_to_another() {
    for mode in ["limit.mode=reject", "limit.max_wait=1s"] {
        let models = [(); 2].map(|()| Model::answering(MILLI * 50));
        let keys = [
            "balance.deployments=second",
            "balance.sticky=true",
            "providers.first.limit.requests_per_minute=1",
            "retry.max_attempts=1",
            mode,
        ];
        let client = client_of(&[&models[0], &models[1]], &keys).await;
        all_answered(&client, 100).await;
        assert!(models[0].calls() <= 2, "{mode}: {}", models[0].calls());
    }
}

#[tokio::test(start_paused = true)]
async fn the_hint_of_one_deployment_keeps_no_call_from_another() {
    // The second is longer than a retry waits for.
    for hint in [SECOND * 30, SECOND * 600] {
        let limited =
            Model::new(
                move |_| async move { Err(failed(ErrorKind::RateLimit).with_retry_after(hint)) },
            );
        let free = Model::answering(MILLI * 50);
        let keys = [
            "balance.deployments=second",
            "balance.sticky=false",
            "retry.base_delay=100ms",
            "retry.max_delay=100ms",
        ];
        let client = client_of(&[&limited, &free], &keys).await;
        all_answered(&client, 50).await;
        assert_eq!(free.calls(), 50);
        assert!(limited.calls() > 0, "it was asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_whose_key_was_revoked_fails_no_call() {
    let revoked = Model::failing(ErrorKind::Auth, MILLI);
    let well = Model::new(|_| async { Ok(whole("yes")) });
    let keys = [
        "balance.deployments=second",
        "balance.sticky=false",
        "retry.base_delay=100ms",
        "retry.max_delay=100ms",
    ];
    let client = client_of(&[&revoked, &well], &keys).await;
    all_answered(&client, 50).await;
    assert_eq!(well.calls(), 50);
}
