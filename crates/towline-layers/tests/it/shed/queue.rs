//! The gate and the queue behind it.

use crate::support::{Exchange, Handle, Upstream, paused, question, upstream, whole};
use proptest::{collection::vec, prelude::*};
use std::{num::NonZeroUsize, task::Poll, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline_core::{Context, Error, ErrorKind, Journey, Priority, Request, Response, Step};
use towline_layers::{
    concurrency::{Concurrency, ConcurrencyLayer},
    overload::{AgeBound, QueueGauge},
    shed::{Shed, ShedLayer},
};

const SECOND: Duration = Duration::from_secs(1);
const PRIORITIES: [Priority; 3] = [
    Priority::Background,
    Priority::Normal,
    Priority::Interactive,
];

fn stack(rule: AgeBound) -> (Shed<Concurrency<Upstream>>, Handle, QueueGauge) {
    let (upstream, handle) = upstream();
    let gauge = QueueGauge::new();
    let layer = ConcurrencyLayer::new(NonZeroUsize::MIN).with_gauge(gauge.clone());
    let service = ShedLayer::new(gauge.clone(), rule).layer(layer.layer(upstream));
    (service, handle, gauge)
}

fn of(priority: Priority) -> Request {
    question(false).with_context(Context::new().with_priority(priority))
}

#[tokio::test]
async fn sh1_and_t8_a_million_calls_in_one_task_and_none_is_shed() {
    let rule = AgeBound::new(Duration::from_millis(40));
    let gauge = QueueGauge::new();
    let bound = ConcurrencyLayer::new(NonZeroUsize::MIN);
    let bound = bound.with_gauge(gauge.clone()).with_age_bound(rule);
    let model = service_fn(|(): ()| async { Ok::<_, Error>(()) });
    let mut service = ShedLayer::new(gauge, rule).layer(bound.layer(Unmetered(model)));
    let request = question(false);
    // All in one task and without a pause: where readiness were asked, tokio's budget of 128
    // would run out and say that it is not.
    for _ in 0..1_000_000 {
        let ready = service.ready().await.expect("always ready");
        ready.call(request.clone()).await.expect("never shed");
    }
}

/// Answers what was asked with something else.
#[derive(Clone)]
struct Unmetered<S>(S);

impl<S: Service<(), Response = (), Error = Error>> Service<Request> for Unmetered<S> {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        std::future::ready(Ok(whole("whole")))
    }
}

#[tokio::test(start_paused = true)]
async fn the_older_the_queue_the_more_urgent_a_call_has_to_be() {
    let (mut service, _handle, gauge) = stack(AgeBound::new(8 * SECOND));
    let mut held: Vec<_> = (0..2)
        .map(|_| task::spawn(service.call(question(false))))
        .collect();
    for call in &mut held {
        assert_pending!(call.poll());
    }
    // In the background to 2 s, normal to 5 s, interactive to 8 s.
    for (age, passes) in [(2, 3), (3, 2), (5, 2), (6, 1), (8, 1), (9, 0)] {
        let oldest = age * SECOND;
        advance(oldest - gauge.oldest_age().unwrap()).await;
        let passed = PRIORITIES.map(|priority| {
            let mut call = task::spawn(service.call(of(priority)));
            call.poll().is_pending()
        });
        let expected = [passes > 2, passes > 1, passes > 0];
        assert_eq!(passed, expected, "at {age} s");
        assert_eq!(gauge.len(), 1, "who passed has left");
    }
}

#[tokio::test(start_paused = true)]
async fn x6_shed_a_call_that_is_shed_learns_by_whom_and_when_to_come_back() {
    let (mut service, handle, _gauge) = stack(AgeBound::new(8 * SECOND));
    let mut held: Vec<_> = (0..2)
        .map(|_| task::spawn(service.call(question(false))))
        .collect();
    for call in &mut held {
        assert_pending!(call.poll());
    }
    advance(9 * SECOND).await;
    let journey = Journey::new();
    let context = Context::new().with_journey(journey.clone());
    let mut shed = task::spawn(service.call(question(false).with_context(context)));
    let error = assert_ready_err!(shed.poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.refused_by(), Some("shed"));
    assert_eq!(error.retry_after(), Some(9 * SECOND));
    let refused = Step::Refused {
        layer: "shed",
        kind: ErrorKind::Overloaded,
        retry_after: Some(9 * SECOND),
    };
    assert_eq!(journey.steps(), [refused]);
    assert_eq!(handle.total(), 1, "nothing was sent");
    // The queue moves on, and so do calls.
    drop(held);
    let mut next = task::spawn(service.call(of(Priority::Background)));
    assert_pending!(next.poll());
}

#[tokio::test(start_paused = true)]
async fn x3_shed_a_call_that_is_dropped_at_any_time_leaves_nothing() {
    for polls in 0..3 {
        let (mut service, mut handle, gauge) = stack(AgeBound::new(8 * SECOND));
        let mut held = task::spawn(service.call(question(false)));
        let mut call = task::spawn(service.call(question(false)));
        let mut next = task::spawn(service.call(question(false)));
        assert_pending!(held.poll());
        assert_pending!(next.poll());
        for poll in 0..polls {
            assert_pending!(call.poll());
            if poll == 0 {
                handle.next().await.reply("whole");
                assert_ready_ok!(held.poll());
            }
        }
        drop((held, call));
        assert!(next.is_woken());
        assert_pending!(next.poll());
        drop(next);
        assert_eq!((gauge.len(), gauge.oldest_age()), (0, None));
    }
}

async fn interleave(ops: Vec<(u8, usize, u64)>) {
    let (mut service, mut handle, gauge) = stack(AgeBound::new(4 * SECOND));
    let mut calls = Vec::new();
    let mut exchanges = Vec::new();
    let (mut made, mut sent, mut shed) = (0, 0, 0);
    for (what, which, number) in ops {
        match what {
            0..4 => {
                calls.push(task::spawn(service.call(of(PRIORITIES[which % 3]))));
                made += 1;
            }
            4 if !calls.is_empty() => drop(calls.remove(which % calls.len())),
            5 if !exchanges.is_empty() => {
                let exchange: Exchange = exchanges.remove(which % exchanges.len());
                match number % 3 {
                    0 => exchange.fail(ErrorKind::Server),
                    1 => exchange.reply("whole"),
                    _ => drop(exchange),
                }
            }
            _ => advance(Duration::from_millis(number * 50)).await,
        }
        calls.retain_mut(|call| match call.poll() {
            Poll::Pending => true,
            Poll::Ready(Err(error)) if error.refused_by() == Some("shed") => {
                shed += 1;
                false
            }
            Poll::Ready(_) => false,
        });
        while let Some(exchange) = handle.try_next() {
            exchanges.push(exchange);
            sent += 1;
        }
        assert!(
            sent + shed + gauge.len() <= made,
            "nothing is counted twice"
        );
    }
    drop((calls, exchanges));
    while handle.try_next().is_some() {}
    assert_eq!(
        (gauge.len(), gauge.oldest_age(), handle.live()),
        (0, None, 0)
    );
}

proptest! {
    #[test]
    fn x1_shed_nothing_is_left_whatever_happens(
        ops in vec((0..8_u8, 0..8_usize, 0..60_u64), 1..100),
    ) {
        paused().block_on(interleave(ops));
    }
}

/// Twice as many calls as one slot can serve, for `seconds`. How many were served and how many were
/// shed, by priority.
async fn overload(rule: AgeBound, seconds: u32) -> [(u32, u32); 3] {
    let (upstream, mut handle) = upstream();
    let layer = ConcurrencyLayer::new(NonZeroUsize::MIN).with_age_bound(rule);
    let mut service = layer.layer(upstream);
    let mut told = [(0, 0); 3];
    let mut calls = Vec::new();
    for tick in 0..seconds * 10 {
        // One call in a second is served, two come: a third of them each of a priority.
        if tick % 5 == 0 {
            let request = of(PRIORITIES[usize::try_from(tick / 5).unwrap() % 3]);
            calls.push((
                Instant::now(),
                task::spawn(service.call(request.clone())),
                request,
            ));
        }
        if tick % 10 == 0
            && let Some(exchange) = handle.try_next()
        {
            let at = PRIORITIES
                .iter()
                .position(|p| *p == exchange.request.context().priority());
            told[at.unwrap()].0 += 1;
            exchange.reply("whole");
        }
        let mut at = 0;
        while at < calls.len() {
            let (since, call, request) = &mut calls[at];
            let priority = request.context().priority();
            let place = PRIORITIES.iter().position(|p| *p == priority).unwrap();
            let age = Instant::now().saturating_duration_since(*since);
            match call.poll() {
                Poll::Pending => {
                    at += 1;
                    continue;
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    assert_eq!(error.refused_by(), Some("shed"));
                    assert!(age <= rule.bound(), "{age:?}");
                    told[place].1 += 1;
                }
            }
            drop(calls.remove(at));
        }
        let oldest = layer.gauge().oldest_age().unwrap_or_default();
        assert!(oldest <= rule.bound(), "the queue is {oldest:?} old");
        advance(SECOND / 10).await;
    }
    told
}

#[tokio::test(start_paused = true)]
async fn sh2_a_call_that_waits_behind_a_stuck_one_is_told_at_the_bound() {
    let (upstream, _handle) = upstream();
    let layer = ConcurrencyLayer::new(NonZeroUsize::MIN);
    let layer = layer.with_age_bound(AgeBound::new(8 * SECOND));
    let mut service = layer.layer(upstream);
    let mut stuck = task::spawn(service.call(question(false)));
    let mut waiting = task::spawn(service.call(of(Priority::Interactive)));
    assert_pending!(stuck.poll());
    assert_pending!(waiting.poll());
    advance(8 * SECOND - Duration::from_millis(1)).await;
    assert!(!waiting.is_woken());
    advance(Duration::from_millis(1)).await;
    assert!(
        waiting.is_woken(),
        "nothing else happens that would wake it"
    );
    let error = assert_ready_err!(waiting.poll());
    assert_eq!(
        (error.kind(), error.refused_by()),
        (ErrorKind::Overloaded, Some("shed"))
    );
    assert_eq!(error.retry_after(), Some(8 * SECOND));
    assert_eq!(layer.gauge().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn sh2_no_call_waits_longer_than_the_bound_under_twice_the_load() {
    let [background, normal, interactive] = overload(AgeBound::new(8 * SECOND), 300).await;
    let served = [background.0, normal.0, interactive.0];
    let shed = [background.1, normal.1, interactive.1];
    assert!(shed[0] > shed[1] && shed[1] >= shed[2], "{shed:?}");
    assert!(served[2] > served[1] && served[1] > served[0], "{served:?}");
    assert!(
        served.iter().sum::<u32>() > 280,
        "the slot is not idle: {served:?}"
    );
    assert!(served[0] > 0, "nobody starves: {served:?}");
}

#[tokio::test(start_paused = true)]
async fn sh3_who_goes_is_of_the_lowest_priority_and_the_youngest_of_the_heaviest_tenant() {
    let (upstream, _handle) = upstream();
    let rule = AgeBound::new(8 * SECOND);
    let layer = ConcurrencyLayer::new(NonZeroUsize::MIN).with_age_bound(rule);
    let mut service = layer.layer(upstream);
    let mut held = task::spawn(service.call(question(false)));
    assert_pending!(held.poll());
    let mut call = |tenant: &'static str, priority, tokens| {
        let context = Context::new().with_tenant(tenant).with_priority(priority);
        let context = context.with_token_estimate(tokens);
        let mut call = task::spawn(service.call(question(false).with_context(context)));
        assert_pending!(call.poll());
        call
    };
    let [background, normal, interactive] = PRIORITIES;
    let urgent = call("heavy", interactive, 90_000);
    let old = call("heavy", normal, 1_000);
    let light = call("light", normal, 1_500);
    let mut young = call("heavy", normal, 1_000);
    let mut idle = call("light", background, 10);
    advance(4 * SECOND).await;
    // Two seconds above the target of two: each that comes costs one, and one goes beside.
    let came = call("light", normal, 100);
    assert!(idle.is_woken(), "the lowest priority first");
    assert_eq!(assert_ready_err!(idle.poll()).refused_by(), Some("shed"));
    assert!(young.is_woken(), "then the youngest of the heaviest");
    for (call, name) in [
        (&urgent, "urgent"),
        (&old, "old"),
        (&light, "light"),
        (&came, "came"),
    ] {
        assert!(!call.is_woken(), "{name}");
    }
    assert!(assert_ready!(young.poll()).is_err());
}
