//! A deployment that is left alone for as long as its provider says.

use super::{asked, balance, start};
use crate::{
    balance::SECOND,
    support::{failed, question, upstream},
};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::ServiceExt;
use towline_core::ErrorKind;
use towline_layers::{
    balance::{Balance, Deployment, DeploymentStatus},
    health::Health,
};

#[tokio::test(start_paused = true)]
async fn lb1_what_a_provider_says_of_itself_keeps_calls_away_also_where_they_are_sticky() {
    let turned_down = [
        (failed(ErrorKind::Auth), 30),
        (failed(ErrorKind::Quota), 30),
        (failed(ErrorKind::Permission), 30),
        (failed(ErrorKind::RateLimit), 5),
        (
            failed(ErrorKind::RateLimit).with_retry_after(SECOND * 60),
            60,
        ),
        (
            failed(ErrorKind::Overloaded).with_retry_after(SECOND * 20),
            20,
        ),
        // No longer than this.
        (
            failed(ErrorKind::RateLimit).with_retry_after(SECOND * 3_600),
            300,
        ),
    ];
    for (error, seconds) in turned_down {
        let (a, b) = (upstream(), upstream());
        let service = balance(vec![a.0, b.0]).with_sticky(true);
        let mut handles = [a.1, b.1];
        let mut first = start(&service);
        assert_pending!(first.poll());
        let (stuck, exchange) = asked(&mut handles);
        exchange.answer(Err(error.duplicate()));
        assert_ready_err!(first.poll());
        for (pause, to_it) in [(0, false), (seconds - 1, false), (1, true)] {
            advance(SECOND * pause).await;
            let mut call = start(&service);
            assert_pending!(call.poll());
            let (name, exchange) = asked(&mut handles);
            assert_eq!(name == stuck, to_it, "{error:?} {pause}");
            exchange.reply("yes");
            assert_ready_ok!(call.poll());
        }
        assert!(service.status().iter().all(|one| one.ejected().is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn lb1_what_is_said_later_puts_no_end_to_what_was_said_before() {
    let (a, b) = (upstream(), upstream());
    let service = balance(vec![a.0, b.0]).with_sticky(true);
    let mut handles = [a.1, b.1];
    let mut calls = [(); 2].map(|()| start(&service));
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    for wait in [SECOND * 60, SECOND] {
        let limited = failed(ErrorKind::RateLimit).with_retry_after(wait);
        asked(&mut handles).1.answer(Err(limited));
    }
    calls.iter_mut().for_each(|call| {
        assert_ready_err!(call.poll());
    });
    let waits = service.status();
    let waits = waits.iter().filter_map(DeploymentStatus::ejected);
    assert_eq!(waits.collect::<Vec<_>>(), [SECOND * 60]);
}

#[tokio::test(start_paused = true)]
async fn lb2_where_all_want_to_be_left_alone_one_that_answers_is_back() {
    let (a, b) = (upstream(), upstream());
    let service = balance(vec![a.0, b.0]).with_sticky(true);
    let mut handles = [a.1, b.1];
    for wait in [SECOND * 200, SECOND * 100] {
        let mut call = start(&service);
        assert_pending!(call.poll());
        let limited = failed(ErrorKind::RateLimit).with_retry_after(wait);
        asked(&mut handles).1.answer(Err(limited));
        assert_ready_err!(call.poll());
    }
    let aside = || {
        let status = service.status();
        status.iter().filter(|one| one.ejected().is_some()).count()
    };
    assert_eq!(aside(), 2);
    let mut call = start(&service);
    assert_pending!(call.poll());
    asked(&mut handles).1.reply("after all");
    assert_ready_ok!(call.poll());
    assert_eq!(aside(), 1);
}

#[tokio::test(start_paused = true)]
async fn lb2_one_that_wants_to_be_left_alone_is_asked_rather_than_one_that_is_refused_here() {
    let (a, b) = (upstream(), upstream());
    let broken = Health::new();
    let service =
        Balance::new(Deployment::new("a", a.0)).and(Deployment::new("b", b.0).with_health(&broken));
    let (mut on_a, on_b) = (a.1, b.1);
    broken.eject_until(Instant::now() + SECOND * 10);
    for _ in 0..2 {
        let mut call = start(&service);
        assert_pending!(call.poll());
        on_a.next().await.fail(ErrorKind::Auth);
        assert_ready_err!(call.poll());
    }
    assert_eq!(on_b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn lb1_what_the_caller_named_is_no_fault_of_the_deployment() {
    for kind in [ErrorKind::Permission, ErrorKind::NotFound] {
        let (a, b) = (upstream(), upstream());
        let service = Balance::new(Deployment::new("a", a.0)).and(Deployment::new("b", b.0));
        let mut handles = [a.1, b.1];
        let mut call = start(&service);
        assert_pending!(call.poll());
        asked(&mut handles).1.fail(kind);
        assert!(!assert_ready_err!(call.poll()).has_sibling());
        assert!(service.status().iter().all(|one| one.ejected().is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn lb1_what_is_said_in_place_of_the_first_event_counts_too() {
    let (a, b) = (upstream(), upstream());
    let service = balance(vec![a.0, b.0]);
    let mut handles = [a.1, b.1];
    let mut call = task::spawn(service.clone().oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = asked(&mut handles).1.stream();
    feed.fail(ErrorKind::RateLimit);
    let mut answer = assert_ready_ok!(call.poll());
    answer.body_mut().next().await.unwrap().unwrap_err();
    drop(answer);
    let status = service.status();
    let waits: Vec<_> = status
        .iter()
        .filter_map(DeploymentStatus::ejected)
        .collect();
    assert_eq!(waits, [SECOND * 5]);
}
