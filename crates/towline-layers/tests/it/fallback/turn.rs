//! The time that a target leaves to those behind it.

use super::{
    moves, recorded,
    ways::{About, Call, WAYS, Way, call},
};
use crate::support::{Handle, question, upstream};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};
use towline_core::{
    Capabilities, Capability, Clock, CompletionOptions, Error, ErrorKind, Event, Request, Response,
    RetrySafety, ToolSpec,
};
use towline_layers::fallback::{Fallback, Target};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

/// A call that has so much time, to targets of which nothing is known.
fn within<const N: usize>(way: Way, time: Duration, mut request: Request) -> (Call, [Handle; N]) {
    request.context_mut().narrow_deadline(Instant::now() + time);
    call(way, [About::default(); N], request)
}

/// What is left to whoever got `request` before the answer has to begin.
fn left(request: &Request) -> Duration {
    let end = request.context().begin_by().expect("an end");
    end.saturating_duration_since(Instant::now())
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stalls_leaves_a_part_of_the_time_to_the_next() {
    // A quarter, and a minute at most.
    for (all, first) in [(SECOND * 40, SECOND * 30), (SECOND * 600, SECOND * 540)] {
        for way in WAYS {
            for stream in [false, true] {
                let (request, journey) = recorded();
                let (mut call, [mut a, mut b]) = within(way, all, request.with_stream(stream));
                assert_pending!(call.poll());
                let silent = a.next().await;
                assert_eq!(left(&silent.request), first, "{way:?}");
                advance(first - TICK).await;
                assert_pending!(call.poll());
                assert!(!silent.is_abandoned() && b.total() == 0, "{way:?}");
                advance(TICK).await;
                assert_pending!(call.poll());
                assert!(silent.is_abandoned(), "{way:?}");
                let asked = b.next().await;
                assert_eq!(
                    left(&asked.request),
                    all - first,
                    "the rest is the last one's"
                );
                asked.reply("in time");
                assert_ready_ok!(call.poll());
                assert_eq!(moves(&journey), [("a".into(), "b".into())]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_leaves_a_part_of_what_was_left_to_it() {
    for way in WAYS {
        let (mut call, [mut a, mut b, mut c]) = within(way, SECOND * 64, question(false));
        assert_pending!(call.poll());
        let first = a.next().await;
        advance(SECOND * 48).await;
        assert_pending!(call.poll());
        let second = b.next().await;
        assert_eq!(left(&second.request), SECOND * 12, "{way:?}");
        advance(SECOND * 12).await;
        assert_pending!(call.poll());
        assert!(first.is_abandoned() && second.is_abandoned());
        c.next().await.fail(ErrorKind::Server);
        let error = assert_ready_err!(call.poll());
        let clocks: Vec<_> = error.others().iter().map(Error::clock).collect();
        assert_eq!(clocks, [Some(Clock::Target); 2], "{way:?}");
        let told = error.others()[1].message().unwrap();
        assert!(told.contains("`b`") && told.contains("12.0s"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_is_not_held_to_the_turn() {
    for way in WAYS {
        let (mut call, [mut a, b]) = within(way, SECOND * 40, question(true));
        assert_pending!(call.poll());
        let feed = a.next().await.stream();
        feed.send(Event::Ping);
        advance(SECOND * 29).await;
        assert_pending!(call.poll());
        feed.text("late");
        let answer = assert_ready_ok!(call.poll());
        advance(SECOND * 10).await;
        feed.finish();
        assert_eq!(answer.collect().await.unwrap().text(), "late");
        assert_eq!(b.total(), 0, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_must_not_be_sent_twice_is_not_left_for_the_next() {
    for way in WAYS {
        let mut request = question(false);
        *request.context_mut() = request.context().clone().with_retry(RetrySafety::Once);
        let (mut call, [mut a, b]) = within(way, SECOND * 40, request);
        assert_pending!(call.poll());
        let exchange = a.next().await;
        assert_eq!(left(&exchange.request), SECOND * 40, "{way:?}");
        advance(SECOND * 39).await;
        assert_pending!(call.poll());
        exchange.reply("late, and once");
        assert_ready_ok!(call.poll());
        assert_eq!(b.total(), 0, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_that_his_time_is_over_makes_way_for_the_next() {
    for way in WAYS {
        let (mut call, [mut a, mut b]) = within(way, SECOND * 40, question(false));
        assert_pending!(call.poll());
        let exchange = a.next().await;
        advance(SECOND * 30).await;
        // A queue inside, for one: it took the end of the turn for that of the call.
        let late = Error::new(ErrorKind::Timeout).with_clock(Clock::Total);
        exchange.answer(Err(late.with_refused_by("concurrency")));
        assert_pending!(call.poll());
        b.next().await.reply("in time");
        assert_ready_ok!(call.poll());
    }
}

#[tokio::test(start_paused = true)]
async fn all_the_time_is_there_where_nobody_is_behind_or_nothing_is_to_be_left() {
    let tool = ToolSpec::new("t", "does", &serde_json::json!({"type": "object"}));
    let options = CompletionOptions::new().with_tools([tool]);
    for way in WAYS {
        let mut request = question(false).with_options(options.clone());
        request
            .context_mut()
            .narrow_deadline(Instant::now() + SECOND * 40);
        let about = |can: &[Capability]| About {
            can: Some(Capabilities::of(can)),
            ..About::default()
        };
        let targets = [about(&[Capability::Tools]), about(&[])];
        let (mut call, [mut a, _b]) = call(way, targets, request);
        assert_pending!(call.poll());
        assert_eq!(left(&a.next().await.request), SECOND * 40, "{way:?}");
    }
    let ((one, mut a), (other, _b)) = (upstream(), upstream());
    let service = Fallback::new(Target::new("a", one)).then(Target::new("b", other));
    let service = service.with_reserve(Duration::ZERO);
    let mut request = question(false);
    request
        .context_mut()
        .narrow_deadline(Instant::now() + SECOND * 40);
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    assert_eq!(left(&a.next().await.request), SECOND * 40);
}

#[tokio::test(start_paused = true)]
async fn x3_fallback_that_is_dropped_in_a_turn_leaves_nothing_behind() {
    for way in WAYS {
        for turns in 0..2_u32 {
            let (mut call, [a, b]) = within(way, SECOND * 40, question(false));
            assert_pending!(call.poll());
            advance(SECOND * 30 * turns).await;
            assert_pending!(call.poll());
            drop(call);
            let asked = (a.total(), b.total());
            assert_eq!(asked, (1, usize::from(turns > 0)), "{way:?}");
            for mut handle in [a, b] {
                let mut abandoned = 0;
                while let Some(exchange) = handle.try_next() {
                    assert!(exchange.is_abandoned(), "{way:?}");
                    abandoned += 1;
                }
                assert_eq!(abandoned, handle.total(), "{way:?}");
            }
        }
    }
}

/// Ready at no time.
#[derive(Clone, Debug)]
struct Full;

impl Service<Request> for Full {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Pending
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        panic!("called without being ready");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_get_ready_makes_way_at_the_end_of_its_turn() {
    let ((a, mut on_a), (c, mut on_c)) = (upstream(), upstream());
    let target = |name, service| Target::new(name, service);
    let service = Fallback::new(target("a", BoxCloneSyncService::new(a)))
        .then(target("b", BoxCloneSyncService::new(Full)))
        .then(target("c", BoxCloneSyncService::new(c)));
    let mut request = question(false);
    let deadline = Instant::now() + SECOND * 40;
    request.context_mut().narrow_deadline(deadline);
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    on_a.next().await.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    advance(SECOND * 30 - TICK).await;
    assert_pending!(call.poll());
    assert_eq!(on_c.total(), 0);
    advance(TICK).await;
    assert_pending!(call.poll());
    on_c.next().await.reply("ready");
    assert_ready_ok!(call.poll());
}
