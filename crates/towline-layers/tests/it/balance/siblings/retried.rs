//! The same, tried again.

use super::{Call, asked, over, refusal};
use crate::{
    balance::{NAMES, SECOND},
    support::{Handle, Way, failed, question, upstream},
};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, ServiceExt};
use towline_core::{Error, ErrorKind};
use towline_layers::{
    balance::{Balance, Deployment},
    retry::{RetryLayer, RetryPolicy},
};

fn retried<const N: usize>() -> (Call, [Handle; N]) {
    let (service, handles) = over::<N>(Way::Called);
    let policy = RetryPolicy::default().with_max_attempts(3);
    let retry = RetryLayer::new(policy).layer(service);
    (
        task::spawn(Box::pin(retry.oneshot(question(false)))),
        handles,
    )
}

#[tokio::test(start_paused = true)]
async fn rt2_a_hint_is_for_the_deployment_that_gave_it() {
    // The second is beyond what a retry waits for.
    for hint in [SECOND * 30, SECOND * 3_600] {
        let (mut call, mut handles) = retried::<2>();
        assert_pending!(call.poll());
        let (first, exchange) = asked(&mut handles);
        let limited = || failed(ErrorKind::RateLimit).with_retry_after(hint);
        exchange.answer(Err(limited()));
        assert_pending!(call.poll());
        advance(SECOND * 5).await;
        assert_pending!(call.poll());
        let (second, exchange) = asked(&mut handles);
        assert_ne!(first, second);
        exchange.answer(Err(limited()));
        if hint > SECOND * 60 {
            assert_eq!(assert_ready_err!(call.poll()).retry_after(), Some(hint));
            continue;
        }
        assert_pending!(call.poll());
        advance(hint - SECOND).await;
        assert_pending!(call.poll());
        assert_eq!(handles.iter().map(Handle::total).sum::<usize>(), 2);
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        asked(&mut handles).1.reply("in the end");
        assert_ready!(call.poll()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn rt4_what_one_deployment_can_never_answer_another_of_its_group_may() {
    let never = [ErrorKind::Auth, ErrorKind::Quota, ErrorKind::NotFound];
    for kind in never {
        let (mut call, mut handles) = retried::<2>();
        assert_pending!(call.poll());
        asked(&mut handles).1.fail(kind);
        assert_pending!(call.poll());
        advance(SECOND * 5).await;
        assert_pending!(call.poll());
        asked(&mut handles).1.fail(kind);
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), kind, "each was asked once");

        let (mut call, [mut alone]) = retried::<1>();
        assert_pending!(call.poll());
        alone.next().await.fail(kind);
        assert_ready_err!(call.poll());
    }
    for kind in [ErrorKind::InvalidRequest, ErrorKind::ContextLength] {
        let (mut call, mut handles) = retried::<2>();
        assert_pending!(call.poll());
        asked(&mut handles).1.fail(kind);
        assert_ready_err!(call.poll());
    }
}

#[tokio::test(start_paused = true)]
async fn rt4_a_model_that_the_caller_named_is_not_looked_for_elsewhere() {
    let ((a, mut on_a), (b, mut on_b)) = (upstream(), upstream());
    let service = Balance::new(Deployment::new("a", a)).and(Deployment::new("b", b));
    let retry = RetryLayer::new(RetryPolicy::default()).layer(service);
    let mut call: Call = task::spawn(Box::pin(retry.oneshot(question(false))));
    assert_pending!(call.poll());
    let exchange = on_a.try_next().or_else(|| on_b.try_next());
    exchange.expect("one is asked").fail(ErrorKind::NotFound);
    assert_ready_err!(call.poll());
}

/// One fails with `error`, and two more attempts go to the other.
async fn stays_with_the_other(error: Error) {
    let (mut call, mut handles) = retried::<2>();
    assert_pending!(call.poll());
    let (first, exchange) = asked(&mut handles);
    exchange.answer(Err(error));
    for _ in 0..2 {
        assert_pending!(call.poll());
        advance(SECOND * 5).await;
        assert_pending!(call.poll());
        let (name, exchange) = asked(&mut handles);
        assert_ne!(name, first);
        exchange.fail(ErrorKind::Server);
    }
    assert_ready_err!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn rt2_who_gave_a_hint_is_not_asked_again_while_another_fails() {
    stays_with_the_other(failed(ErrorKind::RateLimit).with_retry_after(SECOND * 60)).await;
}

#[tokio::test(start_paused = true)]
async fn who_failed_before_is_avoided_also_where_the_other_failed_since() {
    // By chance it would be asked half of the times.
    for _ in 0..10 {
        stays_with_the_other(failed(ErrorKind::Server)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn x6_a_deployment_at_its_own_limit_does_not_end_the_retries_of_another() {
    let (mut call, mut handles) = retried::<2>();
    let mut sent = 0;
    while sent < 3 {
        assert_pending!(call.poll());
        advance(SECOND * 5).await;
        assert_pending!(call.poll());
        let (name, exchange) = asked(&mut handles);
        if name == NAMES[0] {
            exchange.answer(Err(refusal(ErrorKind::RateLimit)));
            continue;
        }
        sent += 1;
        match sent {
            3 => exchange.reply("at last"),
            _ => exchange.fail(ErrorKind::Server),
        }
    }
    assert_ready!(call.poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn x6_nobody_who_turned_a_call_away_is_asked_twice_in_an_attempt() {
    let (mut call, mut handles) = retried::<3>();
    for _ in 0..2 {
        assert_pending!(call.poll());
        advance(SECOND * 5).await;
        assert_pending!(call.poll());
        asked(&mut handles).1.fail(ErrorKind::Server);
    }
    assert_pending!(call.poll());
    advance(SECOND * 5).await;
    let mut refused = Vec::new();
    for _ in 0..3 {
        assert_pending!(call.poll());
        let (name, exchange) = asked(&mut handles);
        assert!(!refused.contains(&name), "{name} {refused:?}");
        refused.push(name);
        exchange.answer(Err(refusal(ErrorKind::RateLimit)));
    }
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Server);
}
