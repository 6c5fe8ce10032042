//! A server that takes fewer calls at once for a while, and nobody who says how many.

use crate::{
    Drawn,
    svg::{Chart, Panel},
    world::{self, Model, Record, answer},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};
use towline_core::{Error, ErrorKind, Request, Response, task};
use towline_layers::{adaptive::Adaptive, concurrency::ConcurrencyLayer};

const SECONDS: u32 = 240;

/// Callers who ask again as soon as they have their answer.
const CALLERS: u64 = 100;

/// How many calls the server takes at once, before, during and after the trouble.
const WIDE: u32 = 40;
const NARROW: u32 = 20;
const TROUBLE: std::ops::Range<u64> = 80..160;

/// A server with so many places; who finds none is turned away.
struct Server {
    start: Instant,
    busy: AtomicU32,
    turned_away: Record,
    served: Record,
}

pub(crate) fn draw() -> Result<Drawn, Box<dyn std::error::Error>> {
    let adaptive = Adaptive::builder().min(1).initial(10).max(200).build()?;
    let (server, limits) = world::simulate(run(ConcurrencyLayer::adaptive(adaptive)))?;
    let seconds = f64::from(SECONDS);
    let places = limits.iter().map(|(time, _)| *time);
    let places = places.map(|time| (f64::from(time), f64::from(places_at(time.into()))));
    let found = limits
        .iter()
        .map(|(time, limit)| (f64::from(*time), f64::from(*limit)));
    let limit = Panel::new("calls at once")
        .line("the server's places", places.collect())
        .line("the limit that was found", found.collect());
    let rates = Panel::new("calls per second")
        .line("turned away", server.turned_away.points(seconds))
        .line("answered", server.served.points(seconds));
    let title = "A server with 40 places has 20 from second 80 to second 160";
    Ok(Drawn {
        file: "adaptive.svg",
        picture: Chart::new(title, seconds)
            .panel(limit)
            .panel(rates)
            .render(),
        heading: title,
        rows: rows(&server, &limits),
    })
}

/// How far the limit was from the truth, in each third without its first half.
fn rows(server: &Server, limits: &[(u32, u32)]) -> Vec<String> {
    let mut rows = vec![
        "| seconds | places | limit found, least to most |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    for (from, to) in [(40, 80), (120, 160), (200, 240)] {
        let within = limits.iter().filter(|(time, _)| (from..to).contains(time));
        let (least, most) = within.fold((u32::MAX, 0), |(least, most), (_, limit)| {
            (least.min(*limit), most.max(*limit))
        });
        let places = places_at(u64::from(from));
        rows.push(format!("| {from} to {to} | {places} | {least} to {most} |"));
    }
    let (served, away) = (server.served.total(), server.turned_away.total());
    rows.push(format!(
        "\n{served} calls were answered and {away} turned away."
    ));
    rows
}

fn places_at(second: u64) -> u32 {
    match TROUBLE.contains(&second) {
        true => NARROW,
        false => WIDE,
    }
}

async fn run(layer: ConcurrencyLayer) -> (Arc<Server>, Vec<(u32, u32)>) {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let server = Arc::new(Server {
        start,
        busy: AtomicU32::new(0),
        turned_away: Record::new(start, second),
        served: Record::new(start, second),
    });
    let asked = Arc::clone(&server);
    let model = service_fn(move |request: Request| {
        let server = Arc::clone(&asked);
        async move { server.serve(request).await }
    });
    let handle = layer.handle();
    let model: Model = BoxCloneSyncService::new(layer.layer(model));
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let model = model.clone();
            task::spawn(async move {
                loop {
                    let _ended = model.clone().oneshot(world::call(number)).await;
                }
            })
        })
        .collect();
    let mut limits = Vec::new();
    for time in 0..SECONDS {
        limits.push((time, u32::try_from(handle.limit()).unwrap_or(u32::MAX)));
        sleep(second).await;
    }
    drop(callers);
    (server, limits)
}

// === impl Server ===

impl Server {
    async fn serve(&self, request: Request) -> Result<Response, Error> {
        let now = Instant::now().saturating_duration_since(self.start);
        if self.busy.load(Ordering::Relaxed) >= places_at(now.as_secs()) {
            self.turned_away.count();
            sleep(Duration::from_millis(50)).await;
            return Err(Error::new(ErrorKind::Overloaded));
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(1000)).await;
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.served.count();
        Ok(answer(&request))
    }
}
