//! Two thousand calls at once, against a server that takes fifty a second.

use crate::{
    Drawn,
    svg::{Chart, Panel},
    world::{self, Latencies, Model, Record, answer, lock},
};
use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use towline_core::{Error, ErrorKind, Request, Response, task};
use towline_layers::{
    limit::{Dimension, LimitConfig, LimitHandle, LimitLayer, Quota, Quotas, Rules},
    retry::{RetryLayer, RetryPolicy},
};

const CALLS: u32 = 2000;
const SECONDS: f64 = 60.0;

/// The time that the server has for each request, and how many it takes at once after a rest.
const PACE: Duration = Duration::from_millis(20);
const BURST: u32 = 50;

/// A server with a bucket that says how many whole seconds to wait.
struct Server {
    start: Instant,
    /// When the bucket is full again.
    full: Mutex<Duration>,
    seconds: Record,
    tenths: Record,
}

/// What came of one policy.
struct Run {
    name: &'static str,
    server: Arc<Server>,
    /// How many calls stood in the limit's queue, by the second.
    queued: Vec<(f64, f64)>,
    latencies: Arc<Latencies>,
}

pub(crate) fn draw() -> Result<Drawn, std::io::Error> {
    let names = [
        "retry alone",
        "retry, limit that learns",
        "retry, limit of 47.5/s",
    ];
    let runs = [
        world::simulate(run(names[0], None))?,
        world::simulate(run(names[1], Some(Quotas::unlimited())))?,
        world::simulate(run(names[2], Some(known())))?,
    ];
    let mut sent = Panel::new("requests admitted, which reach the server, per second");
    let mut open = Panel::new("calls without their answer");
    let mut queued = Panel::new("of these, queued in the limit");
    let mut latency = Panel::new("latency of a call in seconds, by percentile").by_percent();
    let mut rows = vec![
        "| stack | requests sent | peak in 100 ms | most queued | latency, p50 | p95 | p99 | longest |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for run in &runs {
        sent = sent.line(run.name, run.server.seconds.points(SECONDS));
        open = open.line(run.name, run.open());
        queued = queued.line(run.name, run.queued.clone());
        latency = latency.line(run.name, run.percentiles());
        rows.push(run.row());
    }
    let title = "2,000 calls at once, a server that takes 50 a second";
    Ok(Drawn {
        file: "herd.svg",
        picture: Chart::new(title, SECONDS)
            .panel(sent)
            .panel(open)
            .panel(queued)
            .panel(latency)
            .render(),
        heading: title,
        rows,
    })
}

/// Five percent below what the server takes.
fn known() -> Quotas {
    let number = |number| NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN);
    let quota = Quota::per_minute(number(2850)).with_burst(number(BURST.into()));
    Quotas::unlimited().with(Dimension::Requests, quota)
}

async fn run(name: &'static str, quotas: Option<Quotas>) -> Run {
    let start = Instant::now();
    let server = Arc::new(Server {
        start,
        full: Mutex::default(),
        seconds: Record::new(start, Duration::from_secs(1)),
        tenths: Record::new(start, Duration::from_millis(100)),
    });
    let asked = Arc::clone(&server);
    let model = service_fn(move |request: Request| {
        let server = Arc::clone(&asked);
        async move { server.serve(request).await }
    });
    // As many attempts as it takes: the point is when they are made.
    let policy = RetryPolicy::default()
        .with_max_attempts(100_000)
        .without_budget();
    let retry = RetryLayer::new(policy);
    let limit = quotas.map(|quotas| {
        let config = LimitConfig::new("server").with_max_queued(10_000);
        LimitLayer::new(config, Rules::new(quotas))
    });
    let model: Model = match &limit {
        None => BoxCloneSyncService::new(retry.layer(model)),
        Some(limit) => BoxCloneSyncService::new(retry.layer(limit.layer(model))),
    };
    let queue = limit.as_ref().map(LimitLayer::handle);
    let watch = task::spawn(watch(queue));
    let latencies = Arc::new(Latencies::new(start));
    let noted = Arc::clone(&latencies);
    let ended = move |begun, _| noted.note(begun);
    world::offer(&model, CALLS.into(), Duration::ZERO, ended).await;
    Run {
        name,
        server,
        queued: watch.await.unwrap_or_default(),
        latencies,
    }
}

/// How many calls stand in the queue, twice a second.
async fn watch(queue: Option<LimitHandle>) -> Vec<(f64, f64)> {
    let mut queued = Vec::new();
    // The calls of the herd are there just after the start.
    let mut time = 0.01;
    sleep(Duration::from_millis(10)).await;
    while time < SECONDS {
        let waiting = queue.as_ref().map_or(0, LimitHandle::waiting);
        queued.push((time, f64::from(u32::try_from(waiting).unwrap_or(u32::MAX))));
        time += 0.5;
        sleep(Duration::from_millis(500)).await;
    }
    queued
}

// === impl Server ===

impl Server {
    async fn serve(&self, request: Request) -> Result<Response, Error> {
        self.seconds.count();
        self.tenths.count();
        let now = Instant::now().saturating_duration_since(self.start);
        let taken = {
            let mut full = lock(&self.full);
            let next = now.max(*full) + PACE;
            let early = next.saturating_sub(now + PACE * BURST);
            if early.is_zero() {
                *full = next;
            }
            early
        };
        // The way there and back.
        sleep(Duration::from_millis(20)).await;
        if !taken.is_zero() {
            let wait = Duration::from_secs(taken.as_secs() + 1);
            return Err(Error::new(ErrorKind::RateLimit).with_retry_after(wait));
        }
        sleep(Duration::from_millis(200)).await;
        Ok(answer(&request))
    }
}

// === impl Run ===

impl Run {
    /// How many calls are still open, at the end of each.
    fn open(&self) -> Vec<(f64, f64)> {
        let left = (0..CALLS).rev().map(f64::from);
        // All began at the start.
        let ends = self.latencies.sorted(0..1).into_iter();
        let points = ends
            .map(|end| end.as_secs_f64())
            .zip(left)
            .filter(|(end, _)| *end <= SECONDS);
        std::iter::once((0.0, f64::from(CALLS)))
            .chain(points.step_by(10))
            .collect()
    }

    /// Within how many seconds each share of the calls had its answer.
    fn percentiles(&self) -> Vec<(f64, f64)> {
        let each = (1_u8..=100).map(|percent| {
            let took = self.latencies.percentile(0..1, percent.into());
            (f64::from(percent), took)
        });
        each.collect()
    }

    fn row(&self) -> String {
        let after = |percent| format!("{:.1} s", self.latencies.percentile(0..1, percent));
        let most = self.queued.iter().map(|(_, calls)| *calls);
        format!(
            "| {} | {} | {} | {:.0} | {} | {} | {} | {} |",
            self.name,
            self.server.seconds.total(),
            self.server.tenths.peak(),
            most.fold(0.0, f64::max),
            after(50),
            after(95),
            after(99),
            after(100)
        )
    }
}
