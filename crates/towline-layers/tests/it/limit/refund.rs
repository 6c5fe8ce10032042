//! A provider that charges what a call used when it came, and a limit that learns of it when the call
//! has ended: the simulation of the reference, shorter.

use super::{Dimension, Quota, Quotas, Rules, amount, asking};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::{Layer, Service, ServiceExt};
use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response, Usage};
use towline_layers::limit::{LimitConfig, LimitLayer, Refund};

const CAP: u64 = 100_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Filled at a cap a minute; charged what a call will have used.
#[derive(Debug)]
struct Bucket {
    full_at: Instant,
    overdrawn: u64,
}

/// A call to it carries in its seed how much it will use and for how long.
#[derive(Clone, Debug)]
struct Provider {
    bucket: Arc<Mutex<Bucket>>,
}

impl Provider {
    fn new() -> Self {
        let bucket = Bucket {
            full_at: Instant::now(),
            overdrawn: 0,
        };
        Self {
            bucket: Arc::new(Mutex::new(bucket)),
        }
    }

    fn charge(&self, tokens: u64) {
        let mut bucket = self.bucket.lock().unwrap();
        let now = Instant::now();
        let nanos = tokens * u64::try_from(MINUTE.as_nanos()).unwrap() / CAP;
        bucket.full_at = bucket.full_at.max(now) + Duration::from_nanos(nanos);
        let missing = bucket.full_at.saturating_duration_since(now + MINUTE);
        let over = missing.as_millis() * u128::from(CAP) / MINUTE.as_millis();
        bucket.overdrawn = bucket.overdrawn.max(u64::try_from(over).unwrap());
    }
}

impl Service<Request> for Provider {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let seed = request.context().seed();
        let (tokens, millis) = (seed >> 32, seed & 0xffff_ffff);
        self.charge(tokens);
        Box::pin(async move {
            sleep(Duration::from_millis(millis)).await;
            let answer = Completion::new(vec![Part::from("done")], FinishReason::Stop);
            let answer = answer.with_usage(Some(Usage::inclusive(1, tokens - 1)));
            Ok(Response::new(
                Head::new("provider", "model"),
                Body::complete(answer),
            ))
        })
    }
}

/// Randomness that is the same each time.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In thousandths, exponential with a mean of a thousand.
    fn exponential(&mut self) -> u64 {
        // A sum of geometric halves: close enough, and without floats.
        let uniform = self.next() >> 44;
        let halves = u64::from((uniform | 1).leading_zeros()) - 44;
        halves * 693 + (self.next() % 693)
    }
}

/// Half an hour of arrivals, on and off by the minute, 0.35 a second while on.
fn arrivals(seed: u64) -> Vec<(Duration, Request)> {
    let mut rng = Rng(seed);
    let (mut at, mut on_until) = (0_u64, 60_000);
    let mut calls = Vec::new();
    while at < 1_800_000 {
        at += rng.exponential() * 1000 / 350;
        if at > on_until {
            at += rng.exponential() * 60;
            on_until = at + rng.exponential() * 60;
        }
        let used = 400 + rng.exponential() * 9;
        let used = used.min(60_200);
        let reserved = (used * (1500 + rng.next() % 4500) / 1000).min(CAP);
        let millis = rng.exponential() * 45;
        let mut request = asking(1, reserved - 1);
        let context = request.context().clone();
        *request.context_mut() = context.with_seed(used << 32 | millis);
        calls.push((Duration::from_millis(at), request));
    }
    calls
}

/// How far the provider was overdrawn at worst, and how long it took to serve all.
async fn simulate(refund: Refund, seed: u64) -> (u64, Duration) {
    let quotas = Quotas::unlimited().with(Dimension::Tokens, Quota::per_minute(amount(CAP)));
    let config = LimitConfig::new("provider").with_max_queued(10_000);
    let layer = LimitLayer::new(config, Rules::new(quotas).with_refund(refund));
    let provider = Provider::new();
    let service = layer.layer(provider.clone());
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for (at, request) in arrivals(seed) {
        tokio::time::sleep_until(start + at).await;
        calls.spawn(service.clone().oneshot(request));
    }
    while let Some(call) = calls.join_next().await {
        assert!(call.unwrap().is_ok());
    }
    assert_eq!((layer.handle().in_use(), layer.handle().waiting()), (0, 0));
    let bucket = provider.bucket.lock().unwrap();
    let took = Instant::now().saturating_duration_since(start);
    (bucket.overdrawn, took)
}

#[tokio::test(start_paused = true)]
async fn rl6_a_provider_that_charges_at_the_start_is_never_overdrawn() {
    let mut naive_overdrawn = 0;
    for (refund, safe) in [
        (Refund::Replay, true),
        (Refund::MinDeficit, true),
        (Refund::Naive, false),
    ] {
        let (mut runs, mut worst, mut took) = (0, 0, Duration::ZERO);
        for seed in 1..=7 {
            let (overdrawn, time) = simulate(refund, seed).await;
            // A token is rounding: the provider counts in milliseconds.
            runs += u32::from(overdrawn > 1);
            worst = worst.max(overdrawn * 100 / CAP);
            took += time;
        }
        println!("{refund:?}: overdrawn in {runs} of 7 runs, at worst {worst} %, all in {took:?}");
        if safe {
            assert_eq!(runs, 0, "{refund:?}");
        } else {
            naive_overdrawn = runs;
        }
    }
    assert!(
        naive_overdrawn > 0,
        "the simulation is one in which it matters"
    );
}
