//! What a call costs the allocator: nothing in a layer that lets it pass, and for the whole default
//! stack no more than two.
//!
//! A binary of its own, since the allocator that counts is that of the process. Its tests take turns;
//! what the test harness itself allocates meanwhile is kept out by the quietest of several goes.

#![cfg(test)]
#![cfg(feature = "full")]

use std::{
    future::{Ready, poll_fn, ready},
    num::{NonZeroU64, NonZeroUsize},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service, ServiceBuilder};
use towline_core::{
    Body, Completion, CompletionOptions, Conversation, Error, FinishReason, Head, Request,
    Response, Text, Usage,
};
use towline_layers::{
    ask::{Ask, Cloning},
    balance::{self, Balance},
    breaker::{Breaker, BreakerConfig, BreakerLayer},
    concurrency::ConcurrencyLayer,
    drain::{Drain, DrainLayer},
    erased::Erased,
    fallback::{Fallback, Target},
    guard::{Guard, GuardLayer},
    hedge::{HedgeLayer, HedgePolicy},
    journey::{self, JourneyLayer},
    limit::{Charge, Dimension, LimitConfig, LimitKey, LimitLayer, Quota, Quotas, Rules},
    overload::{AgeBound, QueueGauge},
    retry::{RetryLayer, RetryPolicy},
    shed::ShedLayer,
    timeout::{AttemptLayer, Clocks, TotalLayer},
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// One test counts at a time.
static TURN: Mutex<()> = Mutex::new(());

const CALLS: u64 = 100;
const GOES: usize = 5;
const LONG: Duration = Duration::from_secs(600);

/// A model that answers at once with a whole answer.
trait Model: Service<Request, Response = Response, Error = Error, Future: Send> {}

impl<S> Model for S where S: Service<Request, Response = Response, Error = Error, Future: Send> {}

/// Allocations that `service` makes for `CALLS` calls, the model's own among them.
async fn counted(mut service: impl Model) -> u64 {
    let conversation = Conversation::from("Say hello.");
    let options = Arc::new(CompletionOptions::new());
    let model = Text::from_static("gpt-4o-mini");
    let request = || Request::new(model.clone(), &conversation).with_options(Arc::clone(&options));
    let mut least = u64::MAX;
    // The first go only warms up: keys become known, rings are filled.
    for go in 0..=GOES {
        // Each call has a request of its own, made beforehand.
        let requests: Vec<_> = (0..CALLS).map(|_| request()).collect();
        let before = dhat::HeapStats::get().total_blocks;
        for request in requests {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            assert!(ready.is_ok(), "every layer lets it pass");
            let answer = service.call(request).await;
            assert!(answer.is_ok(), "every layer lets it pass");
        }
        if go > 0 {
            least = least.min(dhat::HeapStats::get().total_blocks - before);
        }
    }
    least
}

/// Allocations of `CALLS` calls that the layers add to the model's own. `layered` is called inside a
/// runtime.
fn added<S: Model>(layered: impl FnOnce() -> S) -> u64 {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _profiler = dhat::Profiler::builder().testing().build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let bare = counted(Bare).await;
        counted(layered()).await.saturating_sub(bare)
    })
}

fn layered<L>(layer: L) -> u64
where
    L: Layer<Bare>,
    L::Service: Model,
{
    added(move || layer.layer(Bare))
}

/// Answers at once with a whole answer.
#[derive(Clone, Copy, Debug)]
struct Bare;

impl Service<Request> for Bare {
    type Response = Response;
    type Error = Error;
    type Future = Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        let completion = Completion::new(Vec::new(), FinishReason::Stop);
        let completion = completion.with_usage(Some(Usage::inclusive(10, 10)));
        let head = Head::new(Text::from_static("model"), Text::from_static("model"));
        ready(Ok(Response::new(head, Body::complete(completion))))
    }
}

#[test]
fn x7_a_whole_answer_passes_the_clocks_without_an_allocation() {
    assert_eq!(layered(TotalLayer::new(LONG)), 0);
    assert_eq!(layered(AttemptLayer::new(Clocks::default())), 0);
}

#[test]
fn x7_a_whole_answer_passes_the_retry_without_an_allocation() {
    assert_eq!(layered(RetryLayer::new(RetryPolicy::default())), 0);
}

#[test]
fn x7_a_whole_answer_passes_the_limit_without_an_allocation() {
    let plenty = NonZeroU64::new(1_000_000_000).expect("not zero");
    let quota = Quota::new(plenty, Duration::from_secs(60));
    let four = Quotas::unlimited()
        .with(Dimension::Requests, quota)
        .with(Dimension::Tokens, quota)
        .with(Dimension::InputTokens, quota)
        .with(Dimension::OutputTokens, quota)
        .with_slots(100);
    for key in [
        LimitKey::Shared,
        LimitKey::Model,
        LimitKey::Tenant,
        LimitKey::ModelAndTenant,
    ] {
        for quotas in [Quotas::unlimited(), four] {
            let config = LimitConfig::new("limit").with_key(key.clone());
            assert_eq!(
                layered(LimitLayer::new(config, Rules::new(quotas))),
                0,
                "{key:?}"
            );
        }
    }
}

#[test]
fn x7_a_whole_answer_passes_the_slots_without_an_allocation() {
    let slots = NonZeroUsize::new(100).expect("not zero");
    assert_eq!(layered(ConcurrencyLayer::new(slots)), 0);
}

#[test]
fn x7_a_whole_answer_passes_the_breaker_without_an_allocation() {
    let breaker = Breaker::new("breaker", BreakerConfig::new());
    assert_eq!(layered(BreakerLayer::new(&breaker)), 0);
}

#[test]
fn x7_a_whole_answer_passes_an_only_target_without_an_allocation() {
    let fallback = || Fallback::new(Target::new("only", Bare));
    assert_eq!(added(fallback), 0);
}

#[test]
fn x7_a_whole_answer_passes_the_hedge_without_an_allocation() {
    assert_eq!(layered(HedgeLayer::new(HedgePolicy::never())), 0);
    // By default streams alone are asked for twice.
    assert_eq!(layered(HedgeLayer::new(HedgePolicy::default())), 0);
}

#[test]
fn x7_a_whole_answer_passes_the_balance_without_an_allocation() {
    let deployment = |index: usize| balance::Deployment::new(format!("deployment-{index}"), Bare);
    let one = || Balance::new(deployment(0));
    assert_eq!(added(one), 0);
    assert_eq!(
        added(|| (1..16).map(deployment).fold(one(), Balance::and)),
        0
    );
}

#[test]
fn x7_a_whole_answer_passes_shedding_draining_and_guarding_without_an_allocation() {
    let gauge = QueueGauge::new();
    assert_eq!(layered(ShedLayer::new(gauge, AgeBound::new(LONG))), 0);
    assert_eq!(layered(DrainLayer::new(&Drain::new())), 0);
    let guard = GuardLayer::<Request>::new(Guard::new().with_max_bytes(1_000));
    assert_eq!(layered(guard), 0);
}

#[test]
fn x7_the_record_of_a_call_is_one_allocation() {
    let journey = || {
        let attempt = journey::AttemptLayer::new("model").layer(Bare);
        JourneyLayer::new().layer(attempt)
    };
    assert!(added(journey) <= CALLS);
}

#[test]
fn x7_a_call_through_the_default_stack_is_two_allocations_at_most() {
    let cost = added(|| stack(Bare));
    assert!(cost <= 2 * CALLS, "{cost} allocations in {CALLS} calls");
}

#[test]
fn x7_a_call_through_the_default_stack_is_two_allocations_at_most_where_it_is_asked() {
    let cost = added(|| Erased::of(asked(Bare)));
    assert!(cost <= 2 * CALLS, "{cost} allocations in {CALLS} calls");
}

/// The default stack as `towline::Stack` asks it, with nothing to limit.
fn asked(model: Bare) -> impl Ask<Request, Answer = Response> {
    let limit = |name: &'static str, key: LimitKey, learn: bool| {
        let config = LimitConfig::new(name).with_key(key).with_learn(learn);
        LimitLayer::new(config, Rules::new(Quotas::unlimited()))
    };
    let breaker = Breaker::new("openai", BreakerConfig::new().with_single(true));
    let deployment = ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker))
        .layer(ConcurrencyLayer::new(NonZeroUsize::MAX))
        .layer(limit("openai", LimitKey::Model, true))
        .layer(journey::AttemptLayer::new("openai"))
        .layer(AttemptLayer::new(Clocks::default()))
        .service(Cloning::new(model));
    let balance = Balance::new(balance::Deployment::new("openai", deployment));
    let tried = RetryLayer::new(RetryPolicy::default()).layer(balance);
    ServiceBuilder::new()
        .layer(JourneyLayer::new())
        .layer(DrainLayer::new(&Drain::new()))
        .layer(GuardLayer::<Request>::new(Guard::new()))
        .layer(TotalLayer::new(LONG))
        .layer(limit("tenant", LimitKey::Tenant, false))
        .service(Fallback::new(Target::new("openai", tried)))
}

/// The layers in the order of the default stack, with nothing to limit.
fn stack(model: Bare) -> impl Model {
    let clocks = AttemptLayer::new(Clocks::default()).layer(model);
    let attempt = journey::AttemptLayer::new("openai").layer(clocks);
    let limit = LimitConfig::new("openai")
        .with_key(LimitKey::Model)
        .with_charge(Charge::openai());
    let limited = LimitLayer::new(limit, Rules::new(Quotas::unlimited())).layer(attempt);
    let slots = ConcurrencyLayer::new(NonZeroUsize::MAX).layer(limited);
    let breaker = Breaker::new("openai", BreakerConfig::new().with_single(true));
    let deployment = BreakerLayer::new(&breaker).layer(slots);
    let balance = Balance::new(balance::Deployment::new("openai", deployment));
    let hedged = HedgeLayer::new(HedgePolicy::never()).layer(balance);
    let tried = RetryLayer::new(RetryPolicy::default()).layer(hedged);
    let tenants = LimitConfig::new("tenant")
        .with_key(LimitKey::Tenant)
        .with_learn(false);
    let tenants = LimitLayer::new(tenants, Rules::new(Quotas::unlimited()))
        .layer(Fallback::new(Target::new("openai", tried)));
    let total = TotalLayer::new(LONG).layer(tenants);
    let guarded = GuardLayer::<Request>::new(Guard::new()).layer(total);
    JourneyLayer::new().layer(DrainLayer::new(&Drain::new()).layer(guarded))
}
