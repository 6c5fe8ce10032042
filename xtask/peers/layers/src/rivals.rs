//! The same with tower's own layers, and with those of tower-resilience.

use crate::{model::Model, variant::Variant};
use peer_harness::BoxError;
use std::{future::Ready, time::Duration};
use tower::{
    ServiceBuilder,
    buffer::BufferLayer,
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    load_shed::LoadShedLayer,
    retry::{Policy, RetryLayer},
    timeout::TimeoutLayer,
};
use tower_resilience::{
    bulkhead::BulkheadLayer, circuitbreaker::CircuitBreakerLayer, ratelimiter::RateLimiterLayer,
    timelimiter::TimeLimiterLayer,
};
use towline_core::{Request, Response};

const LONG: Duration = Duration::from_secs(600);
const ATTEMPT: Duration = Duration::from_secs(120);
const SLOTS: usize = 1_000;

/// Tries an error again, up to twice. Keeps a copy of the request for it, as any such policy has to.
#[derive(Clone, Copy, Debug)]
struct Twice(u32);

pub(crate) fn variants() -> Result<Vec<Variant>, BoxError> {
    Ok(vec![
        Variant::shared("tower, without a rate limit", unlimited()),
        Variant::shared("tower, shareable", tower()),
        Variant::shared("tower-resilience", resilience()?),
    ])
}

/// tower's stack without a rate limit, which can be shared as it is.
fn unlimited() -> impl tower::Service<Request, Response = Response, Error = BoxError> + Clone {
    ServiceBuilder::new()
        .layer(TimeoutLayer::new(LONG))
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(SLOTS))
        .layer(RetryLayer::new(Twice(2)))
        .layer(TimeoutLayer::new(ATTEMPT))
        .service(Model)
}

/// With a rate limit, which is no `Clone` and so stands behind a buffer.
fn tower() -> impl tower::Service<Request, Response = Response, Error = BoxError> + Clone {
    ServiceBuilder::new()
        .layer(TimeoutLayer::new(LONG))
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(SLOTS))
        .layer(RetryLayer::new(Twice(2)))
        .layer(TimeoutLayer::new(ATTEMPT))
        .layer(BufferLayer::new(SLOTS))
        .layer(RateLimitLayer::new(u64::MAX, LONG))
        .service(Model)
}

/// What tower-resilience has for the same.
fn resilience()
-> Result<impl tower::Service<Request, Response = Response, Error = BoxError> + Clone, BoxError> {
    let rate = RateLimiterLayer::builder()
        .limit_for_period(1_000_000_000)
        .refresh_period(LONG)
        .build()?;
    let breaker = CircuitBreakerLayer::builder().build()?;
    let bulkhead = BulkheadLayer::builder()
        .max_concurrent_calls(SLOTS)
        .build()?;
    let limited = ServiceBuilder::new()
        .layer(breaker)
        .layer(rate)
        .layer(bulkhead)
        .layer(
            TimeLimiterLayer::builder()
                .timeout_duration(ATTEMPT)
                .build(),
        )
        .service(Model);
    let limited = ServiceBuilder::new()
        .map_err(|error| Box::new(error) as BoxError)
        .service(limited);
    let retry = tower_resilience::retry::RetryLayer::builder()
        .max_attempts(3)
        .build();
    Ok(ServiceBuilder::new().layer(retry).service(limited))
}

// === impl Twice ===

impl<E> Policy<Request, Response, E> for Twice {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _request: &mut Request,
        result: &mut Result<Response, E>,
    ) -> Option<Self::Future> {
        if result.is_ok() || self.0 == 0 {
            return None;
        }
        self.0 -= 1;
        Some(std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}
