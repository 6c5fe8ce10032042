//! Each layer alone, with settings under which every call passes at once.

use crate::{model::Model, variant::Variant};
use peer_harness::BoxError;
use std::{
    num::{NonZeroU64, NonZeroUsize},
    time::Duration,
};
use tower::{Layer as _, ServiceBuilder};
use towline_core::Request;
use towline_layers::{
    balance::{self, Balance},
    breaker::{Breaker, BreakerConfig, BreakerLayer},
    coalesce::CoalesceLayer,
    concurrency::ConcurrencyLayer,
    drain::{Drain, DrainLayer},
    fallback::{Fallback, Target},
    guard::{Guard, GuardLayer},
    hedge::{HedgeLayer, HedgePolicy},
    journey::{self, JourneyLayer},
    limit::{Dimension, LimitConfig, LimitKey, LimitLayer, Quota, Quotas, Rules},
    overload::{AgeBound, QueueGauge},
    retry::{RetryLayer, RetryPolicy},
    shed::ShedLayer,
    timeout::{AttemptLayer, Clocks, TotalLayer},
};

const LONG: Duration = Duration::from_secs(600);
const TARGETS: usize = 16;

pub(crate) fn variants() -> Result<Vec<Variant>, BoxError> {
    let mut variants = vec![
        Variant::alone("bare", Model),
        Variant::alone("timeout, total", TotalLayer::new(LONG).layer(Model)),
        Variant::alone(
            "timeout, attempt",
            AttemptLayer::new(Clocks::default()).layer(Model),
        ),
        Variant::alone("timeout, total and attempt", timeouts()),
        Variant::alone(
            "retry",
            RetryLayer::new(RetryPolicy::default()).layer(Model),
        ),
    ];
    variants.extend(limits()?);
    variants.extend(routes()?);
    variants.extend(others());
    Ok(variants)
}

fn limits() -> Result<Vec<Variant>, BoxError> {
    let plenty = NonZeroU64::new(1_000_000_000_000).ok_or("zero")?;
    let quota = Quota::new(plenty, Duration::from_secs(60));
    let four = Quotas::unlimited()
        .with(Dimension::Requests, quota)
        .with(Dimension::Tokens, quota)
        .with(Dimension::InputTokens, quota)
        .with(Dimension::OutputTokens, quota);
    let limit = |key: LimitKey, quotas: Quotas| {
        let config = LimitConfig::new("limit").with_key(key).with_learn(false);
        LimitLayer::new(config, Rules::new(quotas)).layer(Model)
    };
    let slots = ConcurrencyLayer::new(NonZeroUsize::new(100).ok_or("zero")?);
    Ok(vec![
        Variant::alone("limit, 4 dimensions", limit(LimitKey::Shared, four)),
        Variant::alone(
            "limit, 4 dimensions by string",
            limit(LimitKey::Model, four),
        ),
        Variant::alone(
            "limit, 4 dimensions and slot",
            limit(LimitKey::Shared, four.with_slots(100)),
        ),
        Variant::alone("concurrency, fixed", slots.layer(Model)),
    ])
}

fn routes() -> Result<Vec<Variant>, BoxError> {
    let breaker = Breaker::new("breaker", BreakerConfig::new());
    let hedge = |policy: HedgePolicy| HedgeLayer::new(policy).layer(Model);
    let armed = HedgePolicy::default()
        .with_whole(true)
        .with_delay(Duration::from_secs(1));
    let deployment = |index: usize| balance::Deployment::new(format!("deployment-{index}"), Model);
    let balance = (1..TARGETS)
        .map(deployment)
        .fold(Balance::new(deployment(0)), Balance::and);
    Ok(vec![
        Variant::alone("breaker", BreakerLayer::new(&breaker).layer(Model)),
        Variant::alone("fallback", Fallback::new(Target::new("only", Model))),
        Variant::alone("hedge, off", hedge(HedgePolicy::never())),
        Variant::alone("hedge, armed", hedge(armed)),
        Variant::alone("balance, 16 targets", balance),
    ])
}

fn others() -> Vec<Variant> {
    let gauge = QueueGauge::new();
    let shed = ShedLayer::new(gauge, AgeBound::new(LONG));
    let drain = Drain::new();
    let recorded = ServiceBuilder::new()
        .layer(JourneyLayer::new())
        .layer(journey::AttemptLayer::new("model"))
        .service(Model);
    vec![
        Variant::alone("shed", shed.layer(Model)),
        Variant::alone("drain", DrainLayer::new(&drain).layer(Model)),
        Variant::alone(
            "guard",
            GuardLayer::<Request>::new(Guard::new()).layer(Model),
        ),
        Variant::alone("coalesce", CoalesceLayer::new().layer(Model)),
        Variant::alone("journey, root and attempt", recorded),
    ]
}

fn timeouts()
-> impl tower::Service<Request, Response = towline_core::Response, Error = towline_core::Error> {
    ServiceBuilder::new()
        .layer(TotalLayer::new(LONG))
        .layer(AttemptLayer::new(Clocks::default()))
        .service(Model)
}
