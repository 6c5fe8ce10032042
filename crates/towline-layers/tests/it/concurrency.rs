//! At most so many calls under way, streams included.

mod capacity;
mod order;
mod state;

use super::support::{Handle, Upstream, failed, question, upstream, whole};
use std::{
    future::Future,
    num::NonZeroUsize,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};
use tokio::{task::JoinSet, time::advance};
use tokio_test::{
    assert_pending, assert_ready, assert_ready_err, assert_ready_ok,
    task::{self, Spawn},
};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline_core::{Clock, Context, Error, ErrorKind, Journey, Priority, Request, Response, Step};
use towline_layers::{
    adaptive::Adaptive,
    concurrency::{Concurrency, ConcurrencyHandle, ConcurrencyLayer},
};

type Call = Spawn<Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

const SECOND: Duration = Duration::from_secs(1);

fn limit(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("a limit above zero")
}

fn bound(layer: &ConcurrencyLayer) -> (Concurrency<Upstream>, Handle, ConcurrencyHandle) {
    let (upstream, handle) = upstream();
    (layer.layer(upstream), handle, layer.handle())
}

/// A call that was made and not polled.
fn call<S>(service: &mut S, request: Request) -> Call
where
    S: Service<Request, Response = Response, Error = Error, Future: Send + 'static>,
{
    assert_ready_ok!(task::spawn(service.ready()).poll());
    task::spawn(Box::pin(service.call(request)))
}

fn with(context: Context) -> Request {
    question(false).with_context(context)
}

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<ConcurrencyLayer>();
const _: () = promised::<ConcurrencyHandle>();
const _: () = promised::<Concurrency<()>>();

#[tokio::test(start_paused = true)]
async fn cl1_fifty_streams_at_a_limit_of_two_are_never_more_than_two() {
    let (service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(2)));
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let service = service.clone();
        calls.spawn(async move {
            let answer = service.oneshot(question(true)).await?;
            answer.into_body().collect().await
        });
    }
    for served in 0..50 {
        let feed = handle.next().await.stream();
        assert!(feed.text("a"));
        // The answer has begun and others would like to: the head frees nothing.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(handle.live() <= 2);
        assert_eq!(slots.in_flight(), 2.min(50 - served));
        assert!(feed.text("b"));
        feed.finish();
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap().unwrap().text(), "ab");
    }
    assert_eq!((handle.most(), handle.total()), (2, 50));
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn cl2_a_limit_that_sinks_takes_nothing_from_calls_under_way() {
    let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(4)));
    let mut calls: Vec<_> = (0..4)
        .map(|_| call(&mut service, question(false)))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    slots.set_limit(limit(2));
    let mut waiting = call(&mut service, question(false));
    assert_pending!(waiting.poll());
    for left in [3, 2] {
        handle.next().await.reply("whole");
        assert_ready_ok!(calls.remove(0).poll());
        assert_eq!((slots.in_flight(), slots.waiting()), (left, 1));
    }
    handle.next().await.reply("whole");
    assert_ready_ok!(calls.remove(0).poll());
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    assert_eq!((slots.in_flight(), slots.waiting()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_rises_lets_in_who_waits() {
    let (mut service, handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
    let mut calls: Vec<_> = (0..5)
        .map(|_| call(&mut service, question(false)))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    slots.set_limit(limit(3));
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!((handle.live(), slots.waiting()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn t6_a_stream_keeps_its_slot_until_it_ends_fails_or_is_dropped() {
    for end in ["ends", "fails", "is dropped"] {
        let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
        let mut first = call(&mut service, question(true));
        assert_pending!(first.poll());
        let feed = handle.next().await.stream();
        let mut body = assert_ready_ok!(first.poll()).into_body();
        let mut second = call(&mut service, question(true));
        assert_pending!(second.poll());
        assert!(feed.text("a"));
        assert!(body.next().await.is_some());
        assert!(!second.is_woken(), "{end}");
        match end {
            "ends" => {
                feed.finish();
                assert!(body.next().await.unwrap().is_ok());
            }
            "fails" => {
                feed.fail(ErrorKind::Server);
                assert!(body.next().await.unwrap().is_err());
            }
            _ => drop(body),
        }
        assert!(second.is_woken(), "{end}");
        assert_pending!(second.poll());
        assert_eq!((slots.in_flight(), handle.live()), (1, 1), "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn t9_one_that_is_ready_and_does_not_call_holds_nothing() {
    let (service, handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
    let mut clones: Vec<_> = (0..10).map(|_| service.clone()).collect();
    for clone in &mut clones {
        assert_ready_ok!(task::spawn(clone.ready()).poll());
    }
    assert_eq!(slots.in_flight(), 0);
    let mut call = call(clones.last_mut().unwrap(), question(false));
    assert_pending!(call.poll());
    assert_eq!(handle.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn x3_concurrency_a_call_that_is_dropped_at_any_time_leaves_nothing_and_wakes_the_next() {
    for stream in [false, true] {
        for polls in 0..6 {
            let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
            let mut holder = call(&mut service, question(false));
            assert_pending!(holder.poll());
            let mut dropped = call(&mut service, question(stream));
            let mut next = call(&mut service, question(false));
            assert_pending!(next.poll());
            let mut answer = None;
            for poll in 0..polls {
                // It waits, is let in, is called, and its answer begins.
                match poll {
                    1 => {
                        handle.next().await.reply("whole");
                        assert_ready_ok!(holder.poll());
                    }
                    3 => {
                        let feed = handle.next().await.stream();
                        assert!(feed.text("a"));
                    }
                    _ => {}
                }
                if answer.is_none() {
                    answer = match dropped.poll() {
                        Poll::Ready(result) => Some(result),
                        Poll::Pending => None,
                    };
                }
            }
            drop(dropped);
            drop(answer);
            drop(holder);
            assert!(next.is_woken(), "{polls} polls");
            assert_pending!(next.poll());
            assert_eq!(
                (slots.in_flight(), slots.waiting()),
                (1, 0),
                "{polls} polls"
            );
            drop(next);
            assert_eq!(
                (slots.in_flight(), slots.waiting()),
                (0, 0),
                "{polls} polls"
            );
            while handle.try_next().is_some() {}
            assert_eq!(handle.live(), 0, "{polls} polls");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn x3_concurrency_a_slot_that_was_given_and_not_seen_goes_on() {
    let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
    let mut calls: Vec<_> = (0..3)
        .map(|_| call(&mut service, question(false)))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    handle.next().await.reply("whole");
    assert_ready_ok!(calls.remove(0).poll());
    let given = calls.remove(0);
    assert!(given.is_woken());
    assert!(!calls[0].is_woken());
    drop(given);
    assert!(calls[0].is_woken());
    assert_pending!(calls[0].poll());
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn x1_concurrency_holds_between_threads() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);

    /// A call under way.
    struct Counted;

    impl Counted {
        fn new() -> Self {
            let now = NOW.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(now, Ordering::SeqCst);
            Self
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            NOW.fetch_sub(1, Ordering::SeqCst);
        }
    }

    let layer = ConcurrencyLayer::new(limit(3)).with_max_queued(100);
    let service = layer.layer(service_fn(|request: Request| async move {
        let _counted = Counted::new();
        for _ in 0..request.context().seed() % 4 {
            tokio::task::yield_now().await;
        }
        Ok::<_, Error>(whole("whole"))
    }));
    let mut callers = JoinSet::new();
    for caller in 0..64_u64 {
        let service = service.clone();
        callers.spawn(async move {
            for turn in 0..200 {
                let context = Context::new().with_seed(caller + turn);
                let mut call = Box::pin(service.clone().oneshot(with(context)));
                // Every third leaves after a look, from the queue or with a slot.
                if (caller + turn) % 3 == 0 {
                    let look = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx)));
                    drop(look.await);
                } else {
                    call.await.expect("100 places are enough for 64 callers");
                }
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.expect("no caller fails");
    }
    let slots = layer.handle();
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
    assert!(MOST.load(Ordering::SeqCst) <= 3);
}

/// Panics where it is called and was not ready; a clone is not ready.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request> for Strict {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut std::task::Context<'_>) -> Poll<Result<(), Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called without being ready"
        );
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn x5_concurrency_the_instance_that_was_ready_is_called_and_nothing_spins() {
    let layer = ConcurrencyLayer::new(limit(1));
    let mut service = layer.layer(Strict::default());
    let mut calls = Vec::new();
    for _ in 0..3 {
        assert_ready_ok!(task::spawn(service.ready()).poll());
        calls.push(task::spawn(service.call(question(false))));
    }
    for call in &mut calls {
        assert_pending!(call.poll());
        assert_pending!(call.poll());
        assert!(!call.is_woken(), "a call that waits does not wake itself");
    }
    drop(calls.remove(0));
    assert!(
        calls[0].is_woken() && !calls[1].is_woken(),
        "one slot wakes one"
    );
    assert_pending!(calls[0].poll());
    assert!(!calls[0].is_woken());
    drop(calls.remove(0));
    assert!(calls[0].is_woken());
    assert_pending!(calls[0].poll());
}

#[tokio::test(start_paused = true)]
async fn x6_concurrency_a_full_queue_refuses_at_once_and_says_when_to_come_back() {
    let layer = ConcurrencyLayer::new(limit(1)).with_max_queued(1);
    let (mut service, _handle, slots) = bound(&layer);
    let mut calls: Vec<_> = (0..2)
        .map(|_| call(&mut service, question(false)))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    advance(3 * SECOND).await;
    let journey = Journey::new();
    let mut third = call(
        &mut service,
        with(Context::new().with_journey(journey.clone())),
    );
    let error = assert_ready_err!(third.poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.refused_by(), Some("concurrency"));
    assert_eq!(
        error.retry_after(),
        Some(3 * SECOND),
        "the oldest waits for that long"
    );
    assert!(error.message().unwrap().contains("`limit.max_queued`"));
    assert_eq!(slots.waiting(), 1);
    let refused = Step::Refused {
        layer: "concurrency",
        kind: ErrorKind::Overloaded,
        retry_after: Some(3 * SECOND),
    };
    assert_eq!(journey.steps(), [refused]);
}

/// The limit after a call that the target answers with `error` while nine others are under way.
async fn limit_after(error: Error) -> usize {
    let layer = ConcurrencyLayer::adaptive(Adaptive::builder().initial(10).build().unwrap());
    let (mut service, mut handle, slots) = bound(&layer);
    let mut calls: Vec<_> = (0..10)
        .map(|_| call(&mut service, question(false)))
        .collect();
    handle.next().await.answer(Err(error));
    assert_ready_err!(calls[0].poll());
    slots.limit()
}

#[tokio::test(start_paused = true)]
async fn x6_concurrency_what_was_refused_before_the_target_says_nothing_of_the_target() {
    for kind in [
        ErrorKind::Overloaded,
        ErrorKind::Timeout,
        ErrorKind::RateLimit,
    ] {
        assert_eq!(
            limit_after(failed(kind).with_refused_by("breaker")).await,
            10
        );
        assert_eq!(limit_after(failed(kind)).await, 9);
    }
    assert_eq!(limit_after(failed(ErrorKind::InvalidRequest)).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_deadline_and_says_which_clock() {
    let (mut service, _handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
    let mut holder = call(&mut service, question(false));
    assert_pending!(holder.poll());
    let deadline = tokio::time::Instant::now() + 5 * SECOND;
    let journey = Journey::new();
    let context = Context::new()
        .with_deadline(deadline)
        .with_journey(journey.clone());
    let mut waiting = call(&mut service, with(context.clone()));
    assert_pending!(waiting.poll());
    advance(5 * SECOND - Duration::from_millis(1)).await;
    assert_pending!(waiting.poll());
    advance(Duration::from_millis(1)).await;
    assert!(waiting.is_woken());
    let error = assert_ready_err!(waiting.poll());
    assert_eq!(
        (error.kind(), error.clock()),
        (ErrorKind::Timeout, Some(Clock::Total))
    );
    assert_eq!(
        (error.refused_by(), error.is_retryable()),
        (Some("concurrency"), false)
    );
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 0));
    assert_eq!(journey.waited(), 5 * SECOND);
    // And one that is late already does not wait at all.
    let error = assert_ready_err!(call(&mut service, with(context)).poll());
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_late_is_not_sent_though_a_slot_is_there() {
    let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
    let mut holder = call(&mut service, question(false));
    assert_pending!(holder.poll());
    let deadline = tokio::time::Instant::now() + SECOND;
    let mut late = call(&mut service, with(Context::new().with_deadline(deadline)));
    let mut next = call(&mut service, question(false));
    assert_pending!(late.poll());
    assert_pending!(next.poll());
    advance(2 * SECOND).await;
    handle.next().await.reply("whole");
    assert_ready_ok!(holder.poll());
    assert_eq!(assert_ready_err!(late.poll()).kind(), ErrorKind::Timeout);
    assert!(next.is_woken(), "the slot goes on");
    assert_pending!(next.poll());
    assert_eq!((slots.in_flight(), handle.total()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_longest_wait_and_a_slot_that_comes_with_it_wins() {
    let layer = ConcurrencyLayer::new(limit(1)).with_max_wait(SECOND);
    let (mut service, mut handle, slots) = bound(&layer);
    let mut holder = call(&mut service, question(false));
    let mut waiting: Vec<_> = (0..2)
        .map(|_| call(&mut service, question(false)))
        .collect();
    assert_pending!(holder.poll());
    for call in &mut waiting {
        assert_pending!(call.poll());
    }
    advance(SECOND).await;
    handle.next().await.reply("whole");
    assert_ready_ok!(holder.poll());
    assert_pending!(waiting[0].poll());
    let error = assert_ready_err!(waiting[1].poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.refused_by(), Some("concurrency"));
    assert_eq!(error.retry_after(), Some(SECOND));
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_urgent_call_takes_the_place_of_one_that_is_not() {
    let layer = ConcurrencyLayer::new(limit(1)).with_max_queued(2);
    let (mut service, _handle, slots) = bound(&layer);
    let mut holder = call(&mut service, question(false));
    assert_pending!(holder.poll());
    let of = |priority| with(Context::new().with_priority(priority));
    let mut background = call(&mut service, of(Priority::Background));
    let mut normal = call(&mut service, of(Priority::Normal));
    assert_pending!(background.poll());
    assert_pending!(normal.poll());
    let mut urgent = call(&mut service, of(Priority::Interactive));
    assert_pending!(urgent.poll());
    assert!(background.is_woken());
    assert_eq!(
        assert_ready_err!(background.poll()).kind(),
        ErrorKind::Overloaded
    );
    drop(holder);
    assert!(urgent.is_woken() && !normal.is_woken());
    assert_eq!(slots.waiting(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_follows_the_target_over_streams() {
    let adaptive = Adaptive::builder().initial(4).build().unwrap();
    let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::adaptive(adaptive));
    let mut calls: Vec<_> = (0..4).map(|_| call(&mut service, question(true))).collect();
    let mut feeds = Vec::new();
    for call in &mut calls {
        assert_pending!(call.poll());
        feeds.push(handle.next().await.stream());
    }
    let mut bodies: Vec<_> = calls
        .iter_mut()
        .map(|call| assert_ready_ok!(call.poll()).into_body())
        .collect();
    feeds.remove(0).finish();
    assert!(bodies.remove(0).next().await.unwrap().is_ok());
    assert_eq!(
        slots.limit(),
        5,
        "one that ended well, while the limit was used"
    );
    let feed = feeds.remove(0);
    assert!(feed.text("a"));
    feed.fail(ErrorKind::Overloaded);
    let mut body = bodies.remove(0);
    assert!(body.next().await.unwrap().is_ok());
    assert!(body.next().await.unwrap().is_err());
    assert_eq!(
        slots.limit(),
        4,
        "and one that the target broke off, having too much to do"
    );
    drop(bodies);
    assert_eq!(
        (slots.limit(), slots.in_flight()),
        (4, 0),
        "a caller that leaves says nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_service_is_made_of_can_be_read() {
    let layer = ConcurrencyLayer::new(limit(3)).with_max_queued(7);
    let service = layer.layer(service_fn(|_: Request| async {
        Err::<Response, _>(failed(ErrorKind::Server))
    }));
    let text = format!("{layer:?} {:?}", layer.handle());
    for part in [
        "limit: 3",
        "in_flight: 0",
        "waiting: 0",
        "max_queued: Some(7)",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let mut call = task::spawn(service.oneshot(question(false)));
    assert!(assert_ready!(call.poll()).is_err());
}
