//! The default stack, in the order in which `towline::Stack` composes it.

use crate::{model::Model, variant::Variant};
use peer_harness::BoxError;
use std::time::Duration;
use tower::{Layer as _, Service, ServiceBuilder};
use towline_core::{Error, Request, Response};
use towline_layers::{
    balance::{self, Balance},
    breaker::{Breaker, BreakerConfig, BreakerLayer},
    concurrency::ConcurrencyLayer,
    drain::{Drain, DrainLayer},
    erased::Erased,
    fallback::{Fallback, Target},
    guard::{Guard, GuardLayer},
    hedge::{HedgeLayer, HedgePolicy},
    journey::{self, JourneyLayer},
    limit::{Charge, LimitConfig, LimitKey, LimitLayer, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
    timeout::{AttemptLayer, Clocks, TotalLayer},
};

pub(crate) fn variants() -> Result<Vec<Variant>, BoxError> {
    Ok(vec![
        Variant::shared("bare, a clone per call", Model),
        Variant::shared("default stack", stack()),
        Variant::alone("default stack, called itself", stack()),
        Variant::alone("of that: per deployment", deployment()),
        Variant::alone("of that: per target", route()),
    ])
}

/// All of it.
fn stack() -> impl Service<Request, Response = Response, Error = Error, Future: Send> + Clone {
    let tenants = LimitConfig::new("tenant")
        .with_key(LimitKey::Tenant)
        .with_learn(false);
    ServiceBuilder::new()
        .layer(JourneyLayer::new())
        .layer(DrainLayer::new(&Drain::new()))
        .layer(GuardLayer::<Request>::new(Guard::new()))
        .layer(TotalLayer::new(Duration::from_secs(600)))
        .layer(LimitLayer::new(tenants, Rules::new(Quotas::unlimited())))
        .service(Fallback::new(Target::new("openai", Erased::new(route()))))
}

/// One target.
fn route()
-> impl Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + Sync {
    let balance = Balance::new(balance::Deployment::new("openai", deployment()));
    ServiceBuilder::new()
        .layer(RetryLayer::new(RetryPolicy::default()))
        .layer(HedgeLayer::new(HedgePolicy::never()))
        .service(balance)
}

/// One deployment.
fn deployment()
-> impl Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + Sync {
    let breaker = Breaker::new("openai", BreakerConfig::new().with_single(true));
    let limit = LimitConfig::new("openai")
        .with_key(LimitKey::Model)
        .with_charge(Charge::openai());
    let slots = ConcurrencyLayer::unlimited();
    ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker))
        .layer(slots)
        .layer(LimitLayer::new(limit, Rules::new(Quotas::unlimited())))
        .layer(AttemptLayer::new(Clocks::default()))
        .service(journey::AttemptLayer::new("openai").layer(Model))
}
