//! The record of a call.

use crate::support::{Handle, Upstream, question, upstream};
use std::{fmt, time::Duration};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{ServiceBuilder, ServiceExt};
use towline_core::{Attempt, ErrorKind, Event, Journey, Outcome, Step, Usage};
use towline_layers::journey::{AttemptLayer, JourneyLayer, Root};

const SECOND: Duration = Duration::from_secs(1);

// The promises of the layers, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<JourneyLayer>();
const _: () = promised::<AttemptLayer>();
const _: () = promised::<Root<()>>();

type Recorded = Root<towline_layers::journey::Attempt<Upstream>>;

fn recorded() -> (Recorded, Handle) {
    let (model, handle) = upstream();
    let service = ServiceBuilder::new()
        .layer(JourneyLayer::new())
        .layer(AttemptLayer::new("upstream"))
        .service(model);
    (service, handle)
}

/// The only step, which is an attempt.
fn attempt(journey: &Journey) -> Attempt {
    match journey.steps().as_slice() {
        [Step::Attempt(attempt)] => attempt.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_has_its_attempt_with_times_and_tokens() {
    let (service, mut handle) = recorded();
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    advance(SECOND).await;
    exchange.reply("done");
    let response = assert_ready!(call.poll()).unwrap();
    let attempt = attempt(response.head().journey().unwrap());
    assert_eq!(attempt.provider(), "upstream");
    assert_eq!(attempt.model(), "model");
    assert_eq!(attempt.outcome(), Outcome::Whole);
    assert_eq!(attempt.first_token(), Some(SECOND));
    assert_eq!(attempt.ended(), Some(SECOND));
    assert_eq!(attempt.tokens(), Some(20));
    assert!(!attempt.is_estimate());
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_an_attempt_until_its_end() {
    let (service, mut handle) = recorded();
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(call.poll()).unwrap();
    let journey = response.head().journey().unwrap().clone();
    advance(SECOND).await;
    feed.text("on");
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert_eq!(attempt(&journey).outcome(), Outcome::Running);
    assert_eq!(attempt(&journey).first_token(), Some(SECOND));
    feed.send(Event::Usage(Usage::inclusive(3, 1)));
    feed.finish();
    response.collect().await.unwrap();
    assert_eq!(attempt(&journey).outcome(), Outcome::Whole);
    assert_eq!(attempt(&journey).tokens(), Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_failure_carries_the_record_and_what_it_may_have_cost() {
    let (service, mut handle) = recorded();
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    handle.next().await.fail(ErrorKind::Server);
    let error = assert_ready_err!(call.poll());
    let attempt = attempt(error.journey().unwrap());
    assert_eq!(attempt.outcome(), Outcome::Failed(ErrorKind::Server));
    assert!(attempt.is_estimate());
    assert!(attempt.tokens().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_carries_the_record() {
    let (service, mut handle) = recorded();
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    let response = assert_ready!(call.poll()).unwrap();
    feed.text("twelve bytes");
    feed.fail(ErrorKind::Truncated);
    let error = response.collect().await.unwrap_err();
    let attempt = attempt(error.journey().unwrap());
    assert_eq!(attempt.outcome(), Outcome::Failed(ErrorKind::Truncated));
    // "question" is two tokens by the rule of four bytes, "twelve bytes" three.
    assert_eq!(attempt.tokens(), Some(5));
    assert!(attempt.is_estimate());
}

#[tokio::test(start_paused = true)]
async fn x2_journey_writes_one_end_for_each_attempt_however_it_ends() {
    for stage in 0..3 {
        let (service, mut handle) = recorded();
        let journey = Journey::new();
        let mut request = question(true);
        request.context_mut().set_journey(journey.clone());
        let mut call = task::spawn(service.oneshot(request));
        assert_pending!(call.poll());
        let exchange = handle.next().await;
        let feed = (stage > 0).then(|| exchange.stream());
        let response = feed.as_ref().map(|_| assert_ready!(call.poll()).unwrap());
        if let (2, Some(feed)) = (stage, &feed) {
            feed.text("half");
        }
        drop((call, response));
        assert_eq!(
            attempt(&journey).outcome(),
            Outcome::Dropped,
            "stage {stage}"
        );
        assert!(attempt(&journey).is_estimate());
    }
}
