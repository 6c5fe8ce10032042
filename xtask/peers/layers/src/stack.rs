//! The default stack, in the order in which `towline::Stack` composes it.

use crate::{model::Model, variant::Variant};
use peer_harness::BoxError;
use std::time::Duration;
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
    limit::{Charge, LimitConfig, LimitKey, LimitLayer, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
    timeout::{AttemptLayer, Clocks, TotalLayer},
};

pub(crate) fn variants() -> Result<Vec<Variant>, BoxError> {
    Ok(vec![
        Variant::shared("bare, a clone per call", Model),
        Variant::asked("default stack", stack()),
        Variant::shared("default stack, as a service", stack()),
        Variant::asked("default stack, several targets", wide()),
        Variant::asked("of that: per deployment", deployment()),
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
        let first = balance::Deployment::new(name, deployment());
        let balance = Balance::new(first).and(balance::Deployment::new("beside", deployment()));
        Target::new(name, RetryLayer::new(RetryPolicy::default()).layer(balance))
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
    RetryLayer::new(RetryPolicy::default()).layer(deployment())
}

/// One deployment.
fn deployment() -> impl Ask<Request, Answer = Response> + Clone {
    let breaker = Breaker::new("openai", BreakerConfig::new().with_single(true));
    let limit = LimitConfig::new("openai")
        .with_key(LimitKey::Model)
        .with_charge(Charge::openai());
    let slots = ConcurrencyLayer::unlimited();
    ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker))
        .layer(slots)
        .layer(LimitLayer::new(limit, Rules::new(Quotas::unlimited())))
        .layer(journey::AttemptLayer::new("openai"))
        .layer(AttemptLayer::new(Clocks::default()))
        .service(Cloning::new(Model))
}
