//! What it tells people, journeys, listeners and those who pick.

use super::{COOLDOWN, SECOND, call, config, fails, n, succeeds, trip};
use crate::support::{failed, question};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt, service_fn};
use towline_core::{Error, ErrorKind, Journey, Request, Response, Step};
use towline_layers::breaker::{Breaker, BreakerCause, BreakerLayer, BreakerState};

#[tokio::test(start_paused = true)]
async fn x6_breaker_refuses_with_its_name_the_rest_of_the_cooldown_and_the_reason() {
    let breaker = Breaker::new("azure-east", config());
    trip(&breaker).await;
    advance(SECOND * 4).await;
    let error = succeeds(&breaker).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.refused_by(), Some("breaker"));
    assert_eq!(error.retry_after(), Some(SECOND * 6));
    assert_eq!(
        error.to_string(),
        "provider overloaded: `azure-east` is left alone, since 3 calls failed in a row, the last \
         with: provider failed; nothing was sent to it (retry after 6000 ms)"
    );
}

#[tokio::test(start_paused = true)]
async fn x6_breaker_writes_its_refusals_into_the_journey() {
    let breaker = Breaker::new("east", config());
    trip(&breaker).await;
    let model =
        service_fn(|_: Request| async { Err::<Response, Error>(failed(ErrorKind::Server)) });
    let mut request = question(false);
    let journey = Journey::new();
    request.context_mut().set_journey(journey.clone());
    let service = BreakerLayer::new(&breaker).layer(model);
    service.oneshot(request).await.unwrap_err();
    assert_eq!(
        journey.steps(),
        [Step::Refused {
            layer: "breaker",
            kind: ErrorKind::Overloaded,
            retry_after: Some(COOLDOWN),
        }]
    );
}

#[tokio::test(start_paused = true)]
async fn x6_breaker_does_not_count_the_refusals_of_another_breaker() {
    let inner = Breaker::new("inner", config());
    trip(&inner).await;
    let outer = Breaker::new("outer", config().with_failures(Some(n(1))));
    for _ in 0..10 {
        let refused = succeeds(&inner).await.unwrap_err();
        call(&outer, || Err(refused)).await.unwrap_err();
    }
    assert_eq!(outer.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb1_each_change_is_told_once_with_its_cause() {
    let breaker = Breaker::new("east", config());
    let changes: Arc<Mutex<Vec<_>>> = Arc::default();
    let sink = Arc::clone(&changes);
    breaker.on_change(move |change| {
        assert_eq!(change.name().as_str(), "east");
        let mut sink = sink.lock().unwrap();
        sink.push((change.number(), change.from(), change.to(), change.cause()));
    });
    trip(&breaker).await;
    advance(COOLDOWN).await;
    fails(&breaker, ErrorKind::Timeout).await;
    advance(COOLDOWN * 2).await;
    succeeds(&breaker).await.unwrap();
    succeeds(&breaker).await.unwrap();

    use BreakerState::{Closed, HalfOpen, Open};
    let failures = BreakerCause::Failures {
        failures: 3,
        last: ErrorKind::Server,
    };
    let again = BreakerCause::ProbeFailed(ErrorKind::Timeout);
    let recovered = BreakerCause::Recovered { successes: 1 };
    assert_eq!(
        *changes.lock().unwrap(),
        [
            (1, Closed, Open, failures),
            (2, Open, HalfOpen, BreakerCause::CooledDown),
            (3, HalfOpen, Open, again),
            (4, Open, HalfOpen, BreakerCause::CooledDown),
            (5, HalfOpen, Closed, recovered),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn lb1_the_health_of_a_breaker_says_whether_it_takes_calls() {
    let breaker = Breaker::new("east", config());
    let health = breaker.health().clone();
    assert!(health.admits(Instant::now()));
    trip(&breaker).await;
    assert!(!health.admits(Instant::now()));
    assert_eq!(health.retry_after(Instant::now()), COOLDOWN);
    advance(COOLDOWN).await;
    assert!(health.admits(Instant::now()), "one may try");
    let pending = service_fn(|_: Request| std::future::pending::<Result<Response, Error>>());
    let service = BreakerLayer::new(&breaker).layer(pending);
    let mut probe = tokio_test::task::spawn(service.oneshot(question(false)));
    tokio_test::assert_pending!(probe.poll());
    assert!(!health.admits(Instant::now()), "one is enough");
    drop(probe);
    assert!(health.admits(Instant::now()), "and its place is free again");
    succeeds(&breaker).await.unwrap();
    assert!(health.admits(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn cb1_somebody_may_open_and_close_it_by_hand() {
    let breaker = Breaker::new("east", config());
    breaker.force_closed();
    succeeds(&breaker).await.unwrap();
    assert_eq!(breaker.status().succeeded(), 1, "calls still count");
    breaker.force_open(Duration::MAX);
    advance(SECOND * 86_400 * 365).await;
    succeeds(&breaker).await.unwrap_err();
    assert_eq!(breaker.status().cause(), Some(BreakerCause::Forced));
    breaker.force_half_open();
    succeeds(&breaker).await.unwrap();
    assert_eq!(breaker.state(), BreakerState::Closed);
    breaker.force_half_open();
    breaker.force_half_open();
    breaker.force_closed();
    for _ in 0..2 {
        fails(&breaker, ErrorKind::Server).await;
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    fails(&breaker, ErrorKind::Server).await;
    assert_eq!(breaker.state(), BreakerState::Open);
}
