//! What a call holds, and that it lets go of it.

use super::{SECOND, asking, limit, requests, tokens};
use crate::support::{Exchange, Feed, Way, paused, question, upstream};
use proptest::{collection::vec, prelude::*};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt};
use towline_core::{Context, Error, ErrorKind, Request, Response};
use towline_layers::{
    erased::Erased,
    limit::{Dimension, LimitConfig, LimitKey, LimitLayer, Mode, Quota, Quotas, Rules},
};

type Call = task::Spawn<tower::util::Oneshot<Erased<Request, Response>, Request>>;

/// When each of `calls` was served, where those that are marked leave after a moment.
async fn served(way: Way, calls: &[(u64, bool)], with_leavers: bool) -> Vec<Duration> {
    let (model, handle) = upstream();
    let layer = limit(tokens(1000));
    let service = way.around(&layer, model);
    let mut stay = Vec::new();
    let mut leave = Vec::new();
    let start = Instant::now();
    let mut first = task::spawn(service.clone().oneshot(asking(999, 1)));
    assert_pending!(first.poll());
    for (tokens, leaves) in calls {
        let mut call: Call = task::spawn(service.clone().oneshot(asking(tokens - 1, 1)));
        if !leaves {
            assert_pending!(call.poll());
            stay.push(call);
        } else if with_leavers {
            assert_pending!(call.poll());
            leave.push(call);
        }
    }
    drop(leave);
    let mut times = Vec::new();
    let mut seen = handle.total();
    for _ in 0..12_000 {
        advance(Duration::from_millis(5)).await;
        for call in &mut stay {
            if call.is_woken() {
                assert_pending!(call.poll());
            }
        }
        while seen < handle.total() {
            seen += 1;
            times.push(Instant::now().saturating_duration_since(start));
        }
        if times.len() == stay.len() {
            break;
        }
    }
    assert_eq!(layer.handle().waiting(), 0);
    times
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rl7_a_waiter_that_leaves_leaves_all_as_if_it_had_never_come(
        calls in vec((1_u64..=1000, any::<bool>()), 1..12),
    ) {
        let without = paused().block_on(served(Way::Called, &calls, false));
        for way in Way::BOTH {
            prop_assert_eq!(&paused().block_on(served(way, &calls, true)), &without);
        }
    }

    #[test]
    fn x1_limit_gives_back_what_calls_held_whatever_becomes_of_them(
        ops in vec((0_u8..8, any::<prop::sample::Index>()), 1..80),
    ) {
        for way in Way::BOTH {
            paused().block_on(conserve(way, &ops))?;
        }
    }
}

/// Calls in every state there is.
#[derive(Default)]
struct World {
    calls: Vec<Call>,
    exchanges: Vec<Exchange>,
    feeds: Vec<Feed>,
    responses: Vec<Response>,
}

impl World {
    fn poll(&mut self) {
        let mut polls = 0;
        let mut index = 0;
        while let Some(call) = self.calls.get_mut(index) {
            polls += 1;
            assert!(polls < 10_000, "it spins");
            match call.poll() {
                Poll::Pending => index += 1,
                Poll::Ready(Ok(response)) => {
                    self.responses.push(response);
                    drop(self.calls.remove(index));
                }
                Poll::Ready(Err(_)) => drop(self.calls.remove(index)),
            }
        }
    }
}

fn take<T>(from: &mut Vec<T>, index: &prop::sample::Index) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(index.index(from.len())))
}

async fn conserve(way: Way, ops: &[(u8, prop::sample::Index)]) -> Result<(), TestCaseError> {
    let quota = |n| Quota::per_second(super::amount(n));
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, quota(20))
        .with(Dimension::Tokens, quota(1000))
        .with_slots(3);
    let config = LimitConfig::new("upstream").with_max_wait(Some(SECOND * 3));
    let layer = LimitLayer::new(config, Rules::new(quotas));
    let (model, mut handle) = upstream();
    let service = way.around(&layer, model);
    let mut world = World::default();
    for (op, index) in ops {
        match op {
            0 | 1 => {
                let request = asking(100, 200).with_stream(*op == 1);
                world
                    .calls
                    .push(task::spawn(service.clone().oneshot(request)));
            }
            2 => drop(take(&mut world.calls, index)),
            3 => drop(take(&mut world.responses, index)),
            4 => advance(SECOND / 3).await,
            5 => match take(&mut world.exchanges, index) {
                Some(exchange) if exchange.request.stream() => world.feeds.push(exchange.stream()),
                Some(exchange) => exchange.reply("whole"),
                None => {}
            },
            6 => match take(&mut world.exchanges, index) {
                Some(exchange) => exchange.fail(ErrorKind::RateLimit),
                None => drop(take(&mut world.feeds, index).map(Feed::finish)),
            },
            _ => drop(take(&mut world.feeds, index).map(|feed| feed.fail(ErrorKind::Server))),
        }
        world.poll();
        while let Some(exchange) = handle.try_next() {
            world.exchanges.push(exchange);
        }
        prop_assert!(layer.handle().in_use() <= 3);
        prop_assert_eq!(layer.handle().in_use(), sent(&world));
    }
    drop(world);
    prop_assert_eq!(layer.handle().in_use(), 0);
    prop_assert_eq!(layer.handle().waiting(), 0);
    Ok(())
}

/// Calls that were sent and not ended, as the callers see it.
fn sent(world: &World) -> usize {
    let streams = world.responses.iter();
    let streams = streams.filter(|response| !response.body().is_complete());
    let sent = world.exchanges.iter();
    let sent = sent.filter(|exchange| !exchange.is_abandoned());
    streams.count() + sent.count()
}

#[tokio::test(start_paused = true)]
async fn x3_limit_leaks_nothing_and_wakes_the_next_wherever_it_is_dropped() {
    for (way, steps) in Way::BOTH
        .into_iter()
        .flat_map(|way| (0..6).map(move |n| (way, n)))
    {
        let (model, mut handle) = upstream();
        let layer = limit(Quotas::unlimited().with_slots(1));
        let service = way.around(&layer, model);
        let mut holder = task::spawn(service.clone().oneshot(question(false)));
        assert_pending!(holder.poll());
        let first = handle.next().await;
        let mut call = task::spawn(service.clone().oneshot(question(true)));
        let mut next = task::spawn(service.clone().oneshot(question(false)));
        if steps > 0 {
            assert_pending!(call.poll());
        }
        assert_pending!(next.poll());
        if steps > 1 {
            first.reply("the slot is free");
            assert!(assert_ready!(holder.poll()).is_ok());
        } else {
            drop(holder);
        }
        let mut exchange = None;
        if steps > 2 {
            assert_pending!(call.poll());
            exchange = Some(handle.next().await);
        }
        let feed = exchange.filter(|_| steps > 3).map(Exchange::stream);
        let response = feed.as_ref().map(|_| assert_ready!(call.poll()).unwrap());
        drop(call);
        if steps > 4 {
            if let Some(feed) = feed {
                feed.fail(ErrorKind::Server);
            }
            let mut response = response.unwrap();
            assert!(response.body_mut().next().await.unwrap().is_err());
        } else {
            drop(response);
        }
        assert!(next.is_woken(), "{way:?}, after {steps} steps");
        assert_pending!(next.poll());
        assert_eq!(layer.handle().in_use(), 1, "{way:?}, after {steps} steps");
        drop(next);
        assert_eq!(layer.handle().in_use(), 0);
        assert_eq!(layer.handle().waiting(), 0);
    }
}

/// Panics where it is called without having been ready. A clone starts unready.
#[derive(Debug, Default)]
struct Probe {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self {
            ready: false,
            calls: Arc::clone(&self.calls),
        }
    }
}

impl Service<Request> for Probe {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        assert!(self.ready, "called without having been ready");
        self.ready = false;
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(crate::support::whole("probe")))
    }
}

#[tokio::test(start_paused = true)]
async fn x5_limit_calls_the_instance_that_was_ready_however_long_it_waited() {
    let probe = Probe::default();
    let mut service = limit(requests(10, 2)).layer(probe.clone());
    for _ in 0..5 {
        let ready = service.ready().await.unwrap();
        assert!(ready.call(question(false)).await.is_ok());
    }
    assert_eq!(probe.calls.load(Ordering::SeqCst), 5);
}

/// Counts polls of what it holds.
async fn counted<F: Future>(polls: Arc<AtomicUsize>, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        polls.fetch_add(1, Ordering::SeqCst);
        future.as_mut().poll(cx)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn x5_limit_polls_are_no_more_than_what_happens() {
    const CALLS: usize = 500;
    let service = limit(requests(50, 1)).layer(Probe::default());
    let polls = Arc::new(AtomicUsize::new(0));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let call = service.clone().oneshot(question(false));
        calls.spawn(counted(Arc::clone(&polls), call));
    }
    while let Some(call) = calls.join_next().await {
        assert!(call.unwrap().is_ok());
    }
    // One to come, one to become the head, one for its timer, and one to spare.
    let polls = polls.load(Ordering::SeqCst);
    assert!(polls <= CALLS * 4, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn rl12_keys_are_looked_through_when_there_are_twice_as_many_as_were_in_use() {
    let config = LimitConfig::new("tenants").with_key(LimitKey::Tenant);
    let layer = LimitLayer::new(config, Rules::new(requests(1, 2)));
    let service = layer.layer(Probe::default());
    let mut count = 0;
    let mut more = async |tenants: usize| {
        for _ in 0..tenants {
            count += 1;
            let context = Context::new().with_tenant(format!("tenant {count}"));
            let request = question(false).with_context(context);
            service.clone().oneshot(request).await.unwrap();
        }
    };
    // The first is never forgotten. With 64 others in use it looks, and finds none idle.
    more(1 + 64 + 1).await;
    assert_eq!(layer.handle().keys(), 66);
    advance(SECOND * 2).await;
    more(128 - 65).await;
    assert_eq!(
        layer.handle().keys(),
        129,
        "all are idle, and it does not look"
    );
    advance(SECOND * 2).await;
    more(1).await;
    assert_eq!(layer.handle().keys(), 2);
    let debug = format!("{layer:?}");
    assert!(debug.contains("keys: 2"), "{debug}");
}

#[tokio::test(start_paused = true)]
async fn rl12_idle_keys_are_forgotten_and_grant_no_more_for_it() {
    let config = LimitConfig::new("tenants")
        .with_key(LimitKey::Tenant)
        .with_mode(Mode::Reject);
    let layer = LimitLayer::new(config, Rules::new(requests(1, 2)));
    let service = layer.layer(Probe::default());
    let ask = |tenant: String| {
        let request = question(false).with_context(Context::new().with_tenant(tenant));
        service.clone().oneshot(request)
    };
    for n in 0..10_000 {
        assert!(ask(format!("tenant {n}")).await.is_ok());
        if n % 10 == 0 {
            advance(SECOND / 10).await;
        }
        // A hundred new keys a second, each in use for one: those, and as many that are idle.
        assert!(
            layer.handle().keys() <= 400,
            "{} keys",
            layer.handle().keys()
        );
        if n % 100 == 0 {
            // One that is used all the time is never forgotten: it has one a second, and one more
            // at first.
            let often = ask("often".to_owned()).await.is_ok();
            let again = ask("often".to_owned()).await.is_ok();
            assert_eq!(again, n == 0, "call {n}");
            assert!(often);
        }
    }
}
