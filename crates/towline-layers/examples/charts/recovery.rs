//! A server is gone for a minute, and comes back.

use crate::{
    Drawn,
    svg::{Chart, Panel},
    world::{self, Latencies, Model, Record, answer, lock},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerState},
    fallback::{Fallback, Target},
    retry::{RetryLayer, RetryPolicy},
};

const SECONDS: u32 = 200;

/// Twenty calls a second.
const PAUSE: Duration = Duration::from_millis(50);
const CALLS: u64 = 4000;

/// From when to when it lasts, in seconds.
const OUTAGE: std::ops::Range<u64> = 20..80;

/// What came of one policy.
struct Run {
    name: &'static str,
    sent: Arc<Record>,
    during: Arc<Record>,
    answered: Arc<Record>,
    latencies: Arc<Latencies>,
    /// Changes of the breaker, with their times in seconds.
    changes: Vec<(f64, BreakerState)>,
}

pub(crate) fn draw() -> Result<Drawn, std::io::Error> {
    let runs = [
        world::simulate(run("retry alone", false))?,
        world::simulate(run("retry, breaker, fallback", true))?,
    ];
    let mut sent =
        Panel::new("requests to the server that is gone, per second (20 calls a second)");
    let mut answered = Panel::new("calls answered, per second");
    let mut latency = Panel::new("p95 of the latency, in seconds, by when the call began");
    let mut rows = vec![
        "| stack | requests during the outage | calls without answer, of all 4,000 | latency \
         meanwhile, p50 | p95 | p99 | breaker |"
            .to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    let seconds = f64::from(SECONDS);
    let mut state = Panel::new("breaker: 0 closed, 0.5 half-open, 1 open");
    for run in &runs {
        sent = sent.line(run.name, run.sent.points(seconds));
        answered = answered.line(run.name, run.answered.points(seconds));
        latency = latency.line(run.name, run.latencies.points(SECONDS, 95));
        rows.push(run.row());
    }
    if let Some(run) = runs.last() {
        state = state.line("state", run.steps());
    }
    let title = "A server is gone from second 20 to second 80";
    let chart = Chart::new(title, seconds).panel(sent).panel(answered);
    Ok(Drawn {
        file: "recovery.svg",
        picture: chart.panel(latency).panel(state).render(),
        heading: title,
        rows,
    })
}

async fn run(name: &'static str, guarded: bool) -> Run {
    let start = Instant::now();
    let record = || Arc::new(Record::new(start, Duration::from_secs(1)));
    let (sent, during, answered) = (record(), record(), record());
    let (seen, seen_gone) = (Arc::clone(&sent), Arc::clone(&during));
    let model = service_fn(move |request: Request| {
        let (sent, during) = (Arc::clone(&seen), Arc::clone(&seen_gone));
        async move {
            let now = Instant::now().saturating_duration_since(start);
            sent.count();
            if OUTAGE.contains(&now.as_secs()) {
                during.count();
                sleep(Duration::from_millis(50)).await;
                return Err(Error::new(ErrorKind::Transport));
            }
            Ok(served(&request).await)
        }
    });
    let breaker = Breaker::new("server", BreakerConfig::new());
    let changes = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&changes);
    breaker.on_change(move |change| {
        let now = Instant::now().saturating_duration_since(start);
        lock(&noted).push((now.as_secs_f64(), change.to()));
    });
    let retry = RetryLayer::new(RetryPolicy::default());
    let model: Model = match guarded {
        false => BoxCloneSyncService::new(retry.layer(model)),
        true => {
            let first = retry.layer(BreakerLayer::new(&breaker).layer(model));
            let first: Model = BoxCloneSyncService::new(first);
            let other: Model =
                BoxCloneSyncService::new(service_fn(|request: Request| async move {
                    Ok(served(&request).await)
                }));
            let fallback = Fallback::new(Target::new("server", first));
            BoxCloneSyncService::new(fallback.then(Target::new("other", other)))
        }
    };
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
    let changes = lock(&changes).clone();
    Run {
        name,
        sent,
        during,
        answered,
        latencies,
        changes,
    }
}

async fn served(request: &Request) -> Response {
    sleep(Duration::from_millis(200)).await;
    answer(request)
}

// === impl Run ===

impl Run {
    /// The states of the breaker as a line with steps.
    fn steps(&self) -> Vec<(f64, f64)> {
        let mut level = 0.0;
        let mut points = vec![(0.0, level)];
        for (time, state) in &self.changes {
            points.push((*time, level));
            level = match state {
                BreakerState::Closed => 0.0,
                BreakerState::Open => 1.0,
                _ => 0.5,
            };
            points.push((*time, level));
        }
        points.push((f64::from(SECONDS), level));
        points
    }

    fn row(&self) -> String {
        let lost = CALLS.saturating_sub(self.answered.total().into());
        let changes = self.changes.iter();
        let changes =
            changes.map(|(time, state)| format!("{state:?} at {time:.1} s").to_lowercase());
        let changes: Vec<String> = changes.collect();
        let (name, sent) = (self.name, self.during.total());
        let within = |percent| self.latencies.percentile(OUTAGE, percent);
        format!(
            "| {name} | {sent} | {lost} | {:.2} s | {:.2} s | {:.2} s | {} |",
            within(50),
            within(95),
            within(99),
            changes.join(", ")
        )
    }
}
