//! Trying again.

mod laws;
mod load;

use crate::{
    probe::probe,
    support::{Handle, Upstream, failed, question, upstream, whole},
};
use std::{fmt, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, ServiceExt};
use towline_core::{
    Clock, Context, Error, ErrorKind, Event, Journey, Request, Response, RetrySafety, Step,
};
use towline_layers::{
    budget::Budget,
    retry::{Retry, RetryLayer, RetryPolicy},
};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<RetryLayer>();
const _: () = promised::<Retry<()>>();

type Call = task::Spawn<std::pin::Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

fn call(policy: &RetryPolicy, model: &Upstream, request: Request) -> Call {
    let retry = RetryLayer::new(policy.clone()).layer(model.clone());
    task::spawn(Box::pin(retry.oneshot(request)))
}

fn journeyed(stream: bool) -> (Request, Journey) {
    let journey = Journey::new();
    let context = Context::new().with_journey(journey.clone());
    (question(stream).with_context(context), journey)
}

/// Fails the next call with `error` and lets the caller see it.
fn fail(call: &mut Call, handle: &mut Handle, error: Error) {
    handle.try_next().expect("an attempt").answer(Err(error));
    assert_pending!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_made_again() {
    let (model, mut handle) = upstream();
    let (request, journey) = journeyed(false);
    let mut call = call(&RetryPolicy::default(), &model, request);
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::Overloaded));
    advance(SECOND).await;
    assert_pending!(call.poll());
    handle.try_next().expect("the second").reply("hello");
    let answer = assert_ready_ok!(call.poll());
    assert_eq!(answer.collect().await.unwrap().text(), "hello");
    let steps = journey.steps();
    let [
        Step::Waited {
            layer,
            reason,
            time,
        },
    ] = &steps[..]
    else {
        panic!("{steps:?}");
    };
    assert_eq!((*layer, *reason), ("retry", "overloaded"));
    assert!(*time <= SECOND / 2, "{time:?}");
}

/// What is said of an attempt that a clock ended.
fn silent() -> Error {
    failed(ErrorKind::Timeout).with_clock(Clock::Attempt)
}

#[tokio::test(start_paused = true)]
async fn what_times_out_is_made_again_as_often_as_the_policy_says() {
    for (most, attempts) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 3)] {
        let (model, mut handle) = upstream();
        let policy = RetryPolicy::default().with_max_timeouts(most);
        let mut call = call(&policy, &model, question(true));
        for _ in 1..attempts {
            assert_pending!(call.poll());
            fail(&mut call, &mut handle, silent());
            advance(SECOND * 2).await;
        }
        assert_pending!(call.poll());
        handle.next().await.answer(Err(silent()));
        assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Timeout);
        assert_eq!(handle.total(), attempts, "{most}");
    }
    let most = RetryPolicy::default().max_timeouts();
    assert!(most > RetryPolicy::default().max_attempts());
}

#[tokio::test(start_paused = true)]
async fn a_bound_on_timeouts_is_none_on_other_failures() {
    let (model, mut handle) = upstream();
    let policy = RetryPolicy::default()
        .with_max_timeouts(1)
        .with_max_attempts(9);
    let mut call = call(&policy, &model, question(false));
    assert_pending!(call.poll());
    // A gateway may say at once that its own time is over.
    for kind in [ErrorKind::Server, ErrorKind::Timeout] {
        fail(&mut call, &mut handle, failed(kind));
        advance(SECOND * 2).await;
        assert_pending!(call.poll());
    }
    handle.next().await.answer(Err(silent()));
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Timeout);
    assert_eq!(handle.total(), 3);
}

#[tokio::test(start_paused = true)]
async fn rt1_no_retry_after_the_first_delivered_item() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::default(), &model, question(true));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    assert!(feed.text("half"));
    let mut answer = assert_ready_ok!(call.poll());
    feed.fail(ErrorKind::Overloaded);
    let event = answer.body_mut().next().await.unwrap().unwrap();
    assert_eq!(event.as_text(), Some("half"));
    let error = answer.body_mut().next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(!error.is_retryable());
    advance(SECOND * 60).await;
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn rt1_a_stream_that_breaks_before_its_first_content_is_made_again() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::default(), &model, question(true));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    assert!(feed.send(Event::Ping));
    assert_pending!(call.poll());
    feed.fail(ErrorKind::Overloaded);
    assert_pending!(call.poll());
    advance(SECOND).await;
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    assert!(feed.text("all"));
    let answer = assert_ready_ok!(call.poll());
    feed.finish();
    assert_eq!(answer.collect().await.unwrap().text(), "all");
}

#[tokio::test(start_paused = true)]
async fn rt2_a_hint_is_the_least_that_is_waited() {
    for _ in 0..50 {
        let (model, mut handle) = upstream();
        let mut call = call(&RetryPolicy::default(), &model, question(false));
        assert_pending!(call.poll());
        let error = failed(ErrorKind::RateLimit).with_retry_after(SECOND * 30);
        fail(&mut call, &mut handle, error);
        advance(SECOND * 30 - TICK).await;
        assert_pending!(call.poll());
        assert_eq!(handle.total(), 1);
        advance(SECOND).await;
        assert_pending!(call.poll());
        assert_eq!(handle.total(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn rt2_a_hint_above_the_cap_is_given_to_the_caller_at_once() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::default(), &model, question(false));
    assert_pending!(call.poll());
    let error = failed(ErrorKind::RateLimit).with_retry_after(SECOND * 61);
    handle.next().await.answer(Err(error));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.retry_after(), Some(SECOND * 61));
    assert_eq!(error.kind(), ErrorKind::RateLimit);
}

#[tokio::test(start_paused = true)]
async fn rt2_no_attempt_begins_too_late_and_the_last_real_error_is_given() {
    let (model, mut handle) = upstream();
    let deadline = Instant::now() + SECOND * 10;
    let context = Context::new().with_deadline(deadline);
    let request = question(false).with_context(context);
    let mut call = call(&RetryPolicy::aggressive(), &model, request);
    assert_pending!(call.poll());
    let error = failed(ErrorKind::RateLimit).with_retry_after(SECOND * 8);
    fail(&mut call, &mut handle, error);
    advance(SECOND * 9).await;
    // The pause was cut short: the second attempt has its second.
    assert_pending!(call.poll());
    let error = failed(ErrorKind::Overloaded).with_request_id("last");
    handle.next().await.answer(Err(error));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.request_id(), Some("last"));
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn rt2_a_hint_beyond_the_deadline_ends_the_call_at_once() {
    let (model, mut handle) = upstream();
    let context = Context::new().with_deadline(Instant::now() + SECOND * 10);
    let request = question(false).with_context(context);
    let mut call = call(&RetryPolicy::default(), &model, request);
    assert_pending!(call.poll());
    let error = failed(ErrorKind::RateLimit).with_retry_after(SECOND * 9);
    handle.next().await.answer(Err(error));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.retry_after(), Some(SECOND * 9));
}

#[tokio::test(start_paused = true)]
async fn rt6_nothing_is_held_during_a_pause() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::default(), &model, question(true));
    assert_pending!(call.poll());
    assert_eq!(handle.live(), 1);
    let feed = handle.next().await.stream();
    assert_pending!(call.poll());
    feed.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    assert_eq!(handle.live(), 0, "the failed attempt is gone");
    advance(SECOND).await;
    assert_pending!(call.poll());
    assert_eq!(handle.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn rt7_without_retries_there_is_one_attempt_and_its_error() {
    for attempts in [0, 1] {
        let (model, mut handle) = upstream();
        let policy = RetryPolicy::default().with_max_attempts(attempts);
        let mut call = call(&policy, &model, question(false));
        assert_pending!(call.poll());
        let error = || {
            failed(ErrorKind::RateLimit)
                .with_message("slower")
                .with_status(429)
                .with_code("rate")
                .with_request_id("r-1")
                .with_retry_after(SECOND)
                .with_source("the cause")
        };
        handle.next().await.answer(Err(error()));
        let given = assert_ready_err!(call.poll());
        assert_eq!(format!("{given:?}"), format!("{:?}", error()));
        assert_eq!(given.report().to_string(), error().report().to_string());
        assert_eq!(handle.total(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_end_at_the_maximum_and_the_last_error_is_given() {
    let presets = [
        (RetryPolicy::none(), 1),
        (RetryPolicy::conservative(), 2),
        (RetryPolicy::default(), 3),
        (RetryPolicy::aggressive(), 5),
        (RetryPolicy::default().with_max_attempts(4), 4),
    ];
    for (policy, attempts) in presets {
        let (model, mut handle) = upstream();
        let mut call = call(&policy, &model, question(false));
        for _ in 1..attempts {
            assert_pending!(call.poll());
            fail(&mut call, &mut handle, failed(ErrorKind::Server));
            advance(SECOND * 20).await;
        }
        assert_pending!(call.poll());
        let last = failed(ErrorKind::Overloaded);
        handle.try_next().expect("the last").answer(Err(last));
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert_eq!(handle.total(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn rt3_without_tokens_in_the_budget_the_error_is_given_at_once() {
    let (model, mut handle) = upstream();
    // A question is two tokens.
    let policy = RetryPolicy::default().with_budget(Budget::new(1_000_000, 3));
    let (request, journey) = journeyed(false);
    let mut call = call(&policy, &model, request);
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::Server));
    advance(SECOND).await;
    assert_pending!(call.poll());
    handle.next().await.fail(ErrorKind::Overloaded);
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(handle.total(), 2);
    let last = journey.steps().pop();
    assert!(matches!(last, Some(Step::Refused { layer: "retry", .. })));
}

#[tokio::test(start_paused = true)]
async fn rt3_a_call_that_is_a_second_try_itself_earns_nothing() {
    let (model, mut handle) = upstream();
    let budget = Budget::new(1_000_000, 10);
    let policy = RetryPolicy::default().with_budget(budget.clone());
    drop(budget.withdraw(10).unwrap().sent());
    for (repeat, earned) in [(true, 0), (false, 2)] {
        let mut request = question(false);
        request.context_mut().set_repeat(repeat);
        let mut call = call(&policy, &model, request);
        assert_pending!(call.poll());
        handle.next().await.reply("yes");
        assert_ready_ok!(call.poll());
        assert_eq!(budget.available(), earned);
    }
}

#[tokio::test(start_paused = true)]
async fn rt3_first_attempts_fill_the_budget_and_retries_do_not() {
    let (model, mut handle) = upstream();
    let budget = Budget::new(500_000, 10);
    let policy = RetryPolicy::default().with_budget(budget.clone());
    drop(budget.withdraw(10).unwrap().sent());
    // Two tokens at a half.
    for expected in 1..=2 {
        let mut call = call(&policy, &model, question(false));
        assert_pending!(call.poll());
        handle.next().await.reply("yes");
        assert_ready_ok!(call.poll());
        assert_eq!(budget.available(), expected);
    }
    let mut call = call(&policy, &model, question(false));
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::Server));
    // One was earned, two were taken.
    assert_eq!(budget.available(), 1);
    advance(SECOND).await;
    assert_pending!(call.poll());
    handle.next().await.reply("yes");
    assert_ready_ok!(call.poll());
    assert_eq!(budget.available(), 1);
}

#[tokio::test(start_paused = true)]
async fn x3_retry_a_call_that_is_dropped_in_its_pause_gives_its_tokens_back() {
    let (model, mut handle) = upstream();
    let budget = Budget::new(0, 10);
    let policy = RetryPolicy::default().with_budget(budget.clone());
    let mut call = call(&policy, &model, question(false));
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::Server));
    assert_eq!(budget.available(), 8);
    drop(call);
    assert_eq!(budget.available(), 10);
}

#[tokio::test(start_paused = true)]
async fn x3_retry_a_call_that_is_dropped_in_its_second_attempt_has_spent_its_tokens() {
    let (model, mut handle) = upstream();
    let budget = Budget::new(0, 10);
    let policy = RetryPolicy::default().with_budget(budget.clone());
    let mut call = call(&policy, &model, question(false));
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::Server));
    advance(SECOND).await;
    assert_pending!(call.poll());
    drop(call);
    assert_eq!(budget.available(), 8);
}

#[tokio::test(start_paused = true)]
async fn rt8_a_retry_does_not_queue_where_the_inner_service_is_saturated() {
    let (model, gate, mut handle) = probe();
    let budget = Budget::new(0, 1_000);
    let policy = RetryPolicy::default().with_budget(budget.clone());
    let retry = RetryLayer::new(policy).layer(model);
    let (request, journey) = journeyed(false);
    let mut call = task::spawn(retry.oneshot(request));
    assert_pending!(call.poll());
    handle.next().await.fail(ErrorKind::Overloaded);
    assert_pending!(call.poll());
    assert!(budget.available() < 1_000);
    gate.set(false);
    advance(SECOND).await;
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(budget.available(), 1_000, "nothing was sent");
    assert_eq!(handle.total(), 1);
    let last = journey.steps().pop();
    assert!(matches!(last, Some(Step::Refused { layer: "retry", .. })));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_tool_call_is_tried_again_once() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::aggressive(), &model, question(false));
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::ToolGeneration));
    advance(SECOND).await;
    assert_pending!(call.poll());
    handle.next().await.fail(ErrorKind::ToolGeneration);
    assert_ready_err!(call.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_sent_twice_is_not() {
    let (model, mut handle) = upstream();
    let context = Context::new().with_retry(RetrySafety::Once);
    let request = question(false).with_context(context);
    let mut call = call(&RetryPolicy::default(), &model, request);
    assert_pending!(call.poll());
    handle.next().await.fail(ErrorKind::Transport);
    assert_ready_err!(call.poll());
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_total_deadline_ends_the_trying() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::default(), &model, question(false));
    assert_pending!(call.poll());
    let error = failed(ErrorKind::Timeout).with_clock(Clock::Total);
    handle.next().await.answer(Err(error));
    assert_ready_err!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn the_deployment_that_failed_is_avoided() {
    let (model, mut handle) = upstream();
    let mut call = call(&RetryPolicy::default(), &model, question(false));
    assert_pending!(call.poll());
    let error = |deployment| failed(ErrorKind::Server).with_deployment(deployment);
    fail(&mut call, &mut handle, error("eu-west").with_sibling(true));
    advance(SECOND).await;
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    assert_eq!(exchange.request.context().avoided(), ["eu-west"]);
    exchange.answer(Err(error("eu-east")));
    assert_pending!(call.poll());
    advance(SECOND * 2).await;
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    // There is no third: this one rather than the one before.
    assert_eq!(exchange.request.context().avoided(), ["eu-west"]);
    exchange.answer(Ok(whole("hello")));
    assert_ready!(call.poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn x6_retry_what_our_own_layers_turned_away_is_not_tried_again_and_earns_nothing() {
    let (model, mut handle) = upstream();
    let budget = Budget::new(1_000_000, 100);
    drop(budget.withdraw(50).unwrap().sent());
    let policy = RetryPolicy::default().with_budget(budget.clone());
    let mut call = call(&policy, &model, question(false));
    assert_pending!(call.poll());
    let error = Error::new(ErrorKind::Overloaded)
        .with_refused_by("breaker")
        .with_retry_after(SECOND);
    handle.next().await.answer(Err(error));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.refused_by(), Some("breaker"));
    assert_eq!(error.retry_after(), Some(SECOND));
    assert_eq!((handle.total(), budget.available()), (1, 50));
}

#[tokio::test(start_paused = true)]
async fn x6_retry_one_that_is_turned_away_gives_the_error_of_the_provider_and_costs_nothing() {
    let (model, mut handle) = upstream();
    let budget = Budget::new(0, 100);
    let policy = RetryPolicy::default().with_budget(budget.clone());
    let mut call = call(&policy, &model, question(false));
    assert_pending!(call.poll());
    fail(&mut call, &mut handle, failed(ErrorKind::Server));
    advance(SECOND).await;
    assert_pending!(call.poll());
    let refusal = Error::new(ErrorKind::Overloaded).with_refused_by("breaker");
    handle.next().await.answer(Err(refusal));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(error.refused_by(), None);
    assert_eq!(budget.available(), 100);
}
