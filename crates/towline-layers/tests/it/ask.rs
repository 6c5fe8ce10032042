//! Stacks that are asked: what their layers do as services, through a shared reference.

mod ends;

use crate::support::{Handle, Upstream, failed, question, upstream};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, ServiceBuilder, ServiceExt};
use towline_core::{
    Clock, Context, Error, ErrorKind, Journey, Moment, Outcome, Request, Response, Step,
};
use towline_layers::{
    ask::{Ask, Cloning},
    balance::{self, Balance},
    breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerState},
    concurrency::{ConcurrencyHandle, ConcurrencyLayer},
    drain::{Drain, DrainLayer},
    erased::Erased,
    fallback::{Fallback, Target},
    guard::{Guard, GuardLayer},
    journey::{self, JourneyLayer},
    limit::{LimitConfig, LimitHandle, LimitLayer, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
    timeout::{AttemptLayer, Clocks, TotalLayer},
};

const SECOND: Duration = Duration::from_secs(1);
const ONE: NonZeroUsize = NonZeroUsize::MIN;

type Asked = Erased<Request, Response>;

/// Every layer that can be asked, around one model, with room for one call.
struct Whole {
    stack: Arc<Asked>,
    drain: Drain,
    breaker: Breaker,
    slots: ConcurrencyHandle,
    limit: LimitHandle,
    pending: Box<dyn Fn() -> u32>,
}

impl Whole {
    fn new(model: Upstream) -> Self {
        let (drain, breaker) = (Drain::new(), Breaker::new("only", BreakerConfig::new()));
        let slots = ConcurrencyLayer::new(ONE);
        let rules = Rules::new(Quotas::unlimited().with_slots(1));
        let limit = LimitLayer::new(LimitConfig::new("only"), rules);
        let deployment = ServiceBuilder::new()
            .layer(BreakerLayer::new(&breaker))
            .layer(slots.clone())
            .layer(limit.clone())
            .layer(journey::AttemptLayer::new("upstream"))
            .layer(AttemptLayer::new(Clocks::default()))
            .service(Cloning::new(model));
        let balance = Balance::new(balance::Deployment::new("only", deployment));
        let status = balance.clone();
        let route = RetryLayer::new(RetryPolicy::default()).layer(balance);
        let stack = ServiceBuilder::new()
            .layer(JourneyLayer::new())
            .layer(DrainLayer::new(&drain))
            .layer(GuardLayer::<Request>::new(
                Guard::new().with_forbidden(["bluebird"]),
            ))
            .layer(TotalLayer::new(SECOND * 60))
            .service(Fallback::new(Target::new("only", route)));
        Self {
            stack: Arc::new(Erased::of(stack)),
            drain,
            breaker,
            slots: slots.handle(),
            limit: limit.handle(),
            pending: Box::new(move || status.status().iter().map(|one| one.pending()).sum()),
        }
    }

    fn ask(&self, request: Request) -> Call {
        let stack = Arc::clone(&self.stack);
        task::spawn(Box::pin(async move { stack.ask(request).await }))
    }

    /// Calls that each layer which counts them holds to be under way.
    fn held(&self) -> [usize; 4] {
        let pending = usize::try_from((self.pending)()).unwrap();
        let (slots, limit) = (self.slots.in_flight(), self.limit.in_use());
        [self.drain.inside(), pending, slots, limit]
    }
}

type Call = task::Spawn<std::pin::Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

fn asked<S>(stack: S, request: Request) -> Call
where
    S: Ask<Request, Answer = Response> + 'static,
{
    task::spawn(Box::pin(async move { stack.ask(request).await }))
}

/// A call of `stream` that has got as far as the model.
async fn sent(
    whole: &Whole,
    handle: &mut Handle,
    stream: bool,
) -> (Call, crate::support::Exchange) {
    let mut call = whole.ask(question(stream));
    assert_pending!(call.poll());
    (call, handle.next().await)
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_before_it_is_polled() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let call = whole.stack.ask(question(false));
    assert_eq!((whole.held(), handle.total()), ([0; 4], 0));
    drop(call);
    assert!(handle.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_comes_with_its_record_and_holds_nothing() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let (mut call, exchange) = sent(&whole, &mut handle, false).await;
    assert_eq!(whole.held(), [1; 4]);
    exchange.reply("hello");
    let answer = assert_ready_ok!(call.poll());
    assert_eq!(whole.held(), [0; 4]);
    let steps = answer.head().journey().expect("a record").steps();
    let [Step::Attempt(attempt)] = &*steps else {
        panic!("one attempt: {steps:?}");
    };
    assert_eq!(
        (attempt.outcome(), attempt.tokens()),
        (Outcome::Whole, Some(20))
    );
    assert_eq!(whole.breaker.status().succeeded(), 1);
}

#[tokio::test(start_paused = true)]
async fn x1_a_stream_holds_what_its_call_took_to_its_last_event_and_no_longer() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let (mut call, exchange) = sent(&whole, &mut handle, true).await;
    let feed = exchange.stream();
    assert_pending!(call.poll());
    feed.text("hello");
    let mut answer = assert_ready_ok!(call.poll());
    drop(call);
    assert_eq!(whole.held(), [1; 4], "the call is over, its answer is not");
    feed.finish();
    while answer.body_mut().next().await.is_some() {}
    assert_eq!(whole.held(), [0; 4]);
    assert_eq!(whole.breaker.status().succeeded(), 1);
}

#[tokio::test(start_paused = true)]
async fn x1_what_a_call_took_comes_back_wherever_it_is_dropped() {
    // Before it is polled, at the model, before its first content, in the middle, whole, broken off.
    for (stage, stream) in (0..6).flat_map(|stage| [(stage, false), (stage, true)]) {
        let (model, mut handle) = upstream();
        let whole = Whole::new(model);
        let mut call = whole.ask(question(stream));
        if stage > 0 {
            assert_pending!(call.poll());
        }
        let exchange = handle.try_next();
        if let (true, Some(exchange)) = (stage > 1, exchange) {
            let feed = exchange.stream();
            assert_pending!(call.poll());
            if stage > 2 {
                feed.text("hello");
                let answer = assert_ready_ok!(call.poll());
                match stage {
                    3 => drop(answer),
                    4 => {
                        feed.finish();
                        assert_eq!(answer.collect().await.unwrap().text(), "hello");
                    }
                    _ => {
                        feed.fail(ErrorKind::Transport);
                        assert!(answer.collect().await.is_err());
                    }
                }
            }
        }
        drop(call);
        assert_eq!(whole.held(), [0; 4], "stage {stage}, stream {stream}");
        assert_eq!(handle.live(), 0, "stage {stage}, stream {stream}");
    }
}

#[tokio::test(start_paused = true)]
async fn x3_one_that_waits_is_let_in_when_the_one_before_leaves_and_can_leave_itself() {
    for leaves in [false, true] {
        let (model, mut handle) = upstream();
        let whole = Whole::new(model);
        let (first, _exchange) = sent(&whole, &mut handle, false).await;
        let (mut second, mut third) = (whole.ask(question(false)), whole.ask(question(false)));
        assert_pending!(second.poll());
        assert_pending!(third.poll());
        assert_eq!((handle.total(), whole.slots.waiting()), (1, 2));
        advance(SECOND * 3).await;
        let mut next = if leaves {
            drop(second);
            third
        } else {
            second
        };
        drop(first);
        assert!(next.is_woken());
        assert_pending!(next.poll());
        handle.next().await.reply("in turn");
        let answer = assert_ready_ok!(next.poll());
        assert_eq!(
            began(&answer),
            SECOND * 3,
            "the wait is no part of the attempt"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn x3_one_that_waits_for_a_limit_is_let_in_in_turn() {
    let (model, mut handle) = upstream();
    let rules = Rules::new(Quotas::unlimited().with_slots(1));
    let limit = LimitLayer::new(LimitConfig::new("only"), rules);
    let recorded = journey::AttemptLayer::new("upstream").layer(Cloning::new(model));
    let stack = JourneyLayer::new().layer(limit.layer(recorded));
    let (figures, stack) = (limit.handle(), Arc::new(stack));
    let ask = || {
        let stack = Arc::clone(&stack);
        asked_by(stack, question(false))
    };
    let (mut first, mut left, mut second) = (ask(), ask(), ask());
    for call in [&mut first, &mut left, &mut second] {
        assert_pending!(call.poll());
    }
    assert_eq!((figures.in_use(), figures.waiting()), (1, 2));
    drop(left);
    assert_eq!(figures.waiting(), 1);
    advance(SECOND * 3).await;
    handle.next().await.reply("first");
    assert!(assert_ready!(first.poll()).is_ok());
    assert!(second.is_woken());
    assert_pending!(second.poll());
    handle.next().await.reply("second");
    let answer = assert_ready_ok!(second.poll());
    assert_eq!(
        began(&answer),
        SECOND * 3,
        "the wait is no part of the attempt"
    );
    assert_eq!((figures.in_use(), figures.waiting()), (0, 0));
}

/// When the last attempt of a call began, from the beginning of the call.
fn began(answer: &Response) -> Duration {
    let steps = answer.head().journey().expect("a record").steps();
    match steps.last() {
        Some(Step::Attempt(attempt)) => attempt.began(),
        other => panic!("{other:?}"),
    }
}

/// As `asked`, of what several ask.
fn asked_by<S>(stack: Arc<S>, request: Request) -> Call
where
    S: Ask<Request, Answer = Response> + 'static,
{
    task::spawn(Box::pin(async move { stack.ask(request).await }))
}

/// The error of a call that `layer` turns away, which its record says too.
fn turned_away(whole: &Whole, request: Request, layer: &str) -> Error {
    let error = assert_ready_err!(whole.ask(request).poll());
    assert_eq!(error.refused_by(), Some(layer));
    let steps = error.journey().expect("a record").steps();
    let said = |step: &Step| matches!(step, Step::Refused { layer: by, kind, .. } if *by == layer && *kind == error.kind());
    assert!(steps.iter().any(said), "{layer}: {steps:?}");
    error
}

#[tokio::test(start_paused = true)]
async fn x6_what_is_not_to_be_sent_is_refused_by_the_layer_that_says_so_and_written_down() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    turned_away(&whole, Request::new("model", "Bluebird"), "guard");
    let late = Context::new().with_deadline(Instant::now());
    let error = turned_away(&whole, question(false).with_context(late), "timeout");
    assert_eq!(error.clock(), Some(Clock::Total));
    whole.breaker.force_open(SECOND * 3600);
    let error = turned_away(&whole, question(false), "breaker");
    assert!(error.retry_after().is_some());
    whole.drain.start();
    let error = turned_away(&whole, question(false), "drain");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!((whole.held(), handle.try_next().is_none()), ([0; 4], true));
}

#[tokio::test(start_paused = true)]
async fn rt6_a_failed_attempt_is_made_again_and_holds_nothing_meanwhile() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let (mut call, exchange) = sent(&whole, &mut handle, false).await;
    exchange.fail(ErrorKind::Overloaded);
    assert_pending!(call.poll());
    assert_eq!(whole.held(), [1, 0, 0, 0], "only the gate knows of it");
    advance(SECOND * 5).await;
    assert_pending!(call.poll());
    handle.next().await.reply("now");
    let answer = assert_ready_ok!(call.poll());
    assert_eq!(answer.head().attempts(), 2);
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn rt1_nothing_is_tried_again_after_the_first_content() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let (mut call, exchange) = sent(&whole, &mut handle, true).await;
    let feed = exchange.stream();
    feed.text("half");
    let answer = assert_ready_ok!(call.poll());
    feed.fail(ErrorKind::Transport);
    let error = answer.collect().await.unwrap_err();
    assert_eq!(error.partial().expect("what arrived").text(), "half");
    assert_eq!((handle.total(), whole.breaker.status().failed()), (1, 1));
    assert!(error.journey().is_some() && error.deployment().is_some());
}

#[tokio::test(start_paused = true)]
async fn to4_what_is_under_way_ends_before_its_clock_is_told() {
    for total in [false, true] {
        let (model, mut handle) = upstream();
        let clocks = Clocks::default().with_whole(SECOND);
        let model = Cloning::new(model);
        let mut call = match total {
            true => asked(TotalLayer::new(SECOND).layer(model), question(false)),
            false => asked(AttemptLayer::new(clocks).layer(model), question(false)),
        };
        assert_pending!(call.poll());
        let exchange = handle.next().await;
        advance(SECOND - Duration::from_millis(1)).await;
        assert_pending!(call.poll());
        advance(Duration::from_millis(2)).await;
        let error = assert_ready_err!(call.poll());
        let clock = if total { Clock::Total } else { Clock::Attempt };
        assert_eq!(
            (error.kind(), error.clock()),
            (ErrorKind::Timeout, Some(clock))
        );
        assert!(exchange.is_abandoned());
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_an_attempt_does_not_begin_again_with_its_head() {
    let (model, mut handle) = upstream();
    let clocks = Clocks::default().with_attempt(Some(SECOND * 3));
    let began = Instant::now();
    let mut call = asked(
        AttemptLayer::new(clocks).layer(Cloning::new(model)),
        question(true),
    );
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    advance(SECOND * 2).await;
    assert_pending!(call.poll());
    let feed = exchange.stream();
    feed.text("hello");
    let mut answer = assert_ready_ok!(call.poll());
    assert!(answer.body_mut().next().await.expect("content").is_ok());
    let error = answer.body_mut().next().await.expect("an end").unwrap_err();
    assert_eq!(error.clock(), Some(Clock::Attempt));
    assert_eq!(Instant::now().saturating_duration_since(began), SECOND * 3);
}

#[tokio::test(start_paused = true)]
async fn the_clocks_go_on_over_the_body() {
    let (model, mut handle) = upstream();
    let clocks = Clocks::default().with_idle(SECOND);
    let mut call = asked(
        AttemptLayer::new(clocks).layer(Cloning::new(model)),
        question(true),
    );
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text("hello");
    let mut answer = assert_ready_ok!(call.poll());
    assert!(answer.body_mut().next().await.expect("content").is_ok());
    let error = answer.body_mut().next().await.expect("an end").unwrap_err();
    assert_eq!(error.clock(), Some(Clock::Idle));
    assert!(feed.is_abandoned());
}

#[tokio::test(start_paused = true)]
async fn fb1_the_targets_are_asked_in_order_and_all_that_failed_is_told() {
    let (one, mut first) = upstream();
    let (other, mut second) = upstream();
    let target = |name: &'static str, model| Target::new(name, Erased::of(Cloning::new(model)));
    let fallback = Fallback::new(target("one", one)).then(target("other", other).with_model("m2"));
    let fallback = Arc::new(fallback);
    for fails in [false, true] {
        let journey = Journey::new();
        let request = question(false).with_context(Context::new().with_journey(journey.clone()));
        let mut call = asked_by(Arc::clone(&fallback), request);
        assert_pending!(call.poll());
        first.next().await.answer(Err(failed(ErrorKind::Server)));
        assert_pending!(call.poll());
        let exchange = second.next().await;
        assert_eq!(exchange.request.model(), "m2");
        assert!(matches!(&*journey.steps(), [Step::Moved { .. }]));
        if fails {
            exchange.fail(ErrorKind::Overloaded);
            let error = assert_ready_err!(call.poll());
            assert_eq!(
                (error.kind(), error.others().len()),
                (ErrorKind::Overloaded, 1)
            );
        } else {
            exchange.reply("here");
            assert!(assert_ready!(call.poll()).is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_another_deployment() {
    let (one, mut first) = upstream();
    let (other, mut second) = upstream();
    let balance = Balance::new(balance::Deployment::new("one", Cloning::new(one)))
        .and(balance::Deployment::new("other", Cloning::new(other)));
    let mut call = asked(
        RetryLayer::new(RetryPolicy::default()).layer(balance),
        question(false),
    );
    assert_pending!(call.poll());
    let (failing, well) = match first.try_next() {
        Some(exchange) => (exchange, &mut second),
        None => (second.next().await, &mut first),
    };
    failing.fail(ErrorKind::Overloaded);
    assert_pending!(call.poll());
    advance(SECOND * 5).await;
    assert_pending!(call.poll());
    well.try_next().expect("the other one").reply("here");
    assert!(assert_ready!(call.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn cb2_a_probe_that_is_dropped_gives_its_place_back() {
    let (model, mut handle) = upstream();
    let breaker = Breaker::new("only", BreakerConfig::new());
    let stack = Arc::new(BreakerLayer::new(&breaker).layer(Cloning::new(model)));
    breaker.force_half_open();
    let mut probe = asked_by(Arc::clone(&stack), question(false));
    assert_pending!(probe.poll());
    assert_eq!(breaker.status().probes(), 1);
    drop(probe);
    assert_eq!(
        (breaker.status().probes(), breaker.state()),
        (0, BreakerState::HalfOpen)
    );
    assert!(handle.try_next().is_some());
}

#[tokio::test(start_paused = true)]
async fn dr3_a_call_without_its_head_at_the_deadline_gets_a_typed_error() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let (mut call, exchange) = sent(&whole, &mut handle, false).await;
    assert_eq!(whole.drain.run(SECOND).await.cut(), 1);
    assert!(call.is_woken());
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Closed);
    assert!(exchange.is_abandoned());
    assert_eq!(whole.held(), [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_a_service_again_once_its_type_is_forgotten() {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let service = Asked::clone(&whole.stack);
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    drop(whole.stack);
    handle.next().await.reply("hello");
    let answer = assert_ready_ok!(call.poll());
    assert_eq!(answer.collect().await.unwrap().text(), "hello");
}

type Time = Arc<Mutex<Option<Instant>>>;

/// Keeps what time it is for whoever is asked.
struct Seen(Time);

impl Ask<Request> for Seen {
    type Answer = Response;

    async fn ask_at(&self, _: Request, moment: Moment) -> Result<Response, Error> {
        *self.0.lock().unwrap() = Some(moment.now());
        Err(failed(ErrorKind::Server))
    }
}

#[tokio::test]
async fn a_guard_that_took_its_time_does_not_hand_on_the_time_before_it() {
    let (checked, seen) = (Time::default(), Time::default());
    let clock = Arc::clone(&checked);
    let guard = Guard::<Request>::new().with_check(move |_| {
        let began = Instant::now();
        let mut now = began;
        while now == began {
            now = Instant::now();
        }
        *clock.lock().unwrap() = Some(now);
        Ok(())
    });
    let service = GuardLayer::new(guard).layer(Seen(Arc::clone(&seen)));
    let moment = Moment::new();
    let before = moment.now();
    service.ask_at(question(false), moment).await.unwrap_err();
    let checked = checked.lock().unwrap().unwrap();
    let seen = seen.lock().unwrap().unwrap();
    assert!(before < checked);
    assert!(seen >= checked, "{seen:?} is before {checked:?}");
}
