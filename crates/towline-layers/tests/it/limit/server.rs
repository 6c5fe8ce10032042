//! A herd at a server that counts for itself.

use super::{SECOND, limit, requests};
use crate::support::{question, whole};
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
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::limit::{LimitConfig, LimitLayer, Quotas, Rules};

const RATE: u32 = 50;
/// What an answer takes to arrive.
const AWAY: Duration = Duration::from_millis(20);

/// Lets a number of calls a second through, with a burst of as many, and rejects the rest with the
/// time after which one more would pass, in whole seconds as servers do.
#[derive(Clone, Debug)]
struct Server {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    started: Instant,
    full_at: Instant,
    asked: Vec<Duration>,
    passed: usize,
}

impl Server {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            state: Arc::new(Mutex::new(State {
                started: now,
                full_at: now,
                asked: Vec::new(),
                passed: 0,
            })),
        }
    }

    /// Requests, those that passed, and the most in any tenth of a second.
    fn seen(&self) -> (usize, usize, usize) {
        let state = self.state.lock().unwrap();
        let tenth = Duration::from_millis(100);
        let within = |from: &Duration| {
            let window = *from..*from + tenth;
            state.asked.iter().filter(|at| window.contains(at)).count()
        };
        let peak = state.asked.iter().map(within).max().unwrap_or(0);
        (state.asked.len(), state.passed, peak)
    }
}

impl Service<Request> for Server {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        let answer = self.answer();
        Box::pin(async move {
            sleep(AWAY).await;
            answer
        })
    }
}

impl Server {
    fn answer(&self) -> Result<Response, Error> {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        let at = now.saturating_duration_since(state.started);
        state.asked.push(at);
        let full_at = state.full_at.max(now) + SECOND / RATE;
        let over = full_at.saturating_duration_since(now + SECOND);
        if over > Duration::ZERO {
            let seconds = Duration::from_secs(over.as_secs() + 1);
            let error = Error::new(ErrorKind::RateLimit).with_provider("server");
            return Err(error.with_retry_after(seconds));
        }
        state.full_at = full_at;
        state.passed += 1;
        Ok(whole("passed"))
    }
}

/// One line of what was measured.
fn tell(what: &str, server: &Server, took: Duration) {
    let (asked, passed, peak) = server.seen();
    println!("{what}: {passed} calls, {asked} requests, peak {peak} per 100 ms, {took:.1?}");
}

/// Makes `calls` at once, each again until it passes, and says how long that took.
async fn herd(layer: &LimitLayer, server: &Server, calls: usize) -> Duration {
    let service = layer.layer(server.clone());
    let start = Instant::now();
    let mut herd = JoinSet::new();
    for _ in 0..calls {
        let service = service.clone();
        herd.spawn(async move {
            while let Err(error) = service.clone().oneshot(question(false)).await {
                assert_eq!(error.kind(), ErrorKind::RateLimit);
                assert_eq!(error.refused_by(), None, "nobody is refused here");
            }
        });
    }
    while let Some(call) = herd.join_next().await {
        call.unwrap();
    }
    Instant::now().saturating_duration_since(start)
}

fn patient(quotas: Quotas) -> LimitLayer {
    let config = LimitConfig::new("server").with_max_queued(10_000);
    LimitLayer::new(config, Rules::new(quotas))
}

#[tokio::test(start_paused = true)]
async fn two_thousand_calls_at_once_are_two_thousand_requests() {
    let server = Server::new();
    // At 95 % of the server's rate, as 3.5 of the reference has it.
    let layer = patient(Quotas::unlimited().with(
        super::Dimension::Requests,
        super::Quota::new(super::amount(475), SECOND * 10).with_burst(super::amount(50)),
    ));
    let took = herd(&layer, &server, 2000).await;
    tell("2000 at once, limit at 95 % of the server's", &server, took);
    let (asked, passed, peak) = server.seen();
    assert_eq!(passed, 2000);
    assert!(asked <= 2100, "{asked} requests");
    assert!(peak <= 50 + 5, "{peak} in a tenth of a second");
    assert!(took <= SECOND * 42, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_above_the_servers_costs_a_few_requests_and_no_herd() {
    let server = Server::new();
    // Twice what the server lets through.
    let layer = patient(requests(100, 50));
    let took = herd(&layer, &server, 500).await;
    tell("500 at once, limit at twice the server's", &server, took);
    let (asked, passed, peak) = server.seen();
    assert_eq!(passed, 500);
    assert!(peak <= 50 + 10, "{peak} in a tenth of a second");
    assert!(asked <= 600, "{asked} requests, {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_nobody_knows_the_limit_of_is_asked_at_most_twice_as_often() {
    let server = Server::new();
    let layer = patient(Quotas::unlimited());
    let took = herd(&layer, &server, 1000).await;
    tell("1000 at once, no limit known", &server, took);
    let (asked, passed, _) = server.seen();
    assert_eq!(passed, 1000);
    // The herd itself finds out; after that everybody goes through the queue at the guessed pace.
    assert!(asked <= 2200, "{asked} requests");
    assert!(took <= SECOND * 90, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_rejection_the_whole_key_waits_and_then_leaves_smoothly() {
    let (model, mut handle) = crate::support::upstream();
    let service = limit(requests(10, 10)).layer(model);
    let spawn = || tokio_test::task::spawn(service.clone().oneshot(question(false)));
    let mut calls: Vec<_> = (0..2).map(|_| spawn()).collect();
    for call in &mut calls {
        tokio_test::assert_pending!(call.poll());
    }
    let hint = SECOND * 2;
    let error = crate::support::failed(ErrorKind::RateLimit).with_retry_after(hint);
    handle.next().await.answer(Err(error));
    let error = tokio_test::assert_ready_err!(calls[0].poll());
    assert_eq!(
        error.retry_after(),
        Some(hint),
        "the caller is told as it was"
    );
    let mut later: Vec<_> = (0..3).map(|_| spawn()).collect();
    for call in &mut later {
        tokio_test::assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 2, "eight more would have fitted");
    tokio::time::advance(hint - Duration::from_millis(1)).await;
    assert_eq!(handle.total(), 2);
    for expected in 3..=5 {
        let pause = if expected == 3 { 1 } else { 100 };
        tokio::time::advance(Duration::from_millis(pause)).await;
        for call in &mut later {
            tokio_test::assert_pending!(call.poll());
        }
        assert_eq!(handle.total(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_says_is_left_lowers_the_limit() {
    use http::HeaderMap;
    use towline_core::{RateLimit, RateLimits};
    let (model, mut handle) = crate::support::upstream();
    let service = limit(requests(10, 10)).layer(model);
    let spawn = || tokio_test::task::spawn(service.clone().oneshot(question(false)));
    let mut first = spawn();
    tokio_test::assert_pending!(first.poll());
    let parse = |_: &HeaderMap| {
        let mut limits = RateLimits::default();
        limits.requests = RateLimit::new(Some(600), Some(1), None);
        limits
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-left", http::HeaderValue::from_static("1"));
    let (head, body) = whole("one is left").into_parts();
    let answer = Response::new(head.with_headers(headers, parse), body);
    handle.next().await.answer(Ok(answer));
    assert!(tokio_test::assert_ready!(first.poll()).is_ok());
    let mut calls: Vec<_> = (0..2).map(|_| spawn()).collect();
    for call in &mut calls {
        tokio_test::assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 2);
    tokio::time::advance(Duration::from_millis(100)).await;
    tokio_test::assert_pending!(calls[1].poll());
    assert_eq!(handle.total(), 3);
}
