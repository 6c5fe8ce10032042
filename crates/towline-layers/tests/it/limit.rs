//! The limit.

use crate::support::{question, upstream, whole};
use std::{fmt, num::NonZeroU64, time::Duration};
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, ServiceExt, service_fn};
use towline_core::{
    CompletionOptions, Context, Error, ErrorKind, Event, Journey, Moment, Request, Step, Usage,
};
use towline_layers::{
    ask::{Ask, Cloning},
    limit::{Dimension, Limit, LimitConfig, LimitHandle, LimitLayer, Mode, Quota, Quotas, Rules},
};

mod bucket;
mod fair;
mod figures;
mod heeds;
mod place;
mod refund;
mod server;
mod shown;
mod store;

const SECOND: Duration = Duration::from_secs(1);

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<LimitLayer>();
const _: () = promised::<LimitHandle>();
const _: () = promised::<Limit<()>>();

fn amount(amount: u64) -> NonZeroU64 {
    NonZeroU64::new(amount).unwrap()
}

/// Requests per second, with a burst.
fn requests(per_second: u64, burst: u64) -> Quotas {
    let quota = Quota::per_second(amount(per_second)).with_burst(amount(burst));
    Quotas::unlimited().with(Dimension::Requests, quota)
}

/// Tokens per second, with a burst of as many.
fn tokens(per_second: u64) -> Quotas {
    let quota = Quota::per_second(amount(per_second));
    Quotas::unlimited().with(Dimension::Tokens, quota)
}

fn limit(quotas: Quotas) -> LimitLayer {
    LimitLayer::new(LimitConfig::new("upstream"), Rules::new(quotas))
}

/// A question of `input` tokens that asks for at most `output`.
fn asking(input: u64, output: u64) -> Request {
    question(false)
        .with_options(CompletionOptions::new().with_max_tokens(output))
        .with_context(Context::new().with_token_estimate(input))
}

#[tokio::test(start_paused = true)]
async fn rl1_time_that_passed_in_an_outer_layer_is_not_given_twice() {
    let slot = limit(Quotas::unlimited().with_slots(1));
    let quota = Quota::new(amount(1), SECOND * 10);
    let config = LimitConfig::new("inner").with_mode(Mode::Reject);
    let rules = Rules::new(Quotas::unlimited().with(Dimension::Requests, quota));
    let inner = LimitLayer::new(config, rules);
    let model = |time| {
        Cloning::new(service_fn(move |_: Request| async move {
            sleep(time).await;
            Ok::<_, Error>(whole("done"))
        }))
    };
    let holder = slot.layer(model(SECOND * 10));
    let stack = slot.layer(inner.layer(model(Duration::ZERO)));
    // It is known when the call came: it waits for ten seconds, and is charged behind them.
    let moment = Moment::new();
    let start = moment.now();
    let both = tokio::join!(
        holder.ask(question(false)),
        stack.ask_at(question(false), moment)
    );
    assert!(both.0.is_ok() && both.1.is_ok());
    assert!(Instant::now() - start >= SECOND * 10);
    let direct = inner.layer(model(Duration::ZERO));
    let error = direct.ask(question(false)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND * 10));
}

#[tokio::test(start_paused = true)]
async fn calls_within_the_limit_pass_and_the_next_waits_for_its_time() {
    let (model, mut handle) = upstream();
    let service = limit(requests(10, 2)).layer(model);
    let mut calls: Vec<_> = (0..3)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 2);
    advance(Duration::from_millis(99)).await;
    assert_pending!(calls[2].poll());
    assert_eq!(handle.total(), 2);
    advance(Duration::from_millis(1)).await;
    assert!(calls[2].is_woken());
    assert_pending!(calls[2].poll());
    assert_eq!(handle.total(), 3);
    handle.next().await.reply("first");
    assert!(assert_ready!(calls[0].poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_written_into_the_journey_with_what_it_was_for() {
    let (model, mut handle) = upstream();
    let service = limit(requests(10, 1)).layer(model);
    let journey = Journey::new();
    let context = Context::new().with_journey(journey.clone());
    let _first = task::spawn(service.clone().oneshot(question(false))).poll();
    let mut call = task::spawn(service.oneshot(question(false).with_context(context)));
    assert_pending!(call.poll());
    advance(Duration::from_millis(100)).await;
    assert_pending!(call.poll());
    handle.next().await.reply("first");
    handle.next().await.reply("second");
    assert!(assert_ready!(call.poll()).is_ok());
    let waited = Step::waited("limit", "requests", Duration::from_millis(100));
    assert_eq!(journey.steps(), [waited]);
}

#[tokio::test(start_paused = true)]
async fn cl1_a_slot_is_held_until_the_stream_has_ended_and_no_longer() {
    let (model, mut handle) = upstream();
    let service = limit(Quotas::unlimited().with_slots(1)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(true)));
    assert_pending!(first.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(first.poll()).unwrap();
    let mut second = task::spawn(service.oneshot(question(true)));
    assert_pending!(second.poll());
    feed.text("a stream that is read holds its slot");
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert!(!second.is_woken());
    feed.finish();
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert!(second.is_woken(), "the end of the stream frees the slot");
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn cl2_a_smaller_number_of_slots_revokes_none_and_withholds() {
    let (model, mut handle) = upstream();
    let layer = limit(Quotas::unlimited().with_slots(3));
    let tuner = layer.handle();
    let service = layer.layer(model);
    let mut calls: Vec<_> = (0..4)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!((tuner.in_use(), tuner.waiting()), (3, 1));
    tuner.set_slots(Some(1));
    assert_eq!(tuner.in_use(), 3, "nobody is cut");
    for done in 0..2 {
        handle.next().await.reply("done");
        assert!(assert_ready!(calls[done].poll()).is_ok());
        assert_pending!(calls[3].poll());
    }
    assert_eq!(handle.live(), 1);
    handle.next().await.reply("done");
    assert!(assert_ready!(calls[2].poll()).is_ok());
    assert!(calls[3].is_woken());
    assert_pending!(calls[3].poll());
    assert_eq!((tuner.in_use(), tuner.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_nothing_counts_no_call_until_it_is_given_slots() {
    let (model, mut handle) = upstream();
    let config = LimitConfig::new("upstream").with_learn(false);
    let layer = LimitLayer::new(config, Rules::new(Quotas::unlimited()));
    let tuner = layer.handle();
    let service = layer.layer(model);
    let ask = || task::spawn(service.clone().oneshot(question(false)));
    let mut uncounted = ask();
    assert_pending!(uncounted.poll());
    assert_eq!((tuner.in_use(), tuner.keys()), (0, 1));
    tuner.set_slots(Some(1));
    let (mut counted, mut waiting) = (ask(), ask());
    assert_pending!(counted.poll());
    assert_pending!(waiting.poll());
    assert_eq!((tuner.in_use(), tuner.waiting()), (1, 1));
    handle.next().await.reply("done");
    assert!(assert_ready!(uncounted.poll()).is_ok());
    assert_eq!((tuner.in_use(), tuner.waiting()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn cl2_a_larger_number_of_slots_lets_those_who_wait_in_at_once() {
    let (model, handle) = upstream();
    let layer = limit(Quotas::unlimited().with_slots(0));
    let tuner = layer.handle();
    let service = layer.layer(model);
    let mut calls: Vec<_> = (0..3)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 0);
    tuner.set_slots(None);
    for call in &mut calls {
        assert!(call.is_woken(), "each that leaves wakes the next");
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 3);
}

#[tokio::test(start_paused = true)]
async fn x6_limit_refusals_name_the_layer_and_say_when_to_come_again() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("upstream").with_mode(Mode::Reject);
    let service = LimitLayer::new(config, Rules::new(requests(10, 1))).layer(model);
    let journey = Journey::new();
    let context = Context::new().with_journey(journey.clone());
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let mut call = task::spawn(service.oneshot(question(false).with_context(context)));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.refused_by(), Some("limit"));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(100)));
    assert_eq!(handle.total(), 1, "nothing was sent");
    let refused = Step::Refused {
        layer: "limit",
        kind: ErrorKind::RateLimit,
        retry_after: Some(Duration::from_millis(100)),
    };
    assert_eq!(journey.steps(), [refused]);
}

#[tokio::test(start_paused = true)]
async fn x6_limit_refusals_for_want_of_a_slot_name_no_time_because_nobody_knows_it() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("upstream").with_mode(Mode::Reject);
    let quotas = requests(10, 2).with_slots(1);
    let service = LimitLayer::new(config, Rules::new(quotas)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let error = assert_ready_err!(task::spawn(service.oneshot(question(false))).poll());
    assert_eq!(
        (error.refused_by(), error.retry_after()),
        (Some("limit"), None)
    );
    assert!(error.to_string().contains("slot"), "{error}");
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn rl8_who_comes_again_when_told_is_let_in_and_a_tick_earlier_is_not() {
    let (model, _handle) = upstream();
    let config = LimitConfig::new("upstream").with_mode(Mode::Reject);
    let service = LimitLayer::new(config, Rules::new(requests(3, 1))).layer(model);
    let start = Instant::now();
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let again = || task::spawn(service.clone().oneshot(question(false)));
    let told = assert_ready_err!(again().poll()).retry_after().unwrap();
    assert_eq!(
        told,
        Duration::from_nanos(333_333_334),
        "a third, rounded up"
    );
    advance(told - Duration::from_nanos(1)).await;
    let one_tick = assert_ready_err!(again().poll()).retry_after();
    assert_eq!(one_tick, Some(Duration::from_nanos(1)));
    advance(Duration::from_nanos(1)).await;
    let mut second = again();
    assert_pending!(second.poll());
    assert_eq!(Instant::now().saturating_duration_since(start), told);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_cannot_end_before_the_deadline_is_refused_at_once() {
    let (model, handle) = upstream();
    let service = limit(requests(1, 1)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let mut second = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(second.poll());
    // Its turn would be in two seconds.
    let deadline = Context::new().with_deadline(Instant::now() + SECOND * 2 - SECOND / 10);
    let hurried = question(false).with_context(deadline);
    let error = assert_ready_err!(task::spawn(service.clone().oneshot(hurried)).poll());
    assert_eq!(error.retry_after(), Some(SECOND * 2));
    let deadline = Context::new().with_deadline(Instant::now() + SECOND * 2);
    let patient = question(false).with_context(deadline);
    assert_pending!(task::spawn(service.oneshot(patient)).poll());
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_bound_where_nobody_could_know_before() {
    let (model, _handle) = upstream();
    let config = LimitConfig::new("upstream").with_max_wait(Some(SECOND));
    let rules = Rules::new(Quotas::unlimited().with_slots(1));
    let layer = LimitLayer::new(config, rules);
    let service = layer.layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let mut second = task::spawn(service.clone().oneshot(question(false)));
    let mut third = task::spawn(service.oneshot(question(false)));
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    advance(SECOND - Duration::from_millis(1)).await;
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    advance(Duration::from_millis(1)).await;
    for call in [&mut second, &mut third] {
        assert!(call.is_woken());
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::RateLimit);
        assert_eq!(error.refused_by(), Some("limit"));
        assert_eq!(error.retry_after(), None, "nobody knows when a call ends");
    }
    assert_eq!(layer.handle().waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_turns_calls_away_with_the_time_of_their_turn() {
    let (model, _handle) = upstream();
    let config = LimitConfig::new("upstream").with_max_queued(2);
    let service = LimitLayer::new(config, Rules::new(requests(1, 1))).layer(model);
    let mut calls: Vec<_> = (0..4)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in calls.iter_mut().take(3) {
        assert_pending!(call.poll());
    }
    let error = assert_ready_err!(calls[3].poll());
    assert_eq!(error.retry_after(), Some(SECOND * 3));
    assert!(error.to_string().contains("limit.max_queued"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_call_did_not_use_comes_back_when_its_answer_is_whole() {
    let (model, mut handle) = upstream();
    let service = limit(tokens(1000)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(asking(100, 900)));
    assert_pending!(first.poll());
    let mut second = task::spawn(service.clone().oneshot(asking(100, 800)));
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 1);
    handle.next().await.reply("used twenty");
    assert!(assert_ready!(first.poll()).is_ok());
    assert!(second.is_woken());
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_used_without_saying_so_stays_taken_and_is_flagged() {
    let (model, mut handle) = upstream();
    let service = limit(tokens(1000)).layer(model);
    let journey = Journey::new();
    let context = Context::new()
        .with_token_estimate(100)
        .with_journey(journey.clone());
    let options = CompletionOptions::new().with_max_tokens(900);
    let request = question(true).with_options(options).with_context(context);
    let mut first = task::spawn(service.clone().oneshot(request));
    assert_pending!(first.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(first.poll()).unwrap();
    feed.text("no usage");
    feed.finish();
    while let Some(event) = response.body_mut().next().await {
        assert!(event.is_ok());
    }
    assert_eq!(
        journey.steps(),
        [Step::waited("limit", "usage_unknown", Duration::ZERO)]
    );
    let mut second = task::spawn(service.oneshot(asking(100, 400)));
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 1);
    advance(SECOND / 2).await;
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_used_beyond_its_reservation_is_a_debt() {
    let (model, mut handle) = upstream();
    let service = limit(tokens(1000)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(asking(100, 100).with_stream(true)));
    assert_pending!(first.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(first.poll()).unwrap();
    feed.send(Event::Usage(Usage::inclusive(100, 2900)));
    feed.finish();
    while let Some(event) = response.body_mut().next().await {
        assert!(event.is_ok());
    }
    let mut second = task::spawn(service.oneshot(asking(50, 50)));
    assert_pending!(second.poll());
    advance(Duration::from_millis(2099)).await;
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 1);
    advance(Duration::from_millis(1)).await;
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2, "2000 over, and a hundred for itself");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_comes_back_whole() {
    let (model, mut handle) = upstream();
    let service = limit(requests(1, 1)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let refused = Error::new(ErrorKind::Overloaded).with_refused_by("breaker");
    handle.next().await.answer(Err(refused));
    assert!(assert_ready!(first.poll()).is_err());
    let mut second = task::spawn(service.oneshot(question(false)));
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_bucket_goes_when_it_is_full_and_the_rest_wait_for_its_debt() {
    let (model, handle) = upstream();
    let service = limit(tokens(1000)).layer(model);
    let mut small = task::spawn(service.clone().oneshot(asking(100, 400)));
    assert_pending!(small.poll());
    let mut large = task::spawn(service.clone().oneshot(asking(2000, 1000)));
    assert_pending!(large.poll());
    assert_eq!(handle.total(), 1);
    advance(SECOND / 2).await;
    assert_pending!(large.poll());
    assert_eq!(handle.total(), 2);
    let mut next = task::spawn(service.oneshot(asking(500, 500)));
    assert_pending!(next.poll());
    advance(SECOND * 3 - Duration::from_millis(1)).await;
    assert_pending!(next.poll());
    assert_eq!(handle.total(), 2);
    advance(Duration::from_millis(1)).await;
    assert_pending!(next.poll());
    assert_eq!(handle.total(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_bucket_is_refused_where_debts_are_not_allowed() {
    let (model, _handle) = upstream();
    let rules = Rules::new(tokens(1000)).with_oversize(towline_layers::limit::Oversize::Refuse);
    let service = LimitLayer::new(LimitConfig::new("upstream"), rules).layer(model);
    let error = assert_ready_err!(task::spawn(service.oneshot(asking(2000, 1000))).poll());
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(error.refused_by(), Some("limit"));
    assert!(error.to_string().contains("tokens"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_together_with_the_deadline_is_taken() {
    let (model, handle) = upstream();
    let service = limit(requests(1, 1)).layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let deadline = Context::new().with_deadline(Instant::now() + SECOND);
    let mut second = task::spawn(service.oneshot(question(false).with_context(deadline)));
    assert_pending!(second.poll());
    advance(SECOND).await;
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_left_gives_back_nothing_of_its_answer() {
    let (model, mut handle) = upstream();
    let service = limit(tokens(1000)).layer(model);
    let request = asking(300, 700).with_stream(true);
    let mut first = task::spawn(service.clone().oneshot(request));
    assert_pending!(first.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(first.poll()).unwrap();
    // Some say at the beginning what they have counted so far.
    feed.send(Event::Usage(Usage::inclusive(300, 1)));
    assert!(response.body_mut().next().await.unwrap().is_ok());
    drop(response);
    let mut second = task::spawn(service.oneshot(asking(50, 50)));
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 1);
    advance(SECOND / 10).await;
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}
