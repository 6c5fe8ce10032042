//! How it finds out that a deployment is back.

use super::{COOLDOWN, SECOND, call, config, fails, guarded, n, succeeds, trip};
use crate::support::{failed, question, upstream, whole};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, ServiceExt};
use towline_core::ErrorKind;
use towline_layers::breaker::{Breaker, BreakerLayer, BreakerState};

#[tokio::test(start_paused = true)]
async fn cb2_never_more_probes_at_once_than_slots() {
    let (breaker, service, mut handle) = guarded(config().with_probes(n(3)).with_successes(n(3)));
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let mut probes = Vec::new();
    for _ in 0..3 {
        let mut probe = task::spawn(service.clone().oneshot(question(false)));
        assert_pending!(probe.poll());
        probes.push((probe, handle.next().await));
    }
    for _ in 0..20 {
        let mut more = task::spawn(service.clone().oneshot(question(false)));
        let error = assert_ready_err!(more.poll());
        assert_eq!(error.refused_by(), Some("breaker"));
        assert!(error.retry_after().is_some());
    }
    // Three are enough to decide: nobody takes the place of one that succeeded.
    let (mut probe, exchange) = probes.pop().unwrap();
    exchange.reply("well");
    assert!(assert_ready!(probe.poll()).is_ok());
    let mut more = task::spawn(service.clone().oneshot(question(false)));
    assert_ready_err!(more.poll());
    for (mut probe, exchange) in probes {
        exchange.reply("well");
        assert!(assert_ready!(probe.poll()).is_ok());
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(handle.total(), 3);
}

#[tokio::test(start_paused = true)]
async fn cb2_a_probe_that_is_dropped_gives_its_slot_back_unrecorded() {
    let (breaker, service, mut handle) = guarded(config().with_successes(n(2)));
    trip(&breaker).await;
    advance(COOLDOWN).await;
    for streamed in [false, true, false, true] {
        let mut probe = task::spawn(service.clone().oneshot(question(streamed)));
        assert_pending!(probe.poll());
        let exchange = handle.next().await;
        let response = streamed.then(|| {
            let feed = exchange.stream();
            feed.text("first");
            (assert_ready!(probe.poll()).unwrap(), feed)
        });
        let mut more = task::spawn(service.clone().oneshot(question(false)));
        assert_ready_err!(more.poll());
        drop(probe);
        drop(response);
        assert_eq!(breaker.status().probes(), 0);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
    }
    succeeds(&breaker).await.unwrap();
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "one of two");
    succeeds(&breaker).await.unwrap();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb2_a_probe_that_says_nothing_leaves_its_place_to_another() {
    let breaker = Breaker::new("east", config());
    trip(&breaker).await;
    advance(COOLDOWN).await;
    for kind in [ErrorKind::InvalidRequest, ErrorKind::Cancelled] {
        assert_eq!(fails(&breaker, kind).await.refused_by(), None);
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "{kind}");
    }
    let refused = || Err(failed(ErrorKind::RateLimit).with_refused_by("limit"));
    call(&breaker, refused).await.unwrap_err();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    succeeds(&breaker).await.unwrap();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb2_a_probe_that_nobody_reads_holds_its_place_for_a_cooldown_and_still_counts() {
    let (breaker, service, mut handle) = guarded(config().with_successes(n(2)));
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let mut probe = task::spawn(service.oneshot(question(true)));
    assert_pending!(probe.poll());
    let feed = handle.next().await.stream();
    feed.text("first");
    let mut unread = assert_ready!(probe.poll()).unwrap();
    let tick = SECOND / 1_000;
    advance(COOLDOWN - tick).await;
    let error = succeeds(&breaker).await.unwrap_err();
    assert_eq!(error.refused_by(), Some("breaker"), "one tick too early");
    assert_eq!(breaker.health().retry_after(Instant::now()), tick);
    advance(tick).await;
    assert!(breaker.health().admits(Instant::now()));
    succeeds(&breaker).await.unwrap();
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "one of two");
    // Another has the place. The first does not free it, but its end counts.
    let (model, mut other) = upstream();
    let mut second = task::spawn(
        BreakerLayer::new(&breaker)
            .layer(model)
            .oneshot(question(false)),
    );
    assert_pending!(second.poll());
    let _asked = other.next().await;
    feed.finish();
    while unread.body_mut().next().await.is_some() {}
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb2_a_late_end_of_a_probe_does_not_free_the_place_of_another() {
    let (breaker, service, mut handle) = guarded(config());
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let mut probes = Vec::new();
    for _ in 0..2 {
        let mut probe = task::spawn(service.clone().oneshot(question(false)));
        assert_pending!(probe.poll());
        probes.push((probe, handle.next().await));
        advance(COOLDOWN).await;
    }
    let (mut latest, _asked) = probes.pop().unwrap();
    assert_pending!(latest.poll());
    drop(probes);
    assert_eq!(breaker.status().probes(), 1);
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn cb2_a_first_token_does_not_close_it() {
    let (breaker, service, mut handle) = guarded(config());
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let mut probe = task::spawn(service.oneshot(question(true)));
    assert_pending!(probe.poll());
    let feed = handle.next().await.stream();
    feed.text("first");
    let mut response = assert_ready!(probe.poll()).unwrap();
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    feed.finish();
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb3_a_rate_limit_fails_a_probe() {
    let breaker = Breaker::new("east", config());
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let limited = || Err(failed(ErrorKind::RateLimit).with_retry_after(SECOND * 90));
    call(&breaker, limited).await.unwrap_err();
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(breaker.status().retry_after(), SECOND * 90);
}

#[tokio::test(start_paused = true)]
async fn cb4_the_cooldown_doubles_up_to_its_cap() {
    let breaker = Breaker::new("east", config());
    trip(&breaker).await;
    for doublings in [1, 2, 4, 8, 8, 8] {
        let rest = breaker.status().retry_after();
        assert_eq!(rest, COOLDOWN * doublings);
        advance(rest - SECOND / 1_000).await;
        let early = succeeds(&breaker).await.unwrap_err();
        assert_eq!(early.refused_by(), Some("breaker"), "one tick too early");
        advance(SECOND / 1_000).await;
        assert_eq!(fails(&breaker, ErrorKind::Server).await.refused_by(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn cb4_a_deployment_that_flaps_is_left_alone_for_longer_each_time() {
    let breaker = Breaker::new("east", config());
    trip(&breaker).await;
    let mut cooldowns = Vec::new();
    for _ in 0..4 {
        cooldowns.push(breaker.status().retry_after());
        advance(breaker.status().retry_after()).await;
        succeeds(&breaker).await.unwrap();
        assert_eq!(breaker.state(), BreakerState::Closed);
        advance(SECOND).await;
        trip(&breaker).await;
    }
    assert_eq!(cooldowns, [1, 2, 4, 8].map(|times| COOLDOWN * times));
    // And one that was well for long starts over.
    advance(breaker.status().retry_after()).await;
    succeeds(&breaker).await.unwrap();
    advance(COOLDOWN * 8).await;
    trip(&breaker).await;
    assert_eq!(breaker.status().retry_after(), COOLDOWN);
}

#[tokio::test(start_paused = true)]
async fn cb6_an_open_one_refuses_at_once_and_never_waits_or_spins() {
    let (breaker, service, handle) = guarded(config());
    trip(&breaker).await;
    let began = Instant::now();
    for _ in 0..1_000 {
        let mut refused = task::spawn(service.clone().oneshot(question(true)));
        let error = assert_ready_err!(refused.poll());
        assert!(!refused.is_woken());
        assert_eq!(error.retry_after(), Some(COOLDOWN));
    }
    assert_eq!(Instant::now(), began);
    assert_eq!(handle.total(), 0);
    assert_eq!(breaker.status().refused(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn cb6_the_first_call_after_the_cooldown_is_let_in_whoever_waited_meanwhile() {
    let (breaker, service, mut handle) = guarded(config());
    trip(&breaker).await;
    advance(COOLDOWN).await;
    let mut probe = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(probe.poll());
    handle.next().await.answer(Ok(whole("well")));
    assert!(assert_ready!(probe.poll()).is_ok());
    // Everybody at once, now that it is closed.
    let mut calls: Vec<_> = (0..50)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 51);
}

#[tokio::test(start_paused = true)]
async fn cb1_with_nobody_else_to_ask_it_sheds_by_chance_and_not_everything() {
    let breaker = Breaker::new("only", config().with_single(true));
    trip(&breaker).await;
    let mut sent = 0;
    for _ in 0..1_000 {
        let refused = fails(&breaker, ErrorKind::Server).await.refused_by();
        sent += u32::from(refused.is_none());
    }
    // The harmonic sum of a thousand is about 7.5.
    assert!((1..=25).contains(&sent), "{sent} of 1,000 were sent");
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn cb1_with_nobody_else_to_ask_the_first_that_gets_through_ends_the_cooldown() {
    let breaker = Breaker::new("only", config().with_single(true));
    trip(&breaker).await;
    for _ in 0..10 {
        fails(&breaker, ErrorKind::Server).await;
    }
    // Of a million none gets through once in a hundred thousand runs.
    let mut tries = 0;
    while breaker.state() != BreakerState::Closed {
        let _refused = succeeds(&breaker).await;
        tries += 1;
        assert!(tries < 1_000_000, "it recovers before its cooldown is over");
    }
    assert!(succeeds(&breaker).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn cb1_with_nobody_else_to_ask_the_cooldown_still_ends() {
    let breaker = Breaker::new("only", config().with_single(true));
    trip(&breaker).await;
    for _ in 0..100 {
        fails(&breaker, ErrorKind::Server).await;
    }
    advance(COOLDOWN).await;
    assert!(succeeds(&breaker).await.is_ok());
    assert_eq!(breaker.state(), BreakerState::Closed);
}
