//! What holds of a call through several layers.

use crate::support::{Exchange, Handle, Upstream, Way, paused, question, upstream};
use proptest::{
    prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest},
    test_runner::TestCaseError,
};
use std::{task::Poll, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, ServiceExt};
use towline_core::{Context, ErrorKind, Event, Journey, Request, Response, Step, Usage};
use towline_layers::{
    erased::Erased,
    fallback::{Fallback, Target},
    hedge::{HedgeLayer, HedgePolicy},
    journey::{Attempt, AttemptLayer},
    limit::{LimitConfig, LimitLayer, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
    timeout::TotalLayer,
};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The provider says that it used so many tokens.
    Answer(u64),
    Fail,
    BreakOff,
    /// Twelve bytes, and then an error.
    BreakLate,
    HangUp,
    Silence,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        (10_u64..1000).prop_map(Fate::Answer),
        Just(Fate::Fail),
        Just(Fate::BreakOff),
        Just(Fate::BreakLate),
        Just(Fate::HangUp),
        Just(Fate::Silence),
    ];
    proptest::collection::vec(fate, 6)
}

impl Fate {
    /// What is written down. Where nobody says, the question is two tokens, and four bytes are one.
    const fn tokens(self) -> u64 {
        match self {
            Self::Answer(used) => used,
            Self::BreakLate => 2 + 3,
            _ => 2,
        }
    }

    /// Lets `exchange` meet it. What is not answered stays.
    fn meet(self, exchange: Exchange) -> Option<Exchange> {
        match self {
            Self::Answer(used) => {
                let feed = exchange.stream();
                feed.text("yes");
                feed.send(Event::Usage(Usage::inclusive(1, used - 1)));
                feed.finish();
            }
            Self::Fail => exchange.fail(ErrorKind::Server),
            Self::BreakOff => exchange.stream().fail(ErrorKind::Transport),
            Self::BreakLate => {
                let feed = exchange.stream();
                feed.text("twelve bytes");
                feed.fail(ErrorKind::Transport);
            }
            Self::HangUp => drop(exchange),
            Self::Silence => return Some(exchange),
        }
        None
    }
}

/// A model whose attempts are written down.
fn recorded() -> (Attempt<Upstream>, Handle) {
    let (model, handle) = upstream();
    (AttemptLayer::new("upstream").layer(model), handle)
}

/// Makes a call whose attempts meet `fates`, and compares what is written down with what they used.
async fn adds_up(
    model: Erased<Request, Response>,
    mut handle: Handle,
    fates: &[Fate],
) -> Result<(), TestCaseError> {
    let journey = Journey::new();
    let context = Context::new().with_journey(journey.clone());
    let mut call = task::spawn(model.oneshot(question(true).with_context(context)));
    let (mut fates, mut used, mut silent) = (fates.iter(), Vec::new(), Vec::new());
    // Who waits for a provider that is silent does so for ever.
    for _poll in 0..20 {
        if let Poll::Ready(result) = call.poll() {
            if let Ok(answer) = result {
                drop(answer.collect().await);
            }
            break;
        }
        match handle.try_next() {
            None => advance(SECOND * 10).await,
            Some(exchange) => {
                let fate = fates.next().copied().unwrap_or(Fate::Fail);
                used.push(fate.tokens());
                silent.extend(fate.meet(exchange));
            }
        }
    }
    drop(call);
    let steps = journey.steps().into_iter();
    let written = steps.filter_map(|step| match step {
        Step::Attempt(attempt) => attempt.tokens(),
        _ => None,
    });
    prop_assert_eq!(journey.tokens(), used.iter().sum::<u64>());
    prop_assert_eq!(written.collect::<Vec<_>>(), used);
    Ok(())
}

proptest! {
    #[test]
    fn x4_retry_usage_of_the_attempts_adds_up_to_that_of_the_call(fates in fates()) {
        for way in Way::BOTH {
            let (model, handle) = recorded();
            let retry = way.around(&RetryLayer::new(RetryPolicy::default()), model);
            paused().block_on(adds_up(retry, handle, &fates))?;
        }
    }

    #[test]
    fn x4_hedge_usage_of_the_attempts_adds_up_to_that_of_the_call(fates in fates()) {
        let (model, handle) = recorded();
        let policy = HedgePolicy::default().with_delay(SECOND);
        let hedge = Erased::new(HedgeLayer::new(policy).layer(model));
        paused().block_on(adds_up(hedge, handle, &fates))?;
    }

    #[test]
    fn x4_fallback_usage_of_the_attempts_adds_up_to_that_of_the_call(fates in fates()) {
        let (model, handle) = recorded();
        let target = |name| Target::new(name, model.clone());
        let chain = Fallback::new(target("a")).then(target("b")).then(target("c"));
        paused().block_on(adds_up(Erased::new(chain), handle, &fates))?;
    }
}

#[tokio::test(start_paused = true)]
async fn to5_what_is_left_never_grows_from_attempt_to_attempt() {
    let (model, mut handle) = upstream();
    // A clock in the attempts would begin anew each time.
    let model = TotalLayer::new(SECOND * 600).layer(model);
    let retry = RetryLayer::new(RetryPolicy::default()).layer(model);
    let target = |name| Target::new(name, retry.clone());
    let chain = Fallback::new(target("a")).then(target("b"));
    let total = TotalLayer::new(SECOND * 60).layer(chain);
    let end = Instant::now() + SECOND * 60;
    let mut call = task::spawn(total.oneshot(question(true)));
    let mut asked = 0;
    while call.poll().is_pending() {
        if let Some(exchange) = handle.try_next() {
            assert_eq!(exchange.request.context().deadline(), Some(end));
            asked += 1;
            exchange.fail(ErrorKind::Server);
        }
        advance(SECOND).await;
    }
    assert_eq!(asked, 3 * 2, "each target is asked three times");
}

/// As a client is, that is a target of another.
#[tokio::test(start_paused = true)]
async fn a_total_within_a_target_does_not_hold_its_stream_to_the_turn() {
    let ((one, mut a), (other, b)) = (upstream(), upstream());
    let within = |service| TotalLayer::new(SECOND * 300).layer(service);
    let service =
        Fallback::new(Target::new("a", within(one))).then(Target::new("b", within(other)));
    let mut request = question(true);
    request
        .context_mut()
        .narrow_deadline(Instant::now() + SECOND * 40);
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    let feed = a.next().await.stream();
    feed.text("begun");
    let answer = assert_ready_ok!(call.poll());
    advance(SECOND * 35).await;
    feed.text(" and ended");
    feed.finish();
    assert_eq!(answer.collect().await.unwrap().text(), "begun and ended");
    assert_eq!(b.total(), 0);
}

/// It waits for a place at the limit, then between its attempts.
#[tokio::test(start_paused = true)]
async fn to1_queues_and_pauses_of_a_call_are_within_its_total() {
    let (model, mut handle) = upstream();
    let quotas = Quotas::unlimited().with_slots(1);
    let limit = LimitLayer::new(LimitConfig::new("model"), Rules::new(quotas));
    let policy = RetryPolicy::default().with_max_attempts(u32::MAX);
    let retry = RetryLayer::new(policy).layer(limit.layer(model));
    let total = TotalLayer::new(SECOND * 60).layer(retry);
    let mut first = task::spawn(total.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    let taken = handle.next().await;

    let begin = Instant::now();
    let mut call = task::spawn(total.oneshot(question(false)));
    assert_pending!(call.poll());
    advance(SECOND * 50).await;
    assert_pending!(call.poll());
    assert_eq!(handle.total(), 1, "it is in the queue");
    taken.reply("freed");
    assert_ready_ok!(first.poll());
    let error = loop {
        if let Poll::Ready(result) = call.poll() {
            break result.unwrap_err();
        }
        match handle.try_next() {
            Some(exchange) => exchange.fail(ErrorKind::Server),
            None => advance(TICK).await,
        }
    };
    assert!(handle.total() > 2, "it has paused between attempts");
    let took = Instant::now().saturating_duration_since(begin);
    assert!(took > SECOND * 50 && took <= SECOND * 60 + TICK, "{took:?}");
    assert_eq!(error.kind(), ErrorKind::Server, "the real error is told");
    assert_eq!(limit.handle().in_use(), 0);
}
