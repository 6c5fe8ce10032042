//! The clocks.

use crate::support::{Feed, Upstream, Way, failed, paused, question, upstream};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::{fmt, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use towline_core::{
    Answer, Clock, Context, Error, ErrorKind, Event, FinishReason, Journey, Request, Response,
};
use towline_layers::timeout::{Attempt, AttemptLayer, Clocks, Total, TotalLayer};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

// The promises of the layers, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<TotalLayer>();
const _: () = promised::<Total<()>>();
const _: () = promised::<AttemptLayer>();
const _: () = promised::<Attempt<()>>();

fn total(model: Upstream, seconds: u32) -> Total<Upstream> {
    TotalLayer::new(SECOND * seconds).layer(model)
}

fn clocks() -> Clocks {
    Clocks::default()
        .with_first_token(SECOND * 10)
        .with_whole(SECOND * 20)
        .with_idle(SECOND * 5)
}

fn timed_out(error: &Error, clock: Clock) {
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert_eq!(error.clock(), Some(clock), "{error:?}");
    let key = match clock {
        Clock::FirstToken => "`timeout.first_token`",
        Clock::Idle => "`timeout.idle`",
        Clock::Progress => "`timeout.progress`",
        Clock::Attempt => "`timeout.attempt`",
        _ => return,
    };
    assert!(error.to_string().contains(key), "{error}");
}

/// The next event, which has to be there.
fn next(response: &mut Response) -> Event {
    let mut next = task::spawn(response.body_mut().next());
    assert_ready!(next.poll()).unwrap().unwrap()
}

fn pending(response: &mut Response) {
    let mut next = task::spawn(response.body_mut().next());
    assert_pending!(next.poll());
}

fn broken(response: &mut Response) -> Error {
    let mut next = task::spawn(response.body_mut().next());
    assert_ready!(next.poll()).unwrap().unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn to1_the_total_ends_a_call_that_has_no_answer() {
    let (model, mut handle) = upstream();
    let mut call = task::spawn(total(model, 10).oneshot(question(true)));
    assert_pending!(call.poll());
    let _unanswered = handle.next().await;
    advance(SECOND * 10 - TICK).await;
    assert_pending!(call.poll());
    advance(TICK).await;
    timed_out(&assert_ready_err!(call.poll()), Clock::Total);
}

#[tokio::test(start_paused = true)]
async fn to1_the_total_ends_a_body_that_is_silent() {
    let (model, mut handle) = upstream();
    let mut call = task::spawn(total(model, 10).oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(call.poll()).unwrap();
    assert!(feed.text("half"));
    assert_eq!(next(&mut response).as_text(), Some("half"));
    advance(SECOND * 10 - TICK).await;
    pending(&mut response);
    advance(TICK).await;
    let error = broken(&mut response);
    timed_out(&error, Clock::Total);
    assert_eq!(error.partial().unwrap().text(), "half");
}

#[tokio::test(start_paused = true)]
async fn to1_the_total_ends_a_body_that_is_never_silent() {
    let (model, mut handle) = upstream();
    let mut call = task::spawn(total(model, 10).oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(call.poll()).unwrap();
    let start = Instant::now();
    let error = loop {
        feed.text("on ");
        match task::spawn(response.body_mut().next()).poll() {
            std::task::Poll::Ready(Some(Ok(_))) => advance(TICK * 70).await,
            std::task::Poll::Ready(Some(Err(error))) => break error,
            other => panic!("{other:?}"),
        }
    };
    timed_out(&error, Clock::Total);
    let after = Instant::now().saturating_duration_since(start);
    assert!(after <= SECOND * 10 + TICK * 70, "{after:?}");
}

proptest! {
    /// Whatever the provider does and when, nobody waits longer than the total and a tick.
    #[test]
    fn to1_nobody_waits_longer_than_the_total(
        limit in 1_u64..2000,
        head in proptest::option::of(0_u64..3000),
        gaps in proptest::collection::vec(0_u64..600, 0..8),
        end in proptest::bool::ANY,
    ) {
        paused().block_on(async {
            let (model, mut handle) = upstream();
            let model = TotalLayer::new(Duration::from_millis(limit)).layer(model);
            let start = Instant::now();
            let provider = async {
                let exchange = handle.next().await;
                let Some(head) = head else { return std::future::pending::<()>().await };
                tokio::time::sleep(Duration::from_millis(head)).await;
                let feed = exchange.stream();
                for gap in gaps {
                    tokio::time::sleep(Duration::from_millis(gap)).await;
                    if !feed.text("x") { return; }
                }
                if end { feed.finish(); } else { std::future::pending::<()>().await; }
            };
            let reader = async {
                match model.oneshot(question(true)).await {
                    Ok(response) => response.collect().await.map(|_| ()),
                    Err(error) => Err(error),
                }
            };
            let result = tokio::select! {
                biased;
                result = reader => result,
                () = async { provider.await; std::future::pending().await } => unreachable!(),
            };
            let took = Instant::now().saturating_duration_since(start);
            prop_assert!(took <= Duration::from_millis(limit + 1), "{took:?} of {limit} ms");
            if let Err(error) = result {
                prop_assert_eq!(error.clock(), Some(Clock::Total));
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn to1_a_deadline_that_has_passed_sends_nothing() {
    let (model, mut handle) = upstream();
    let mut request = question(false);
    request.context_mut().narrow_deadline(Instant::now());
    let error = total(model, 10).oneshot(request).await.unwrap_err();
    timed_out(&error, Clock::Total);
    assert_eq!(error.refused_by(), Some("timeout"));
    assert!(handle.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn x6_timeout_writes_down_a_call_whose_deadline_had_passed() {
    let (model, handle) = upstream();
    let journey = Journey::new();
    let context = Context::new().with_journey(journey.clone());
    let mut request = question(false).with_context(context);
    request.context_mut().narrow_deadline(Instant::now());
    let error = total(model, 10).oneshot(request).await.unwrap_err();
    let refused = towline_core::Step::Refused {
        layer: "timeout",
        kind: error.kind(),
        retry_after: None,
    };
    assert_eq!((journey.steps(), handle.total()), (vec![refused], 0));
}

#[tokio::test(start_paused = true)]
async fn to2_the_clocks_of_an_attempt_start_when_it_is_let_through() {
    // A queue outside the attempt: the total counts it, the attempt does not.
    let (model, mut handle) = upstream();
    let attempt = AttemptLayer::new(clocks()).layer(model);
    let queued = tower::service_fn(move |request: Request| {
        let attempt = attempt.clone();
        async move {
            tokio::time::sleep(SECOND * 60).await;
            attempt.oneshot(request).await
        }
    });
    let call = towline_core::task::spawn(queued.oneshot(question(true)));
    let exchange = handle.next().await;
    advance(SECOND * 10 - TICK * 2).await;
    let feed = exchange.stream();
    feed.text("in time");
    feed.finish();
    assert!(call.await.unwrap().is_ok());
}

/// A stream that has begun, and whose first content was read.
async fn begun(clocks: Clocks) -> (Response, Feed) {
    let (model, mut handle) = upstream();
    let model = AttemptLayer::new(clocks).layer(model);
    let mut call = task::spawn(model.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text("on");
    let mut response = assert_ready!(call.poll()).unwrap();
    assert_eq!(next(&mut response).as_text(), Some("on"));
    (response, feed)
}

#[tokio::test(start_paused = true)]
async fn to3_idle_ends_a_stream_that_is_silent_and_pings_put_it_off() {
    let (mut response, feed) = begun(clocks()).await;
    for _ in 0..100 {
        advance(SECOND * 4).await;
        pending(&mut response);
        feed.send(Event::Ping);
        assert_eq!(next(&mut response), Event::Ping);
    }
    pending(&mut response);
    advance(SECOND * 5 - TICK).await;
    pending(&mut response);
    advance(TICK).await;
    timed_out(&broken(&mut response), Clock::Idle);
}

#[tokio::test(start_paused = true)]
async fn to3_pings_do_not_put_off_progress() {
    let (mut response, feed) = begun(clocks().with_progress(Some(SECOND * 30))).await;
    for _ in 0..7 {
        pending(&mut response);
        advance(SECOND * 4).await;
        feed.send(Event::Ping);
        assert_eq!(next(&mut response), Event::Ping);
    }
    pending(&mut response);
    advance(SECOND * 2).await;
    timed_out(&broken(&mut response), Clock::Progress);
}

#[tokio::test(start_paused = true)]
async fn to3_progress_leaves_content_alone_that_came_while_nobody_read() {
    let clocks = clocks().with_idle(SECOND * 600);
    let (mut response, feed) = begun(clocks.with_progress(Some(SECOND * 30))).await;
    feed.send(Event::Ping);
    feed.text(" and on");
    advance(SECOND * 60).await;
    assert_eq!(next(&mut response), Event::Ping);
    assert_eq!(next(&mut response).as_text(), Some(" and on"));
    feed.send(Event::Ping);
    advance(SECOND * 60).await;
    assert_eq!(next(&mut response), Event::Ping);
    // Who reads again waits anew.
    pending(&mut response);
    advance(SECOND * 30 - TICK).await;
    pending(&mut response);
    advance(TICK).await;
    timed_out(&broken(&mut response), Clock::Progress);
}

#[tokio::test(start_paused = true)]
async fn to3_progress_ends_a_flood_of_pings_that_is_read_as_fast_as_it_comes() {
    let (mut response, feed) = begun(clocks().with_progress(Some(SECOND * 30))).await;
    for _ in 0..59 {
        advance(SECOND / 2).await;
        feed.send(Event::Ping);
        assert_eq!(next(&mut response), Event::Ping);
    }
    advance(SECOND / 2).await;
    feed.send(Event::Ping);
    timed_out(&broken(&mut response), Clock::Progress);
}

#[tokio::test(start_paused = true)]
async fn to4_the_exchange_is_closed_before_the_error_is_told() {
    let (model, mut handle) = upstream();
    let model = ServiceBuilder::new()
        .layer(TotalLayer::new(SECOND * 60))
        .layer(AttemptLayer::new(clocks()))
        .service(model);
    let mut call = task::spawn(model.clone().oneshot(question(true)));
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    advance(SECOND * 10).await;
    timed_out(&assert_ready_err!(call.poll()), Clock::FirstToken);
    assert!(exchange.is_abandoned(), "the head was awaited");

    let mut call = task::spawn(model.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text("on");
    let mut response = assert_ready!(call.poll()).unwrap();
    next(&mut response);
    pending(&mut response);
    advance(SECOND * 5).await;
    timed_out(&broken(&mut response), Clock::Idle);
    assert!(feed.is_abandoned(), "the body was awaited");
}

#[tokio::test(start_paused = true)]
async fn to5_of_several_deadlines_the_earliest_is_seen_inside() {
    let (model, mut handle) = upstream();
    let model = ServiceBuilder::new()
        .layer(TotalLayer::new(SECOND * 10))
        .layer(TotalLayer::new(SECOND * 60))
        .layer(TotalLayer::new(SECOND * 5))
        .service(model);
    let start = Instant::now();
    let mut call = task::spawn(model.oneshot(question(true)));
    assert_pending!(call.poll());
    let seen = handle.next().await.request.context().deadline();
    assert_eq!(seen, Some(start + SECOND * 5));
}

#[tokio::test(start_paused = true)]
async fn to6_each_clock_is_named() {
    for (stream, limits, clock) in [
        (true, clocks(), Clock::FirstToken),
        (false, clocks(), Clock::Attempt),
        (true, clocks().with_attempt(Some(SECOND)), Clock::Attempt),
        // Of two that run out together the one that says more.
        (
            true,
            clocks().with_attempt(Some(SECOND * 10)),
            Clock::FirstToken,
        ),
        (
            true,
            clocks().with_attempt(Some(SECOND * 11)),
            Clock::FirstToken,
        ),
    ] {
        let (model, mut handle) = upstream();
        let mut call = task::spawn(
            AttemptLayer::new(limits)
                .layer(model)
                .oneshot(question(stream)),
        );
        assert_pending!(call.poll());
        let _unanswered = handle.next().await;
        advance(SECOND * 20).await;
        timed_out(&assert_ready_err!(call.poll()), clock);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_reasons_gets_more_time_for_its_first_token() {
    let (model, mut handle) = upstream();
    let model = AttemptLayer::new(Clocks::default()).layer(model);
    let request = question(true).with_model("o3");
    let mut call = task::spawn(model.oneshot(request));
    assert_pending!(call.poll());
    let _unanswered = handle.next().await;
    advance(SECOND * 599).await;
    assert_pending!(call.poll());
    advance(SECOND).await;
    timed_out(&assert_ready_err!(call.poll()), Clock::FirstToken);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_arrives_with_the_timer_wins() {
    let (model, mut handle) = upstream();
    let model = ServiceBuilder::new()
        .layer(TotalLayer::new(SECOND))
        .layer(AttemptLayer::new(clocks().with_whole(SECOND)))
        .service(model);
    let mut call = task::spawn(model.oneshot(question(false)));
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    advance(SECOND * 3).await;
    exchange.reply("late and welcome");
    assert!(assert_ready!(call.poll()).unwrap().is_whole());
}

proptest! {
    /// However a call ends, and wherever it is dropped, nothing of it is left.
    #[test]
    fn x1_timeout_leaves_nothing_behind(
        steps in proptest::collection::vec(step(), 0..30),
        total in 1_u32..30,
    ) {
        let (called, live) = paused().block_on(seen(Way::Called, total, &steps));
        prop_assert_eq!(live, 0);
        let (asked, live) = paused().block_on(seen(Way::Asked, total, &steps));
        prop_assert_eq!(live, 0);
        prop_assert_eq!(asked, called, "asked, all goes as it does called");
    }
}

/// What the caller sees at each step, and how much is left of the call.
async fn seen(way: Way, total: u32, steps: &[Step]) -> (Vec<String>, usize) {
    let (model, mut handle) = upstream();
    let layers = ServiceBuilder::new()
        .layer(TotalLayer::new(SECOND * total))
        .layer(AttemptLayer::new(clocks()));
    let model = way.around(&layers, model);
    let mut call = Some(task::spawn(model.oneshot(question(true))));
    let mut feed = None;
    let mut response = None;
    let mut seen = Vec::new();
    for step in steps {
        if let Some(running) = &mut call
            && let std::task::Poll::Ready(result) = running.poll()
        {
            call = None;
            seen.push(format!("{:?}", result.as_ref().map(|_| "head")));
            response = result.ok();
        }
        let ended = response.as_mut().is_some_and(|body| {
            let item = task::spawn(Response::body_mut(body).next()).poll();
            seen.push(format!("{item:?}"));
            matches!(item, std::task::Poll::Ready(None | Some(Err(_))))
        });
        if ended {
            response = None;
        }
        match step {
            Step::Wait(time) => advance(*time).await,
            Step::Head => {
                let stream = super::support::Exchange::stream;
                feed = feed.or_else(|| handle.try_next().map(stream));
            }
            Step::Text => drop(feed.as_ref().map(|feed| feed.text("x"))),
            Step::Fail => drop(feed.take().map(|feed| feed.fail(ErrorKind::Server))),
            Step::Drop => {
                call = None;
                response = None;
            }
        }
    }
    drop((call, response, feed));
    while handle.try_next().is_some() {}
    (seen, handle.live())
}

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    Head,
    Text,
    Fail,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..4_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        1 => (0_u64..15_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        4 => proptest::strategy::Just(Step::Head),
        6 => proptest::strategy::Just(Step::Text),
        1 => proptest::strategy::Just(Step::Fail),
        1 => proptest::strategy::Just(Step::Drop),
    ]
}

#[tokio::test(start_paused = true)]
async fn x5_timeout_uses_the_instance_that_was_ready() {
    let ready = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let model = Counted {
        ready: std::sync::Arc::clone(&ready),
        is_ready: false,
    };
    let mut model = ServiceBuilder::new()
        .layer(TotalLayer::new(SECOND))
        .layer(AttemptLayer::new(clocks()))
        .service(model);
    let answer = model.ready().await.unwrap().call(question(false)).await;
    assert!(answer.is_err(), "it fails by itself, not for readiness");
    assert_eq!(ready.load(std::sync::atomic::Ordering::SeqCst), 1);
}

/// Panics where it is called without having been asked for readiness.
#[derive(Clone, Debug)]
struct Counted {
    ready: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    is_ready: bool,
}

impl Service<Request> for Counted {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result<Response, Error>>;

    fn poll_ready(
        &mut self,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Error>> {
        self.ready.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.is_ready = true;
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called when ready");
        assert_eq!(request.model(), "model");
        std::future::ready(Err(failed(ErrorKind::Server)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_well_is_left_alone() {
    let (model, mut handle) = upstream();
    let model = ServiceBuilder::new()
        .layer(TotalLayer::new(SECOND * 30))
        .layer(AttemptLayer::new(clocks()))
        .service(model);
    let mut call = task::spawn(model.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text("all");
    feed.finish();
    let mut response = assert_ready!(call.poll()).unwrap();
    assert_eq!(next(&mut response).as_text(), Some("all"));
    assert_eq!(next(&mut response), Event::Finish(FinishReason::Stop));
    assert_eq!(handle.live(), 0);
}
