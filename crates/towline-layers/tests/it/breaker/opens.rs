//! What opens it, and what does not.

use super::{COOLDOWN, SECOND, call, config, fails, guarded, n, succeeds, trip};
use crate::support::{failed, question, whole};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::ServiceExt;
use towline_core::{Clock, ErrorKind};
use towline_layers::breaker::{Breaker, BreakerCause, BreakerConfig, BreakerState};

#[tokio::test(start_paused = true)]
async fn cb1_failures_in_a_row_open_it() {
    let breaker = Breaker::new("east", config());
    for _ in 0..2 {
        fails(&breaker, ErrorKind::Server).await;
    }
    assert!(succeeds(&breaker).await.is_ok(), "which breaks the row");
    for _ in 0..2 {
        fails(&breaker, ErrorKind::Timeout).await;
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    fails(&breaker, ErrorKind::Transport).await;
    assert_eq!(breaker.state(), BreakerState::Open);
    let cause = BreakerCause::Failures {
        failures: 3,
        last: ErrorKind::Transport,
    };
    assert_eq!(breaker.status().cause(), Some(cause));
}

#[tokio::test(start_paused = true)]
async fn cb1_a_success_breaks_a_row_however_old_it_is() {
    let breaker = Breaker::new("east", config());
    for _ in 0..2 {
        fails(&breaker, ErrorKind::Server).await;
    }
    advance(SECOND * 120).await;
    succeeds(&breaker).await.unwrap();
    for _ in 0..2 {
        fails(&breaker, ErrorKind::Server).await;
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb1_a_share_of_failures_opens_it_where_no_row_does() {
    let config = BreakerConfig::new()
        .with_failures(None)
        .with_min_requests(n(20));
    let breaker = Breaker::new("east", config);
    for round in 0..20 {
        assert_eq!(breaker.state(), BreakerState::Closed, "round {round}");
        if round % 2 == 0 {
            succeeds(&breaker).await.unwrap();
        } else {
            fails(&breaker, ErrorKind::Server).await;
        }
        advance(SECOND).await;
    }
    let cause = BreakerCause::Ratio {
        failed: 10,
        calls: 20,
    };
    assert_eq!(breaker.status().cause(), Some(cause));
    // Less than half never does.
    let breaker = Breaker::new("east", config);
    for round in 0..300 {
        if round % 5 < 3 {
            succeeds(&breaker).await.unwrap();
        } else {
            fails(&breaker, ErrorKind::Server).await;
        }
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb3_every_kind_counts_as_the_table_says() {
    let counted = [
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::Timeout,
        ErrorKind::Truncated,
        ErrorKind::Transport,
        ErrorKind::Protocol,
    ];
    for kind in ErrorKind::ALL {
        let breaker = Breaker::new("east", config().with_failures(Some(n(1))));
        fails(&breaker, kind).await;
        let opened = breaker.state() == BreakerState::Open;
        assert_eq!(opened, counted.contains(&kind), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn cb3_refusals_of_our_own_do_not_count() {
    let breaker = Breaker::new("east", config());
    for kind in ErrorKind::ALL {
        for layer in ["limit", "concurrency", "shed"] {
            let refused = || Err(failed(kind).with_refused_by(layer));
            call(&breaker, refused).await.unwrap_err();
        }
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.status().failed(), 0);
}

#[tokio::test(start_paused = true)]
async fn cb3_the_clock_of_the_whole_call_does_not_count_and_those_of_an_attempt_do() {
    for clock in [
        Clock::Connect,
        Clock::FirstToken,
        Clock::Idle,
        Clock::Progress,
        Clock::Attempt,
        Clock::Total,
    ] {
        let breaker = Breaker::new("east", config().with_failures(Some(n(1))));
        let late = || Err(failed(ErrorKind::Timeout).with_clock(clock));
        call(&breaker, late).await.unwrap_err();
        let opened = breaker.state() == BreakerState::Open;
        assert_eq!(opened, clock != Clock::Total, "{clock}");
    }
}

#[tokio::test(start_paused = true)]
async fn cb3_a_caller_who_leaves_does_not_count() {
    let (breaker, service, mut handle) = guarded(config());
    for _ in 0..20 {
        let mut waiting = task::spawn(service.clone().oneshot(question(false)));
        assert_pending!(waiting.poll());
        drop(waiting);
        assert!(handle.next().await.is_abandoned());
    }
    for _ in 0..20 {
        let mut asking = task::spawn(service.clone().oneshot(question(true)));
        assert_pending!(asking.poll());
        let feed = handle.next().await.stream();
        feed.text("half");
        let mut response = assert_ready!(asking.poll()).unwrap();
        assert!(response.body_mut().next().await.unwrap().is_ok());
    }
    let status = breaker.status();
    assert_eq!((status.succeeded(), status.failed()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn cb3_rate_limits_in_a_row_open_it_for_as_long_as_the_provider_says() {
    let breaker = Breaker::new("east", config().with_rate_limits(Some(n(4))));
    let limited = || Err(failed(ErrorKind::RateLimit).with_retry_after(SECOND * 7));
    for _ in 0..4 {
        call(&breaker, limited).await.unwrap_err();
    }
    assert!(succeeds(&breaker).await.is_ok(), "which breaks the row");
    for _ in 0..4 {
        call(&breaker, limited).await.unwrap_err();
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&breaker, limited).await.unwrap_err();
    let status = breaker.status();
    assert_eq!(status.state(), BreakerState::Open);
    assert_eq!(status.retry_after(), SECOND * 7);
    assert_eq!(
        status.cause(),
        Some(BreakerCause::RateLimits { rate_limits: 5 })
    );
    assert_eq!(status.failed(), 0, "and they are no failures");
}

#[tokio::test(start_paused = true)]
async fn cb3_rate_limits_never_open_it_where_it_is_told_not_to_look() {
    let breaker = Breaker::new("east", config().with_rate_limits(None));
    for _ in 0..1_000 {
        fails(&breaker, ErrorKind::RateLimit).await;
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb1_a_stream_counts_by_its_end_and_not_by_its_beginning() {
    let (breaker, service, mut handle) = guarded(config());
    for round in 0..3 {
        let mut asking = task::spawn(service.clone().oneshot(question(true)));
        assert_pending!(asking.poll());
        let feed = handle.next().await.stream();
        feed.text("first");
        let mut response = assert_ready!(asking.poll()).unwrap();
        assert!(response.body_mut().next().await.unwrap().is_ok());
        let status = breaker.status();
        assert_eq!((status.succeeded(), status.failed()), (0, round));
        drop(feed);
        let error = response.body_mut().next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn cb4_a_hint_makes_the_cooldown_longer_and_never_shorter() {
    for (hint, cooldown) in [
        (SECOND, COOLDOWN),
        (COOLDOWN * 3, COOLDOWN * 3),
        (COOLDOWN * 100_000, SECOND * 3_600),
    ] {
        let breaker = Breaker::new("east", config().with_failures(Some(n(1))));
        let down = || Err(failed(ErrorKind::Overloaded).with_retry_after(hint));
        call(&breaker, down).await.unwrap_err();
        assert_eq!(breaker.status().retry_after(), cooldown, "after {hint:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cb4_a_hint_in_the_middle_of_a_stream_counts_like_one_at_its_head() {
    let (breaker, service, mut handle) = guarded(config().with_failures(Some(n(1))));
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text("first");
    let answer = assert_ready!(call.poll()).unwrap();
    feed.break_off(failed(ErrorKind::Overloaded).with_retry_after(SECOND * 90));
    answer.collect().await.unwrap_err();
    assert_eq!(breaker.status().retry_after(), SECOND * 90);
}

#[tokio::test(start_paused = true)]
async fn cb4_a_late_hint_puts_the_end_off_and_never_brings_it_forward() {
    let (breaker, service, mut handle) = guarded(config());
    let mut late = Vec::new();
    for _ in 0..2 {
        let mut call = task::spawn(service.clone().oneshot(question(false)));
        assert_pending!(call.poll());
        late.push((call, handle.next().await));
    }
    trip(&breaker).await;
    advance(SECOND * 4).await;
    for (hint, rest) in [(SECOND * 60, SECOND * 60), (SECOND * 2, SECOND * 60)] {
        let (mut call, exchange) = late.pop().unwrap();
        exchange.answer(Err(failed(ErrorKind::Overloaded).with_retry_after(hint)));
        assert_ready_err!(call.poll());
        assert_eq!(breaker.status().retry_after(), rest);
    }
    assert_eq!(breaker.status().opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn cb7_results_of_calls_that_began_before_it_opened_are_not_counted() {
    let (breaker, service, mut handle) = guarded(config());
    let mut early = Vec::new();
    for _ in 0..2 {
        let mut call = task::spawn(service.clone().oneshot(question(false)));
        assert_pending!(call.poll());
        early.push((call, handle.next().await));
    }
    trip(&breaker).await;
    let (mut call, exchange) = early.pop().unwrap();
    exchange.reply("well");
    assert!(assert_ready!(call.poll()).is_ok());
    assert_eq!(breaker.state(), BreakerState::Open, "a late success");
    advance(COOLDOWN).await;
    // A probe is under way when the other late one fails.
    let mut probe = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(probe.poll());
    let probed = handle.next().await;
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    let (mut call, exchange) = early.pop().unwrap();
    exchange.fail(ErrorKind::Server);
    assert_ready_err!(call.poll());
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "a late failure");
    probed.answer(Ok(whole("well")));
    assert!(assert_ready!(probe.poll()).is_ok());
    assert_eq!(breaker.state(), BreakerState::Closed);
    let status = breaker.status();
    assert_eq!((status.succeeded(), status.failed()), (0, 0));
}
