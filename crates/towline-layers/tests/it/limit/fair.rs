//! Who is next.

use super::{SECOND, amount, asking, limit, requests, tokens};
use crate::support::{Upstream, Way, paused, question, upstream};
use proptest::{collection::vec, prelude::*};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task,
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tower::{Layer, Service, ServiceExt};
use towline_core::{
    Body, Completion, Context, Error, FinishReason, Head, Part, Priority, Request, Response, Usage,
};
use towline_layers::limit::{Dimension, LimitConfig, LimitLayer, Quota, Quotas, Rules};

/// A model that answers at once, with as many tokens as it was asked for, and remembers when it was
/// asked what.
#[derive(Clone, Debug, Default)]
struct Quick {
    asked: Arc<Mutex<Vec<(Instant, String, u64)>>>,
}

impl Service<Request> for Quick {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut task::Context<'_>) -> task::Poll<Result<(), Error>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let tenant = request.context().tenant().unwrap_or_default().to_owned();
        let input = request.context().token_estimate().unwrap_or(1);
        let output = request.options().max_tokens().unwrap_or(1);
        let asked = (Instant::now(), tenant, input + output);
        self.asked.lock().unwrap().push(asked);
        Box::pin(async move {
            let usage = Usage::inclusive(input, output);
            let answer = Completion::new(vec![Part::from("quick")], FinishReason::Stop);
            let body = Body::complete(answer.with_usage(Some(usage)));
            Ok(Response::new(Head::new("quick", "model"), body))
        })
    }
}

impl Quick {
    /// When and for whom it was asked, and how much, from `start` on.
    fn since(&self, start: Instant) -> Vec<(Duration, String, u64)> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|(at, who, n)| (at.saturating_duration_since(start), who.clone(), *n))
            .collect()
    }
}

fn of(tenant: &'static str, request: Request) -> Request {
    let context = request.context().clone().with_tenant(tenant);
    request.with_context(context)
}

/// Runs on one thread with a clock that only goes on when all wait.
async fn all<S>(service: &S, requests: impl IntoIterator<Item = Request>)
where
    S: Service<Request, Response = Response, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut calls = JoinSet::new();
    for request in requests {
        calls.spawn(service.clone().oneshot(request));
        // Each comes after the one before.
        tokio::task::yield_now().await;
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn rl3_a_waiter_is_served_within_a_tick_of_what_it_waits_for() {
    for way in Way::BOTH {
        let model = Quick::default();
        let service = way.around(&limit(requests(100, 5)), model.clone());
        let start = Instant::now();
        all(&service, (0..205).map(|_| question(false))).await;
        for (n, (at, _, _)) in model.since(start).into_iter().enumerate() {
            let due = Duration::from_millis(10) * u32::try_from(n.saturating_sub(4)).unwrap();
            assert!(at >= due, "call {n} at {at:?}, {way:?}");
            assert!(
                at <= due + Duration::from_millis(1),
                "call {n} at {at:?}, {way:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rl4_one_tenant_is_served_in_the_order_of_arrival() {
    for way in Way::BOTH {
        let model = Quick::default();
        let service = way.around(&limit(tokens(1000)), model.clone());
        let start = Instant::now();
        let sizes: Vec<u64> = (0..50).map(|n| 100 + (n * 37) % 400).collect();
        all(&service, sizes.iter().map(|size| asking(size - 50, 50))).await;
        let served: Vec<u64> = model.since(start).into_iter().map(|(_, _, n)| n).collect();
        assert_eq!(served, sizes, "{way:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn rl4_tenants_that_both_wait_are_served_as_many_tokens(
        a in vec(60_u64..400, 20..40),
        b in vec(60_u64..400, 20..40),
    ) {
        let serve = async |way: Way| {
            let model = Quick::default();
            let service = way.around(&limit(tokens(1000)), model.clone());
            let start = Instant::now();
            let first = asking(900, 100);
            let a = a.iter().map(|n| of("a", asking(n - 50, 50)));
            let b = b.iter().map(|n| of("b", asking(n - 50, 50)));
            all(&service, std::iter::once(first).chain(a).chain(b)).await;
            model.since(start)
        };
        let served = paused().block_on(serve(Way::Called));
        prop_assert_eq!(&paused().block_on(serve(Way::Asked)), &served, "asked, all go as they do called");
        let left = |who: &str| served.iter().filter(|(_, tenant, _)| tenant == who).count();
        let (mut left_a, mut left_b) = (left("a"), left("b"));
        let (mut sum_a, mut sum_b) = (0_u64, 0_u64);
        for (_, who, n) in &served {
            // The largest cost and the quantum of the queue.
            prop_assert!(sum_a.abs_diff(sum_b) <= 400 + 2048, "{sum_a} and {sum_b}");
            match who.as_str() {
                "a" => (left_a, sum_a) = (left_a - 1, sum_a + n),
                "b" => (left_b, sum_b) = (left_b - 1, sum_b + n),
                _ => {}
            }
            if left_a == 0 || left_b == 0 {
                break;
            }
        }
    }

    #[test]
    fn rl5_nobody_starves_however_large(
        large in 500_u64..=1000,
        small in 1_u64..100,
        others in 1_usize..60,
    ) {
        for way in Way::BOTH {
            let (waited, ahead) = paused().block_on(async {
                let model = Quick::default();
                let service = way.around(&limit(tokens(1000)), model.clone());
                let start = Instant::now();
                // The bucket is empty, small ones wait, the large one comes, and small ones without end.
                let first = std::iter::once(asking(999, 1));
                let before = (0..others).map(|_| of("small", asking(small, 1)));
                let one = std::iter::once(of("large", asking(large - 1, 1)));
                let after = (0..150).map(|_| of("small", asking(small, 1)));
                all(&service, first.chain(before).chain(one).chain(after)).await;
                let served = model.since(start);
                let position = served.iter().position(|(_, who, _)| who == "large").unwrap();
                let ahead: u64 = served[1..position].iter().map(|(_, _, n)| n).sum();
                (served[position].0, ahead)
            });
            // What was served before it, and what it takes itself, at a thousand a second.
            let bound = Duration::from_millis(ahead + large) + Duration::from_millis(2);
            prop_assert!(waited <= bound, "{waited:?} > {bound:?}");
            let queued = u64::try_from(others).unwrap() * (small + 1);
            prop_assert!(ahead <= queued + 2048 + large + small + 1, "{ahead}");
        }
    }
}

/// Served in turns, call by call, the tenant of the small ones would get an eighth of the tokens.
#[tokio::test(start_paused = true)]
async fn rl4_a_tenant_of_large_calls_is_served_as_many_tokens_as_one_of_small_calls() {
    let model = Quick::default();
    let service = limit(tokens(1000)).layer(model.clone());
    let start = Instant::now();
    let first = std::iter::once(asking(999, 1));
    let large = (0..20).map(|_| of("large", asking(350, 50)));
    let small = (0..160).map(|_| of("small", asking(30, 20)));
    all(&service, first.chain(large).chain(small)).await;
    let (mut of_large, mut of_small) = (0_u64, 0_u64);
    for (_, who, n) in model.since(start) {
        match who.as_str() {
            "large" => of_large += n,
            "small" => of_small += n,
            _ => {}
        }
        let apart = of_large.abs_diff(of_small);
        assert!(apart <= 400 + 2048, "{of_large} and {of_small}");
    }
    assert_eq!((of_large, of_small), (8_000, 8_000));
}

#[tokio::test(start_paused = true)]
async fn one_call_does_not_wait_for_the_thousands_of_another_tenant() {
    let model = Quick::default();
    let config = LimitConfig::new("quick").with_max_queued(2_500);
    let layer = LimitLayer::new(config, Rules::new(requests(100, 1)));
    let service = layer.layer(model.clone());
    let start = Instant::now();
    let crowd = (0..2_000).map(|_| of("crowd", asking(50, 50)));
    all(&service, crowd.chain([of("single", asking(50, 50))])).await;
    let served = model.since(start);
    let position = served
        .iter()
        .position(|(_, who, _)| who == "single")
        .unwrap();
    assert!(position <= 1 + 2048 / 100 + 1, "the {position}th");
}

#[tokio::test(start_paused = true)]
async fn a_person_who_waits_goes_before_the_background() {
    let model = Quick::default();
    let service = limit(requests(10, 1)).layer(model.clone());
    let urgent = |tenant, priority| {
        let context = Context::new().with_tenant(tenant).with_priority(priority);
        question(false).with_context(context)
    };
    let start = Instant::now();
    let batch = (0..50).map(|_| urgent("batch", Priority::Background));
    all(
        &service,
        batch.chain([urgent("person", Priority::Interactive)]),
    )
    .await;
    let served = model.since(start);
    let position = served
        .iter()
        .position(|(_, who, _)| who == "person")
        .unwrap();
    assert!(position <= 2, "the {position}th");
}

#[tokio::test(start_paused = true)]
async fn rl5_a_small_call_goes_before_a_large_one_where_that_does_not_delay_it() {
    let quota = |n| Quota::per_second(amount(n));
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, quota(1000))
        .with(Dimension::Tokens, quota(1000));
    let (model, mut handle) = upstream();
    let layer = limit(quotas);
    let service = layer.layer(model);
    let call = |input, output| {
        let request = asking(input, output);
        tokio_test::task::spawn(service.clone().oneshot(request))
    };
    // A call that reserved six hundred and will have used twenty, and four hundred more.
    let mut first = call(100, 500);
    let mut second = call(100, 300);
    let mut large = call(800, 200);
    tokio_test::assert_pending!(first.poll());
    tokio_test::assert_pending!(second.poll());
    tokio_test::assert_pending!(large.poll());
    let mut small = call(50, 50);
    tokio_test::assert_pending!(small.poll());
    assert_eq!(handle.total(), 2, "it would delay the large one");
    handle.next().await.reply("twenty");
    assert!(tokio_test::assert_ready!(first.poll()).is_ok());
    assert!(large.is_woken(), "something came back");
    tokio_test::assert_pending!(large.poll());
    assert!(
        small.is_woken(),
        "five hundred and eighty that the large one was not told of"
    );
    tokio_test::assert_pending!(small.poll());
    assert_eq!(handle.total(), 3);
    // There is room for one more like it, and not for one that is larger.
    let mut other = call(50, 50);
    let mut larger = call(300, 300);
    tokio_test::assert_pending!(other.poll());
    tokio_test::assert_pending!(larger.poll());
    assert_eq!(handle.total(), 4);
    tokio::time::advance(SECOND).await;
    tokio_test::assert_pending!(large.poll());
    assert_eq!(handle.total(), 5, "when it was told at first");
}

#[tokio::test(start_paused = true)]
async fn rl5_a_small_call_that_can_go_first_later_goes_then_though_it_has_no_timer() {
    let quota = |n| Quota::per_second(amount(n));
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, quota(10).with_burst(amount(2)))
        .with(Dimension::Tokens, quota(1000));
    let (model, mut handle) = upstream();
    let service = limit(quotas).layer(model);
    let call = |input, output| {
        let request = asking(input, output);
        tokio_test::task::spawn(service.clone().oneshot(request))
    };
    let mut first = call(100, 500);
    let mut second = call(100, 300);
    let mut large = call(800, 200);
    tokio_test::assert_pending!(first.poll());
    tokio_test::assert_pending!(second.poll());
    tokio_test::assert_pending!(large.poll());
    handle.next().await.reply("twenty");
    assert!(tokio_test::assert_ready!(first.poll()).is_ok());
    tokio_test::assert_pending!(large.poll());
    // There are tokens for a small one now, and a request in a tenth of a second.
    let mut small = call(50, 50);
    tokio_test::assert_pending!(small.poll());
    assert!(large.is_woken(), "the head has the timer");
    tokio_test::assert_pending!(large.poll());
    assert_eq!(handle.total(), 2);
    tokio::time::advance(SECOND / 10).await;
    assert!(large.is_woken());
    tokio_test::assert_pending!(large.poll());
    assert!(small.is_woken());
    tokio_test::assert_pending!(small.poll());
    assert_eq!(handle.total(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_bucket_of_one_key_is_not_that_of_another() {
    use towline_layers::limit::LimitKey;
    let (model, handle): (Upstream, _) = upstream();
    for (key, expected) in [
        (LimitKey::Shared, 1),
        (LimitKey::Model, 2),
        (LimitKey::Tenant, 2),
        (LimitKey::ModelAndTenant, 4),
        (
            LimitKey::By(Arc::new(|model, _| model.to_owned().into())),
            2,
        ),
    ] {
        let before = handle.total();
        let config = LimitConfig::new("quick").with_key(key);
        let layer = LimitLayer::new(config, Rules::new(requests(1, 1)));
        let service = layer.layer(model.clone());
        let mut calls = Vec::new();
        for (name, tenant) in [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")] {
            let request = of(tenant, question(false)).with_model(name);
            let mut call = tokio_test::task::spawn(service.clone().oneshot(request));
            tokio_test::assert_pending!(call.poll());
            calls.push(call);
        }
        assert_eq!(handle.total() - before, expected);
        assert_eq!(layer.handle().keys(), expected);
    }
}
