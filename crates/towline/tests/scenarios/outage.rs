//! Providers that fail for minutes.

use crate::support::{MINUTE, Model, SECOND, client_of, failed, question, row, since, whole};
use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep},
};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline::{
    Client,
    layers::breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerState},
};
use towline_core::{Error, ErrorKind, Request, Response};

const MILLI: Duration = Duration::from_millis(1);

/// Makes a call every `pause` for so long, and says when each began, how long it took, and whether it
/// went well.
async fn offer(
    client: &Client,
    pause: Duration,
    time: Duration,
) -> Vec<(Duration, Duration, bool)> {
    let (start, mut tick, mut calls) = (Instant::now(), interval(pause), JoinSet::new());
    while since(start) < time {
        tick.tick().await;
        let client = client.clone();
        calls.spawn(async move {
            let began = Instant::now();
            let went_well = client.complete("Hi").await.is_ok();
            (
                began.saturating_duration_since(start),
                since(began),
                went_well,
            )
        });
    }
    calls.join_all().await
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

#[tokio::test(start_paused = true)]
async fn scenario_15_a_storm_of_failures_is_amplified_by_no_more_than_the_budget() {
    // The reserve is ten questions, and ten answers of a thousand tokens.
    let budget = ["retry.budget_ratio=0.2", "retry.budget_reserve=10010"];
    let mut measured = Vec::new();
    for breaker in ["breaker.enabled=false", "breaker.enabled=true"] {
        let model = Model::failing(ErrorKind::Server, MILLI);
        let client = client_of(&[&model], &[budget[0], budget[1], breaker]).await;
        let offered = offer(&client, MILLI * 10, MINUTE).await.len();
        assert!(
            model.calls() <= offered * 12 / 10 + 10,
            "{} of {offered}",
            model.calls()
        );
        measured.push(ratio(model.calls(), offered));
    }
    assert!(measured[0] > 1.1, "{measured:?}");
    assert!(measured[1] < 0.7, "the breaker opened: {measured:?}");
    row(
        "15",
        "sent <= 1.2 offered + reserve; breaker opens",
        format!(
            "x{:.3} without breaker, x{:.3} with it",
            measured[0], measured[1]
        ),
    );
}

/// A breaker around a service that fails when `down` says so, and when it opened.
fn guarded(
    config: BreakerConfig,
    down: impl Fn(Duration) -> bool + Clone + Send + 'static,
) -> (
    Breaker,
    impl Service<Request, Response = Response, Error = Error> + Clone,
    Arc<Mutex<Vec<Duration>>>,
) {
    let start = Instant::now();
    let breaker = Breaker::new("first", config);
    let opened = Arc::<Mutex<Vec<Duration>>>::default();
    let log = Arc::clone(&opened);
    breaker.on_change(move |change| {
        if change.to() == BreakerState::Open {
            log.lock().unwrap().push(since(start));
        }
    });
    let service = service_fn(move |_: Request| {
        let down = down(since(start));
        async move {
            match down {
                true => Err(failed(ErrorKind::Server)),
                false => Ok(whole("a")),
            }
        }
    });
    let service = BreakerLayer::new(&breaker).layer(service);
    (breaker, service, opened)
}

#[tokio::test(start_paused = true)]
async fn scenario_16_a_brown_out_trips_the_share_and_not_the_row() {
    let second = |at: Duration| at.as_millis() / 100 % 2 == 1;
    let row_only = BreakerConfig::new().with_ratio(0, NonZeroU32::MIN);
    let (with_row, service, _) = guarded(row_only, second);
    let (_, shares, opened) = guarded(BreakerConfig::new(), second);
    for _ in 0..600 {
        let _failed = service.clone().oneshot(question()).await;
        let _failed = shares.clone().oneshot(question()).await;
        sleep(MILLI * 100).await;
    }
    assert_eq!(with_row.status().opened(), 0);
    let tripped = opened.lock().unwrap()[0];
    assert!(tripped <= SECOND * 3, "{tripped:?}");
    row(
        "16",
        "ratio trips, row does not",
        format!("ratio after {tripped:.1?} at 10 calls/s, row never in 60 s"),
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_17_five_minutes_of_529_are_spent_at_the_fallback() {
    let start = Instant::now();
    let first = Model::new(move |_| async move {
        sleep(MILLI * 5).await;
        match since(start) < MINUTE * 5 {
            true => Err(failed(ErrorKind::Overloaded)),
            false => Ok(whole("a")),
        }
    });
    let second = Model::answering(MILLI * 5);
    let client = client_of(&[&first, &second], &["fallback=second"]).await;
    let calls = offer(&client, MILLI * 100, MINUTE * 5).await;
    assert!(calls.iter().all(|(_, _, went_well)| *went_well));
    let after_trip = calls.iter().filter(|(began, ..)| *began > SECOND * 5);
    let slowest = after_trip.map(|(_, took, _)| *took).max().unwrap();
    assert!(slowest < SECOND, "{slowest:?}");
    let asked = first.asked().into_iter();
    let late = asked.filter(|at| at.saturating_duration_since(start) > SECOND * 5);
    let probes = late.count();
    assert!(probes <= 15, "{probes} probes in five minutes");
    row(
        "17",
        "failover < 1 s after the trip, probes bounded",
        format!(
            "slowest {slowest:.0?}, {:.1} probes/min, no call failed",
            ratio(probes, 5)
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_18_a_server_that_flaps_is_left_alone_for_longer_each_time() {
    let flaps = |at: Duration| at.as_secs() % 2 == 1;
    let (breaker, service, opened) = guarded(BreakerConfig::new(), flaps);
    let mut cooldowns: Vec<Duration> = Vec::new();
    for _ in 0..(20 * 60 * 20) {
        let _failed = service.clone().oneshot(question()).await;
        if opened.lock().unwrap().len() > cooldowns.len() {
            cooldowns.push(breaker.status().retry_after());
        }
        sleep(MILLI * 50).await;
    }
    let (first, most) = (cooldowns[0], *cooldowns.iter().max().unwrap());
    assert!(most >= first * 3, "{cooldowns:.0?}");
    let late = opened
        .lock()
        .unwrap()
        .iter()
        .filter(|at| **at > MINUTE * 10)
        .count();
    assert!(late <= 10, "{late} openings in the last ten minutes");
    row(
        "18",
        "cooldown grows",
        format!(
            "from {first:.0?} to {most:.0?}, {:.1} openings/min in the last ten minutes",
            ratio(late, 10)
        ),
    );
}
