//! The record of a call.

use crate::support::{Handle, Upstream, question, upstream};
use std::{fmt, time::Duration};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn, util::Oneshot};
use towline_core::{
    Attempt, Body, Completion, Cost, EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, Event,
    FinishReason, Head, Journey, Outcome, Part, Prices, Request, Response, Step, Usage,
};
use towline_layers::journey::{AttemptLayer, JourneyLayer, Root};

const SECOND: Duration = Duration::from_secs(1);

// The promises of the layers, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<JourneyLayer>();
const _: () = promised::<AttemptLayer>();
const _: () = promised::<Root<()>>();

type Called = Oneshot<towline_layers::journey::Attempt<Upstream>, Request>;

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

/// Two dollars for a million tokens of input, ten for output.
fn prices() -> Prices {
    let dollars = |dollars: u64| Cost::from_picodollars(dollars * 1_000_000_000_000);
    Prices::new(dollars(2), dollars(10))
}

/// A call whose layer knows what `priced` costs.
fn priced(priced: &str, stream: bool) -> (Handle, Journey, task::Spawn<Called>) {
    let (model, handle) = upstream();
    let layer = AttemptLayer::new("upstream").with_prices("other", Prices::unknown());
    let service = layer.with_prices(priced, prices()).layer(model);
    let journey = Journey::new();
    let mut request = question(stream);
    request.context_mut().set_journey(journey.clone());
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    (handle, journey, call)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_costs_what_its_tokens_do_where_its_model_has_prices() {
    for (model, has_cost) in [("model", true), ("model-2", false)] {
        let (mut handle, journey, mut call) = priced(model, false);
        handle.next().await.reply("done");
        assert!(assert_ready!(call.poll()).is_ok());
        let attempt = attempt(&journey);
        assert_eq!((attempt.tokens(), attempt.is_estimate()), (Some(20), false));
        let cost = prices().cost(attempt.usage().unwrap()).filter(|_| has_cost);
        assert_eq!((attempt.cost(), journey.cost()), (cost, cost));
        assert_eq!(cost.is_some(), has_cost);
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_costs_what_its_estimate_does() {
    let (mut handle, journey, mut call) = priced("model", false);
    handle.next().await.fail(ErrorKind::Server);
    assert!(assert_ready!(call.poll()).is_err());
    assert!(attempt(&journey).is_estimate());
    // "question" is two tokens by the rule of four bytes.
    assert_eq!(journey.cost(), Some(Cost::from_picodollars(4_000_000)));
}

#[tokio::test]
async fn a_whole_answer_without_a_count_costs_by_what_came() {
    for (said, tokens) in [(None, 12), (Some(Usage::unknown().with_input(1000)), 1010)] {
        let model = service_fn(move |request: Request| {
            let text = Part::from("forty bytes, which are ten tokens of it.");
            let whole = Completion::new(vec![text], FinishReason::Stop).with_usage(said.clone());
            let head = Head::new("upstream", request.model());
            async { Ok::<_, Error>(Response::new(head, Body::complete(whole))) }
        });
        let service = AttemptLayer::new("upstream").with_prices("model", prices());
        let journey = Journey::new();
        let mut request = question(false);
        request.context_mut().set_journey(journey.clone());
        service.layer(model).oneshot(request).await.unwrap();
        let attempt = attempt(&journey);
        assert_eq!(attempt.outcome(), Outcome::Whole);
        assert_eq!(
            (attempt.tokens(), attempt.is_estimate()),
            (Some(tokens), true)
        );
        let expected = prices().cost(&Usage::inclusive(tokens - 10, 10));
        assert_eq!((attempt.cost(), expected.is_some()), (expected, true));
    }
}

/// Some providers say at the beginning of a stream how long the question was, and that one token has come.
#[tokio::test(start_paused = true)]
async fn what_was_said_before_an_answer_broke_off_is_no_count_of_all_of_it() {
    let begun = Usage::inclusive(1000, 1).with_cache_write(0);
    for (fails, said, tokens, cost) in [
        (true, Some(begun.clone()), 1010, 2_100_000_000),
        (false, Some(begun), 1010, 2_100_000_000),
        (
            true,
            Some(Usage::unknown().with_input(1000)),
            1010,
            2_100_000_000,
        ),
        (true, Some(Usage::inclusive(0, 0)), 12, 104_000_000),
        // More than what came, as where some of it was thought.
        (true, Some(Usage::inclusive(1000, 50)), 1050, 2_500_000_000),
        (false, None, 12, 104_000_000),
    ] {
        let (mut handle, journey, mut call) = priced("model", true);
        let feed = handle.next().await.stream();
        let mut answer = assert_ready!(call.poll()).unwrap();
        if let Some(said) = said {
            feed.send(Event::Usage(said));
            assert!(answer.body_mut().next().await.unwrap().is_ok());
        }
        feed.text("forty bytes, which are ten tokens of it.");
        assert!(answer.body_mut().next().await.unwrap().is_ok());
        if fails {
            feed.fail(ErrorKind::Truncated);
            assert!(answer.body_mut().next().await.unwrap().is_err());
        }
        drop(answer);
        let attempt = attempt(&journey);
        assert_eq!(
            (attempt.tokens(), attempt.is_estimate()),
            (Some(tokens), true)
        );
        assert_eq!(attempt.cost(), Some(Cost::from_picodollars(cost)));
    }
}

#[tokio::test]
async fn an_embedding_has_no_output_and_its_tokens_are_no_estimate() {
    let model = service_fn(|_: EmbeddingRequest| async {
        let usage = Usage::unknown().with_input(50);
        let head = Head::new("upstream", "vectors");
        Ok::<_, Error>(EmbeddingResponse::new(head, vec![vec![1.0]], Some(usage)))
    });
    let prices = Prices::unknown().with_input(Cost::from_picodollars(3_000_000));
    let service = AttemptLayer::new("upstream").with_prices("vectors", prices);
    let journey = Journey::new();
    let mut request = EmbeddingRequest::new("vectors", ["text"]);
    request.context_mut().set_journey(journey.clone());
    let answer = service.layer(model).oneshot(request).await.unwrap();
    assert_eq!(
        answer.usage().and_then(Usage::output),
        None,
        "as the provider said"
    );
    let attempt = attempt(&journey);
    assert_eq!((attempt.tokens(), attempt.is_estimate()), (Some(50), false));
    assert_eq!(attempt.cost(), Some(Cost::from_picodollars(150)));
}
