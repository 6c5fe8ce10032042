//! Half of all calls fail for a minute.

use crate::{
    Drawn,
    svg::{Chart, Panel},
    world::{self, Latencies, Model, Record, answer, scattered},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    breaker::{Breaker, BreakerConfig, BreakerLayer},
    fallback::{Fallback, Target},
    retry::{RetryLayer, RetryPolicy},
};

const SECONDS: u32 = 120;

/// Twenty calls a second.
const PAUSE: Duration = Duration::from_millis(50);
const CALLS: u64 = 2400;

/// From when to when it lasts, in seconds.
const TROUBLE: std::ops::Range<u64> = 30..90;

/// A server that fails for a while.
struct Server {
    start: Instant,
    requests: AtomicU64,
    sent: Record,
    in_trouble: AtomicU64,
}

/// What came of one policy.
struct Run {
    name: &'static str,
    server: Arc<Server>,
    answered: Arc<Record>,
    latencies: Arc<Latencies>,
}

/// What stands around the server.
#[derive(Clone, Copy)]
enum Around {
    /// Three attempts, without bound.
    Retry,
    /// The same, within the default budget.
    Budget,
    /// The same, with the default breaker, and a second target.
    Breaker,
}

pub(crate) fn draw() -> Result<Drawn, std::io::Error> {
    let runs = [
        world::simulate(run("3 attempts, no budget", Around::Retry))?,
        world::simulate(run("default budget", Around::Budget))?,
        world::simulate(run("budget, breaker, fallback", Around::Breaker))?,
    ];
    let mut sent = Panel::new("requests to the server in trouble, per second (20 calls a second)");
    let mut answered = Panel::new("calls answered, per second");
    let mut latency = Panel::new("p95 of the latency, in seconds, by when the call began");
    let mut rows = vec![
        "| stack | calls during the trouble | requests to that server meanwhile | per call | calls \
         without answer, of all 2,400 | latency meanwhile, p50 | p95 | p99 |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    let seconds = f64::from(SECONDS);
    for run in &runs {
        sent = sent.line(run.name, run.server.sent.points(seconds));
        answered = answered.line(run.name, run.answered.points(seconds));
        latency = latency.line(run.name, run.latencies.points(SECONDS, 95));
        rows.push(run.row());
    }
    let title = "Half of all answers are errors, from second 30 to second 90";
    Ok(Drawn {
        file: "brownout.svg",
        picture: Chart::new(title, seconds)
            .panel(sent)
            .panel(answered)
            .panel(latency)
            .render(),
        heading: title,
        rows,
    })
}

async fn run(name: &'static str, around: Around) -> Run {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let server = Arc::new(Server {
        start,
        requests: AtomicU64::new(0),
        sent: Record::new(start, second),
        in_trouble: AtomicU64::new(0),
    });
    let asked = Arc::clone(&server);
    let model = service_fn(move |request: Request| {
        let server = Arc::clone(&asked);
        async move { server.serve(request).await }
    });
    let model: Model = match around {
        Around::Retry => {
            let retry = RetryLayer::new(RetryPolicy::default().without_budget());
            BoxCloneSyncService::new(retry.layer(model))
        }
        Around::Budget => {
            let retry = RetryLayer::new(RetryPolicy::default());
            BoxCloneSyncService::new(retry.layer(model))
        }
        Around::Breaker => {
            let breaker = Breaker::new("server", BreakerConfig::new());
            let guarded = BreakerLayer::new(&breaker).layer(model);
            let retry = RetryLayer::new(RetryPolicy::default());
            let first: Model = BoxCloneSyncService::new(retry.layer(guarded));
            let other: Model =
                BoxCloneSyncService::new(service_fn(|request: Request| async move {
                    sleep(Duration::from_millis(200)).await;
                    Ok(answer(&request))
                }));
            let fallback = Fallback::new(Target::new("server", first));
            BoxCloneSyncService::new(fallback.then(Target::new("other", other)))
        }
    };
    let answered = Arc::new(Record::new(start, second));
    let counted = Arc::clone(&answered);
    let latencies = Arc::new(Latencies::new(start));
    let noted = Arc::clone(&latencies);
    let ended = move |begun, good| {
        noted.note(begun);
        if good {
            counted.count();
        }
    };
    world::offer(&model, CALLS, PAUSE, ended).await;
    Run {
        name,
        server,
        answered,
        latencies,
    }
}

// === impl Server ===

impl Server {
    async fn serve(&self, request: Request) -> Result<Response, Error> {
        self.sent.count();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now().saturating_duration_since(self.start);
        sleep(Duration::from_millis(200)).await;
        if TROUBLE.contains(&now.as_secs()) {
            self.in_trouble.fetch_add(1, Ordering::Relaxed);
            if scattered(number).is_multiple_of(2) {
                return Err(Error::new(ErrorKind::Server));
            }
        }
        Ok(answer(&request))
    }
}

// === impl Run ===

impl Run {
    fn row(&self) -> String {
        let calls = (TROUBLE.end - TROUBLE.start) * 20;
        let sent = self.server.in_trouble.load(Ordering::Relaxed);
        let hundredths = sent * 100 / calls;
        let lost = CALLS.saturating_sub(self.answered.total().into());
        let (whole, part) = (hundredths / 100, hundredths % 100);
        let within = |percent| self.latencies.percentile(TROUBLE, percent);
        format!(
            "| {} | {calls} | {sent} | {whole}.{part:02} | {lost} | {:.2} s | {:.2} s | {:.2} s |",
            self.name,
            within(50),
            within(95),
            within(99)
        )
    }
}
