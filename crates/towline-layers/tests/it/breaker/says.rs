//! What it tells people, journeys, listeners and those who pick.

use super::{COOLDOWN, SECOND, call, config, fails, n, succeeds, trip};
use crate::support::{failed, question};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, advance};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline_core::{Error, ErrorKind, Journey, Request, Response, Step};
use towline_layers::breaker::{Breaker, BreakerCause, BreakerConfig, BreakerLayer, BreakerState};

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
        "overloaded in layer `breaker`: `azure-east` is left alone, since 3 calls failed in a row, the \
         last with: provider failed; nothing was sent to it (retry after 6000 ms)"
    );
}

#[tokio::test(start_paused = true)]
async fn x6_breaker_says_that_others_are_trying() {
    let breaker = Breaker::new("azure-east", config());
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let pending = service_fn(|_: Request| std::future::pending::<Result<Response, Error>>());
    let mut service = BreakerLayer::new(&breaker).layer(pending);
    let probe = service.call(question(false));
    assert!(format!("{probe:?}").contains("Probe"), "{probe:?}");
    let error = succeeds(&breaker).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "overloaded in layer `breaker`: `azure-east` is being tried by other calls, since 3 calls \
         failed in a row, the last with: provider failed; nothing was sent to it (retry after 1000 ms)"
    );
}

#[tokio::test(start_paused = true)]
async fn x6_breaker_says_that_most_calls_are_held_back_where_there_is_nobody_else() {
    let breaker = Breaker::new("azure-east", config().with_single(true));
    trip(&breaker).await;
    for _ in 0..100 {
        let error = fails(&breaker, ErrorKind::Server).await;
        if error.refused_by().is_some() {
            let held = "most calls to `azure-east` are held back, since 3 calls failed in a row";
            assert!(error.to_string().contains(held), "{error}");
            return;
        }
    }
    panic!("of a hundred calls one at least is held back");
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

#[tokio::test(start_paused = true)]
async fn a_breaker_says_its_name_its_settings_and_in_debug_what_it_has_counted() {
    let breaker = Breaker::new("azure-east", config());
    assert_eq!(breaker.name().as_str(), "azure-east");
    assert_eq!(*breaker.config(), config());
    for failures in 1..=2 {
        fails(&breaker, ErrorKind::Server).await;
        assert_eq!(breaker.status().failures(), failures);
    }
    fails(&breaker, ErrorKind::Server).await;
    let debug = format!("{breaker:?}");
    for part in ["azure-east", "opened: 1", "Open"] {
        assert!(debug.contains(part), "{part}: {debug}");
    }
    assert_eq!(breaker.status().opened(), 1);
    breaker.force_closed();
    assert_eq!(breaker.status().failures(), 0);
    trip(&breaker).await;
    assert_eq!(breaker.status().opened(), 2);
}

#[test]
fn settings_of_a_breaker_are_what_was_set() {
    let millis = Duration::from_millis;
    let config = BreakerConfig::new()
        .with_failures(Some(n(7)))
        .with_ratio(3, n(4))
        .with_window(millis(11))
        .with_min_requests(n(13))
        .with_rate_limits(Some(n(17)))
        .with_cooldown(millis(19), millis(23))
        .with_max_hint(millis(29))
        .with_probes(n(31))
        .with_successes(n(37))
        .with_single(true);
    assert_eq!(config.failures(), Some(n(7)));
    assert_eq!(config.ratio(), Some((n(3), n(4))));
    assert_eq!(config.window(), millis(11));
    assert_eq!(config.min_requests(), n(13));
    assert_eq!(config.rate_limits(), Some(n(17)));
    assert_eq!(
        (config.cooldown(), config.max_cooldown()),
        (millis(19), millis(23))
    );
    assert_eq!(config.max_hint(), millis(29));
    assert_eq!((config.probes(), config.successes()), (n(31), n(37)));
    assert!(config.single());
    assert_eq!(config.with_failures(None).failures(), None);
    assert_eq!(config.with_ratio(0, n(4)).ratio(), None);
}

#[test]
fn a_breaker_opens_by_default_after_five_failures_or_half_of_twenty_in_thirty_seconds() {
    let config = BreakerConfig::default();
    assert_eq!(config, BreakerConfig::new());
    assert_eq!(config.failures(), Some(n(5)));
    assert_eq!(config.ratio(), Some((n(1), n(2))));
    assert_eq!(
        (config.min_requests(), config.window()),
        (n(20), SECOND * 30)
    );
    assert_eq!(config.rate_limits(), Some(n(10)));
    assert_eq!(
        (config.cooldown(), config.max_cooldown()),
        (SECOND * 30, SECOND * 300)
    );
    assert_eq!(config.max_hint(), SECOND * 3_600);
    assert_eq!((config.probes(), config.successes()), (n(1), n(2)));
    assert!(!config.single());
}

#[test]
fn states_and_causes_have_their_words() {
    let states = [
        BreakerState::Closed,
        BreakerState::Open,
        BreakerState::HalfOpen,
    ];
    assert_eq!(
        states.map(BreakerState::as_str),
        ["closed", "open", "half_open"]
    );
    assert_eq!(BreakerState::HalfOpen.to_string(), "half_open");
    let causes = [
        BreakerCause::Failures {
            failures: 3,
            last: ErrorKind::Timeout,
        },
        BreakerCause::Ratio {
            failed: 6,
            calls: 9,
        },
        BreakerCause::RateLimits { rate_limits: 11 },
        BreakerCause::ProbeFailed(ErrorKind::Server),
        BreakerCause::CooledDown,
        BreakerCause::Recovering,
        BreakerCause::Recovered { successes: 2 },
        BreakerCause::Forced,
    ];
    assert_eq!(
        causes.map(|cause| cause.to_string()),
        [
            "3 calls failed in a row, the last with: timed out",
            "6 of 9 calls failed",
            "it was rate limited 11 times in a row, though within our limits",
            "it failed again when it was tried: provider failed",
            "the cooldown is over",
            "a call that was let through succeeded",
            "2 tries succeeded",
            "somebody said so",
        ]
    );
}
