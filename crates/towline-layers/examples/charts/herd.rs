//! Two thousand calls at once, against a server that takes fifty a second.

use crate::{
    Drawn,
    svg::{Chart, Panel},
    world::{self, Model, Record, answer, lock},
};
use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    limit::{Dimension, LimitConfig, LimitLayer, Quota, Quotas, Rules},
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
    /// When each call ended.
    ends: Vec<Duration>,
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
    let mut sent = Panel::new("requests that reach the server, per second");
    let mut open = Panel::new("calls without their answer");
    let mut rows = vec![
        "| stack | requests sent | peak in 100 ms | half answered after | 95 % after | all after |"
            .to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for run in &runs {
        sent = sent.line(run.name, run.server.seconds.points(SECONDS));
        open = open.line(run.name, run.open());
        rows.push(run.row());
    }
    let title = "2,000 calls at once, a server that takes 50 a second";
    Ok(Drawn {
        file: "herd.svg",
        picture: Chart::new(title, SECONDS).panel(sent).panel(open).render(),
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

async fn run(name: &'static str, limit: Option<Quotas>) -> Run {
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
    let model: Model = match limit {
        None => BoxCloneSyncService::new(retry.layer(model)),
        Some(quotas) => {
            let config = LimitConfig::new("server").with_max_queued(10_000);
            let limit = LimitLayer::new(config, Rules::new(quotas));
            BoxCloneSyncService::new(retry.layer(limit.layer(model)))
        }
    };
    let ends = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&ends);
    let ended = move |_| lock(&noted).push(Instant::now().saturating_duration_since(start));
    world::offer(&model, CALLS.into(), Duration::ZERO, ended).await;
    let ends = lock(&ends).clone();
    Run { name, server, ends }
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
        let ends = self.ends.iter().map(Duration::as_secs_f64);
        let points = ends.zip(left).filter(|(end, _)| *end <= SECONDS);
        std::iter::once((0.0, f64::from(CALLS)))
            .chain(points.step_by(10))
            .collect()
    }

    fn row(&self) -> String {
        let after = |percent: usize| {
            let at = (self.ends.len() * percent / 100).saturating_sub(1);
            let end = self.ends.get(at).copied().unwrap_or_default();
            format!("{:.1} s", end.as_secs_f64())
        };
        format!(
            "| {} | {} | {} | {} | {} | {} |",
            self.name,
            self.server.seconds.total(),
            self.server.tenths.peak(),
            after(50),
            after(95),
            after(100)
        )
    }
}
