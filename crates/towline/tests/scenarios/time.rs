//! Clocks.

use crate::support::{
    MINUTE, Model, SECOND, client, client_of, question, read, row, since, streamed,
};
use std::{iter, time::Duration};
use tokio::time::{Instant, advance};
use towline_core::{Clock, ErrorKind, Event, FinishReason, Request, Usage};
use towline_sim::{Fault, Rule, Simulator};

const ZERO: Duration = Duration::ZERO;

#[tokio::test(start_paused = true)]
async fn scenario_06_ten_minutes_of_pings_kill_no_stream() {
    let pings = |count: usize| iter::repeat_n((SECOND * 10, Event::Ping), count);
    let text = || iter::once((ZERO, Event::Text("a".into())));
    let end = || {
        let usage = (ZERO, Event::Usage(Usage::inclusive(10, 10)));
        [usage, (ZERO, Event::Finish(FinishReason::Stop))]
    };
    let model = Model::new(move |request| async move {
        // A model that reasons is silent before its first token, another one may be after it.
        let events: Box<dyn Iterator<Item = _> + Send> = match request.model() {
            "o3" => Box::new(pings(59).chain(text()).chain(end())),
            _ => Box::new(text().chain(pings(60)).chain(text()).chain(end())),
        };
        Ok(streamed(events, false))
    });
    let client = client_of(&[&model], &[]).await;
    let start = Instant::now();
    for name in ["o3", ""] {
        let (text, error) = read(&client, Request::new(name, "Hi")).await;
        assert!(error.is_none(), "{name}: {error:?}");
        assert!(!text.is_empty());
    }
    assert_eq!(model.calls(), 2);
    row(
        "6",
        "success, 0 false kills",
        format!("2 streams, {:.0?} of pings, 0 killed", since(start)),
    );
}

/// The socket is real and the clock is not: it runs on when everybody waits.
#[tokio::test]
async fn to3_bytes_that_are_no_event_yet_reset_idle() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::OneByteEvery(SECOND * 10)));
    // An event has some 200 bytes, and so comes after half an hour.
    let keys = [
        "timeout.first_token=off",
        "timeouts.stream=24 h",
        "timeout.idle=5 min",
    ];
    let client = client(&[&sim], &keys).await;
    tokio::time::pause();
    let (text, error) = read(&client, Request::new("sim-chat", "Hi")).await;
    assert!(error.is_none(), "{error:?}");
    assert!(!text.is_empty());
}

#[tokio::test(start_paused = true)]
async fn scenario_07_a_drip_for_ever_ends_at_the_total_deadline() {
    let model = Model::new(|_| async {
        let drip = iter::repeat((SECOND * 20, Event::Text("a".into())));
        Ok(streamed(drip, false))
    });
    let limit = Duration::from_millis(10 * 60 * 1000 + 3);
    let client = client_of(&[&model], &["timeout.total=600003ms"]).await;
    let start = Instant::now();
    let (text, error) = read(&client, question()).await;
    let over = since(start).saturating_sub(limit);
    let error = error.unwrap();
    assert_eq!(
        (error.kind(), error.clock()),
        (ErrorKind::Timeout, Some(Clock::Total))
    );
    assert!(
        since(start) >= limit && over <= Duration::from_millis(1),
        "{over:?}"
    );
    row(
        "7",
        "total deadline, overshoot < 1 tick",
        format!("{} pieces, over by {over:?}", text.len()),
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_37_ten_minutes_of_sleep_fail_a_stream_once() {
    let model = Model::new(|_| async {
        let begun = iter::once((ZERO, Event::Text("a".into())));
        Ok(streamed(begun, true))
    });
    let client = client_of(&[&model], &[]).await;
    let mut answer = client.stream("Hi").await.unwrap();
    answer.body_mut().next().await.unwrap().unwrap();
    // Ten minutes pass at once, as on a machine that slept and whose monotonic clock went on. (That of
    // Linux stands still meanwhile: there the clocks go on where they were.) No layer reads the clock on
    // the wall.
    advance(MINUTE * 10).await;
    let start = Instant::now();
    let error = answer.body_mut().next().await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.clock()),
        (ErrorKind::Timeout, Some(Clock::Idle))
    );
    assert!(since(start) <= Duration::from_millis(1));
    assert!(answer.body_mut().next().await.is_none(), "it fails once");
    assert_eq!(model.calls(), 1);
    row(
        "37",
        "monotonic deadlines, fails once",
        "ten minutes at once: 1 idle timeout, then the end",
    );
}
