//! Asking twice.

mod laws;

use crate::{
    probe::probe,
    support::{Handle, Upstream, failed, question, upstream},
};
use std::{fmt, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use towline_core::{Context, Error, ErrorKind, Request, Response, RetrySafety};
use towline_layers::{
    budget::Budget,
    hedge::{Hedge, HedgeLayer, HedgePolicy},
};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<HedgeLayer>();
const _: () = promised::<Hedge<()>>();

type Call = task::Spawn<std::pin::Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

/// A second request after ten seconds.
fn policy() -> HedgePolicy {
    HedgePolicy::default().with_delay(SECOND * 10)
}

fn start(hedge: &Hedge<Upstream>, request: Request) -> Call {
    let mut call: Call = task::spawn(Box::pin(hedge.clone().oneshot(request)));
    assert_pending!(call.poll());
    call
}

fn hedge(policy: HedgePolicy) -> (Hedge<Upstream>, Handle) {
    let (model, handle) = upstream();
    (HedgeLayer::new(policy).layer(model), handle)
}

async fn text(answer: Response) -> String {
    answer.collect().await.unwrap().text().into_owned()
}

#[tokio::test(start_paused = true)]
async fn hg1_there_is_one_second_request_and_no_third() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    let _first = handle.next().await;
    advance(SECOND * 10 - TICK).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 1);
    advance(TICK).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 2);
    let second = handle.next().await;
    assert!(second.request.context().is_hedge());
    advance(SECOND * 600).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn hg1_not_after_the_first_content_however_slow_the_rest_is() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    let feed = handle.next().await.stream();
    assert!(feed.text("he"));
    let answer = assert_ready_ok!(call.poll());
    advance(SECOND * 600).await;
    assert!(feed.text("llo"));
    feed.finish();
    assert_eq!(text(answer).await, "hello");
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn hg1_a_head_without_content_is_no_answer() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    let _silent = handle.next().await.stream();
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    assert!(feed.text("quick"));
    let answer = assert_ready_ok!(call.poll());
    feed.finish();
    assert_eq!(text(answer).await, "quick");
}

#[tokio::test(start_paused = true)]
async fn hg1_a_second_request_only_with_budget() {
    let shared = Budget::new(0, 2);
    let (hedge, mut handle) = hedge(policy().with_budget(shared.clone()));
    for (round, total) in [(0, 2), (1, 3)] {
        let mut call = start(&hedge, question(true));
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        assert_eq!(handle.total(), total, "round {round}");
        assert_eq!(shared.available(), 0);
        drop(call);
        while handle.try_next().is_some() {}
    }
}

#[tokio::test(start_paused = true)]
async fn hg1_a_second_request_is_paid_with_its_answer_also_where_nobody_bounded_that() {
    let asked = || Request::new("model", "Hi").with_stream(true);
    for (reserve, requests) in [(1_000, 1), (1_001, 2)] {
        let (hedge, handle) = hedge(policy().with_max_extra(0, reserve));
        let mut call = start(&hedge, asked());
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        assert_eq!(handle.total(), requests, "{reserve}");
    }
}

#[tokio::test(start_paused = true)]
async fn hg1_not_for_what_must_not_be_sent_twice_nor_for_whole_answers() {
    let (hedge, handle) = hedge(policy());
    let context = Context::new().with_retry(RetrySafety::Once);
    let once = question(true).with_context(context);
    for request in [once, question(false)] {
        let before = handle.total();
        let mut call = start(&hedge, request);
        advance(SECOND * 600).await;
        assert_pending!(call.poll());
        assert_eq!(handle.total(), before + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn hg1_whole_answers_are_hedged_where_that_is_asked_for() {
    let (hedge, mut handle) = hedge(policy().with_whole(true));
    let mut call = start(&hedge, question(false));
    let _first = handle.next().await;
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    handle.next().await.reply("quick");
    let answer = assert_ready_ok!(call.poll());
    assert_eq!(text(answer).await, "quick");
}

#[tokio::test(start_paused = true)]
async fn the_delay_follows_what_calls_take() {
    let policy = HedgePolicy::default()
        .with_percentile(900_000)
        .with_min_samples(10);
    let (hedge, mut handle) = hedge(policy);
    // Nothing is known: nobody is asked twice.
    let mut call = start(&hedge, question(true));
    advance(SECOND * 600).await;
    assert_pending!(call.poll());
    drop(call);
    drop(handle.next().await);
    for seconds in 1..=10 {
        let mut call = start(&hedge, question(true));
        let feed = handle.next().await.stream();
        advance(SECOND * seconds).await;
        assert!(feed.text("on"));
        drop(assert_ready_ok!(call.poll()));
    }
    let before = handle.total();
    let mut call = start(&hedge, question(true));
    advance(SECOND * 9 - TICK).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), before + 1);
    advance(TICK).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), before + 2, "nine of ten take nine seconds");
}

#[tokio::test(start_paused = true)]
async fn hg2_the_loser_is_dropped_before_the_winner_is_seen() {
    for second_wins in [false, true] {
        let (hedge, mut handle) = hedge(policy());
        let mut call = start(&hedge, question(true));
        let first = handle.next().await.stream();
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        let second = handle.next().await.stream();
        let (winner, loser) = match second_wins {
            true => (second, first),
            false => (first, second),
        };
        assert_pending!(call.poll());
        assert!(!loser.is_abandoned());
        assert!(winner.text("won"));
        let answer = assert_ready_ok!(call.poll());
        assert!(loser.is_abandoned(), "before an event was read");
        assert_eq!(handle.live(), 1);
        winner.finish();
        assert_eq!(text(answer).await, "won");
    }
}

#[tokio::test(start_paused = true)]
async fn hg3_the_second_request_avoids_every_deployment_of_the_first() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    let first = handle.next().await;
    let context = first.request.context();
    assert!(!context.is_hedge());
    // What a balancer does, inside.
    context.picks().expect("a list").push("eu-west".into());
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    let second = handle.next().await;
    assert_eq!(second.request.context().avoided(), ["eu-west"]);
}

#[tokio::test(start_paused = true)]
async fn hg3_a_balancer_that_has_no_other_deployment_costs_nothing() {
    let shared = Budget::new(0, 100);
    let (hedge, mut handle) = hedge(policy().with_budget(shared.clone()));
    let mut call = start(&hedge, question(true));
    let first = handle.next().await.stream();
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    assert_eq!(shared.available(), 98);
    let refusal = Error::new(ErrorKind::Overloaded).with_refused_by("balance");
    handle.next().await.answer(Err(refusal));
    assert_pending!(call.poll());
    assert_eq!(shared.available(), 100);
    assert!(first.text("hello"));
    first.finish();
    let answer = assert_ready_ok!(call.poll());
    assert_eq!(text(answer).await, "hello");
}

#[tokio::test(start_paused = true)]
async fn hg5_where_the_inner_service_is_not_ready_the_first_call_goes_on() {
    let (model, gate, mut handle) = probe();
    let hedge = HedgeLayer::new(policy()).layer(model);
    let mut call = task::spawn(hedge.oneshot(question(true)));
    assert_pending!(call.poll());
    gate.set(false);
    let feed = handle.next().await.stream();
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 1);
    assert!(!call.is_woken());
    assert!(feed.text("hello"));
    assert!(call.is_woken());
    let answer = assert_ready_ok!(call.poll());
    feed.finish();
    assert_eq!(text(answer).await, "hello");
}

/// Regression of a hedge that wanted both calls ready before it made the first.
#[tokio::test(start_paused = true)]
async fn t10_the_first_call_is_made_as_soon_as_one_is_ready() {
    let (model, gate, handle) = probe();
    let mut hedge = HedgeLayer::new(policy()).layer(model);
    std::future::poll_fn(|cx| hedge.poll_ready(cx))
        .await
        .unwrap();
    gate.set(false);
    let mut call = task::spawn(hedge.call(question(true)));
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_request_that_fails_changes_nothing() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    let first = handle.next().await.stream();
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    handle.next().await.fail(ErrorKind::Auth);
    assert_pending!(call.poll());
    assert!(first.text("hello"));
    assert_ready_ok!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn when_the_first_fails_the_second_goes_on() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    let first = handle.next().await;
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    first.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    assert!(feed.text("hello"));
    assert_ready_ok!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn when_both_fail_the_error_of_the_first_is_given() {
    let (hedge, mut handle) = hedge(policy());
    for third in [false, true] {
        let mut call = start(&hedge, question(true));
        let first = handle.next().await;
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        first.answer(Err(failed(ErrorKind::Server).with_sibling(true)));
        assert_pending!(call.poll());
        let second = failed(ErrorKind::Auth).with_sibling(third);
        handle.next().await.answer(Err(second));
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(error.has_sibling(), third, "the other was asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_call_that_fails_before_the_delay_is_the_end() {
    let (hedge, mut handle) = hedge(policy());
    let mut call = start(&hedge, question(true));
    handle.next().await.answer(Err(failed(ErrorKind::Server)));
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Server);
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_after_the_deadline() {
    let (hedge, handle) = hedge(policy());
    let context = Context::new().with_deadline(Instant::now() + SECOND * 5);
    let mut call = start(&hedge, question(true).with_context(context));
    advance(SECOND * 10).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn x6_hedge_a_first_call_that_is_turned_away_neither_earns_nor_is_measured() {
    let policy = HedgePolicy::default()
        .with_first_delay(SECOND)
        .with_min_samples(1)
        .with_max_extra(1_000_000, 2);
    let (hedge, mut handle) = hedge(policy);
    // Spends the reserve.
    let mut call = start(&hedge, question(true));
    advance(SECOND).await;
    assert_pending!(call.poll());
    drop(call);
    while handle.try_next().is_some() {}
    let mut refused = start(&hedge, question(true));
    let refusal = Error::new(ErrorKind::Overloaded).with_refused_by("limit");
    handle.next().await.answer(Err(refusal));
    assert_ready_err!(refused.poll());
    let before = handle.total();
    let mut call = start(&hedge, question(true));
    advance(SECOND * 60).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), before + 1, "nothing was earned");
}

#[tokio::test(start_paused = true)]
async fn hg1_a_call_that_is_a_second_try_itself_earns_no_second_requests() {
    for (repeat, requests) in [(true, 1), (false, 2)] {
        let (hedge, mut handle) = hedge(policy().with_max_extra(1_000_000, 2));
        // Spends the reserve.
        let mut call = start(&hedge, question(true));
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        drop(call);
        while handle.try_next().is_some() {}
        let mut request = question(true);
        request.context_mut().set_repeat(repeat);
        let mut first = start(&hedge, request);
        handle.next().await.reply("yes");
        assert_ready_ok!(first.poll());
        let before = handle.total();
        let mut call = start(&hedge, question(true));
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        assert_eq!(handle.total(), before + requests, "{repeat}");
    }
}

#[tokio::test(start_paused = true)]
async fn x6_hedge_an_error_of_the_second_outlives_a_refusal_of_the_first() {
    let (hedge, mut handle) = hedge(policy());
    for (refused, told) in [(true, ErrorKind::Server), (false, ErrorKind::Auth)] {
        let mut call = start(&hedge, question(true));
        let first = handle.next().await;
        advance(SECOND * 10).await;
        assert_pending!(call.poll());
        handle.next().await.fail(ErrorKind::Server);
        assert_pending!(call.poll());
        let error = failed(ErrorKind::Auth);
        first.answer(Err(match refused {
            true => error.with_refused_by("limit"),
            false => error,
        }));
        assert_eq!(assert_ready_err!(call.poll()).kind(), told);
    }
}
