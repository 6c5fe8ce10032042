//! The default stack, in the order in which `towline::Stack` composes it.

use crate::{model::Model, variant::Variant};
use peer_harness::BoxError;
use std::{num::NonZeroU64, time::Duration};
use tower::{Layer as _, ServiceBuilder};
use towline_core::{Request, Response};
use towline_layers::{
    ask::{Ask, Cloning},
    balance::{self, Balance},
    breaker::{Breaker, BreakerConfig, BreakerLayer},
    concurrency::ConcurrencyLayer,
    drain::{Drain, DrainLayer},
    erased::Erased,
    fallback::{Fallback, Target},
    guard::{Guard, GuardLayer},
    journey::{self, JourneyLayer},
    limit::{Charge, Dimension, LimitConfig, LimitKey, LimitLayer, Quota, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
    timeout::{AttemptLayer, Clocks, TotalLayer},
};

/// As many as the others' stacks have.
const SLOTS: usize = 1_000;

pub(crate) fn variants() -> Result<Vec<Variant>, BoxError> {
    let limited = around(retried(deployment(plenty()?)));
    let limited_service = around(retried(deployment(plenty()?)));
    Ok(vec![
        Variant::shared("bare, a clone per call", Model),
        Variant::asked("default stack", stack()),
        Variant::asked("default stack, limits on", limited),
        Variant::shared("default stack, as a service", stack()),
        Variant::shared("limits on, as a service", limited_service),
        Variant::asked("default stack, several targets", wide()),
        Variant::asked("of that: per deployment", deployment(Quotas::unlimited())),
        Variant::asked("of that: per target", route()),
    ])
}

/// All of it. Its type is forgotten, and it is asked, as `towline::Client` does with it.
fn stack() -> Erased<Request, Response> {
    around(route())
}

/// The same where there is somebody else to ask: a target to fall back to, and a deployment beside the
/// first.
fn wide() -> Erased<Request, Response> {
    let target = |name: &'static str| {
        let one = |name| balance::Deployment::new(name, deployment(Quotas::unlimited()));
        Target::new(name, retried(Balance::new(one(name)).and(one("beside"))))
    };
    around(Fallback::new(target("openai")).then(target("other")))
}

/// What is around the targets.
fn around<S>(targets: S) -> Erased<Request, Response>
where
    S: Ask<Request, Answer = Response> + 'static,
{
    let tenants = LimitConfig::new("tenant")
        .with_key(LimitKey::Tenant)
        .with_learn(false);
    let stack = ServiceBuilder::new()
        .layer(JourneyLayer::new())
        .layer(DrainLayer::new(&Drain::new()))
        .layer(GuardLayer::<Request>::new(Guard::new()))
        .layer(TotalLayer::new(Duration::from_secs(600)))
        .layer(LimitLayer::new(tenants, Rules::new(Quotas::unlimited())))
        .service(targets);
    Erased::of(stack)
}

/// One target.
fn route() -> impl Ask<Request, Answer = Response> {
    retried(deployment(Quotas::unlimited()))
}

fn retried<S>(inner: S) -> towline_layers::retry::Retry<S> {
    RetryLayer::new(RetryPolicy::default()).layer(inner)
}

/// What a program says that knows its account: requests, tokens and slots, all counted and never used up.
fn plenty() -> Result<Quotas, BoxError> {
    let quota = Quota::per_minute(NonZeroU64::new(1_000_000_000_000).ok_or("zero")?);
    Ok(Quotas::unlimited()
        .with(Dimension::Requests, quota)
        .with(Dimension::Tokens, quota)
        .with_slots(SLOTS))
}

/// One deployment. Where its slots are known they are in the limit, as the client has them.
fn deployment(quotas: Quotas) -> impl Ask<Request, Answer = Response> + Clone {
    let breaker = Breaker::new("openai", BreakerConfig::new().with_single(true));
    let limit = LimitConfig::new("openai")
        .with_key(LimitKey::Model)
        .with_charge(Charge::openai());
    let slots = ConcurrencyLayer::unlimited();
    ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker))
        .layer(slots)
        .layer(LimitLayer::new(limit, Rules::new(quotas)))
        .layer(journey::AttemptLayer::new("openai"))
        .layer(AttemptLayer::new(Clocks::default()))
        .service(Cloning::new(Model))
}
