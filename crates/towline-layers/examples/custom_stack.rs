//! A stack in an order of one's own, with `ServiceBuilder`: outer first.
//!
//! This one is for a batch: calls are limited by tokens, tried again often, and nobody waits in
//! person. `cargo run -p towline-layers --features full --example custom_stack`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    num::NonZeroU64,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use towline_core::{
    Body, Completion, Error, ErrorKind, FinishReason, Head, Part, Request, Response, Usage,
};
use towline_layers::{
    breaker::{Breaker, BreakerConfig, BreakerLayer},
    drain::{Drain, DrainLayer},
    journey::{self, JourneyLayer},
    limit::{Dimension, LimitConfig, LimitLayer, Quota, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
    timeout::{self, Clocks, TotalLayer},
};

static CALLS: AtomicU32 = AtomicU32::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let drain = Drain::new();
    let breaker = Breaker::new("model", BreakerConfig::new());
    let mut quotas = Quotas::unlimited().with_slots(8);
    if let Some(tokens) = NonZeroU64::new(200_000) {
        quotas = quotas.with(Dimension::Tokens, Quota::per_minute(tokens));
    }
    let limit = LimitLayer::new(LimitConfig::new("model"), Rules::new(quotas));
    let limited = limit.handle();

    let model = ServiceBuilder::new()
        // The record is outside everything that writes in it.
        .layer(JourneyLayer::new())
        // What is turned away at the gate has cost nothing.
        .layer(DrainLayer::new(&drain))
        // Bounds pauses and queues too, so it is outside them.
        .layer(TotalLayer::new(Duration::from_mins(30)))
        // Holds no slot and no tokens while it waits.
        .layer(RetryLayer::new(RetryPolicy::aggressive()))
        // Sees every attempt; takes no quota for a call that it refuses.
        .layer(BreakerLayer::new(&breaker))
        // Tokens and slots are granted in one step.
        .layer(limit)
        // One line of the record for each attempt, those that a clock ends included.
        .layer(journey::AttemptLayer::new("model"))
        // Starts when the call has been admitted.
        .layer(timeout::AttemptLayer::new(Clocks::default()))
        .service(service_fn(model));

    let answer = model.oneshot(Request::new("m", "Hello?")).await?;
    println!("{}", answer.body().is_complete());
    for step in answer
        .head()
        .journey()
        .map(towline_core::Journey::steps)
        .unwrap_or_default()
    {
        println!("{step:?}");
    }
    println!("{}", answer.collect().await?.text());
    println!("{} slots in use, {:?}", limited.in_use(), breaker.state());
    println!(
        "{} calls were cut",
        drain.run(Duration::from_secs(30)).await.cut()
    );
    Ok(())
}

/// Stands for a provider: any service of requests will do. It is overloaded at first.
async fn model(request: Request) -> Result<Response, Error> {
    if CALLS.fetch_add(1, Ordering::Relaxed) == 0 {
        return Err(Error::new(ErrorKind::Overloaded).with_retry_after(Duration::from_millis(20)));
    }
    let words = Completion::new(vec![Part::from("Here I am.")], FinishReason::Stop);
    let words = words.with_usage(Some(Usage::inclusive(3, 4)));
    Ok(Response::new(
        Head::new("model", request.model()),
        Body::complete(words),
    ))
}
