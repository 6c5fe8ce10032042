//! Answers that say no.

use crate::support::{client, question, row, since};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use towline_core::{Error, ErrorKind};
use towline_sim::{Fault, Rule, Simulator};

fn limited(headers: &[(&str, &str)]) -> Rule {
    let fault = headers
        .iter()
        .fold(Fault::status(429), |fault, (name, value)| {
            fault.with_header(*name, *value)
        });
    Rule::any().times(1).fault(fault)
}

/// The error of one attempt that is answered with 429 and these headers.
async fn refused(headers: &[(&str, &str)]) -> Error {
    let sim = Simulator::start().await.unwrap();
    sim.on(limited(headers));
    let client = client(&[&sim], &["retry.max_attempts=1"]).await;
    client.complete("Hi").await.unwrap_err()
}

#[tokio::test]
async fn scenario_12_a_date_to_wait_for_is_read_by_the_servers_own_clock() {
    let mut worst = Duration::ZERO;
    for (date, until) in [
        (
            "Sat, 01 Jan 2000 11:00:00 GMT",
            "Sat, 01 Jan 2000 11:00:05 GMT",
        ),
        (
            "Thu, 01 Jan 2099 13:00:00 GMT",
            "Thu, 01 Jan 2099 13:00:05 GMT",
        ),
    ] {
        let error = refused(&[("date", date), ("retry-after", until)]).await;
        let wait = error.retry_after().unwrap();
        worst = worst.max(wait.abs_diff(Duration::from_secs(5)));
    }
    assert!(worst <= Duration::from_secs(1), "{worst:?}");
    row(
        "12",
        "wait from the server's own Date, within 1 s",
        format!("off by {worst:?}, clocks off by decades"),
    );
}

#[tokio::test]
async fn scenario_13_a_hint_that_is_too_long_or_nonsense_is_no_trouble() {
    let sim = Simulator::start().await.unwrap();
    sim.on(limited(&[("retry-after", "3600")]));
    let alone = client(&[&sim], &[]).await;
    let start = Instant::now();
    let error = alone.complete("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(since(start) < Duration::from_secs(5));
    assert_eq!(sim.journal().len(), 1, "given to the caller at once");
    for hint in ["NaN", "-1", "soon", "1e99", ""] {
        let sim = Simulator::start().await.unwrap();
        sim.on(limited(&[("retry-after", hint)]));
        let client = client(&[&sim], &["retry.base_delay=1ms"]).await;
        client.complete("Hi").await.unwrap();
        assert_eq!(sim.journal().len(), 2, "{hint}");
    }
    row(
        "13",
        "typed 429 at once; nonsense: backoff",
        "1 attempt for 3600 s, 2 for each nonsense",
    );
}

#[tokio::test]
async fn scenario_14_a_quota_that_is_used_up_is_not_tried_again_and_stops_nobody_else() {
    let (first, second) = (
        Simulator::start().await.unwrap(),
        Simulator::start().await.unwrap(),
    );
    let body = json!({"error": {"message": "You exceeded your current quota", "type":
        "insufficient_quota", "code": "insufficient_quota"}});
    first.on(Rule::any().fault(Fault::status(429).with_body(body)));
    let client = client(&[&first, &second], &["fallback=second"]).await;
    for calls in 1..=12 {
        let answer = client.call(question()).await.unwrap();
        assert!(answer.head().attempts() <= 2);
        assert_eq!(answer.collect().await.unwrap().provider(), "second");
        assert!(first.journal().len() <= calls, "one attempt for each call");
        assert_eq!(second.journal().len(), calls, "the other is left in peace");
    }
    row(
        "14",
        "no retry, no cooldown of others, fallback",
        format!(
            "12 calls: {} attempts at the first, 12 at the second",
            first.journal().len()
        ),
    );
}

/// Asks a first provider, which refuses with `body` and a 400, and holds the call to whether the second is
/// asked then. As what the caller sees it, where it is not answered.
async fn moves_on(body: &Value, keys: &[&str], goes_on: bool) -> Option<ErrorKind> {
    let (first, second) = (
        Simulator::start().await.unwrap(),
        Simulator::start().await.unwrap(),
    );
    first.on(Rule::any().fault(Fault::status(400).with_body(body.clone())));
    let keys: Vec<&str> = ["fallback=second"].iter().chain(keys).copied().collect();
    let client = client(&[&first, &second], &keys).await;
    let answer = client.complete("Hi").await;
    assert_eq!(first.journal().len(), 1, "not tried again");
    assert_eq!(second.journal().len(), usize::from(goes_on));
    answer.err().map(|error| error.kind())
}

#[tokio::test]
async fn what_a_content_filter_refused_goes_on_only_where_the_settings_say_so() {
    let body = json!({"error": {"message": "The response was filtered", "type":
        "invalid_request_error", "code": "content_filter"}});
    for (filtered, goes_on) in [("false", false), ("true", true)] {
        let filtered = format!("fallback_filtered={filtered}");
        let told = moves_on(&body, &[&filtered], goes_on).await;
        assert_eq!(told, (!goes_on).then_some(ErrorKind::ContentFilter));
    }
}

#[tokio::test]
async fn scenario_21_a_prompt_that_is_too_long_goes_only_to_a_larger_window() {
    let body = json!({"error": {"message": "maximum context length is 100 tokens", "type":
        "invalid_request_error", "code": "context_length_exceeded"}});
    for (window, goes_on) in [("200000", true), ("1000", false)] {
        let larger = format!("providers.second.context_window={window}");
        let keys = ["providers.first.context_window=1000", &larger];
        let told = moves_on(&body, &keys, goes_on).await;
        assert_eq!(told, (!goes_on).then_some(ErrorKind::ContextLength));
    }
    row(
        "21",
        "no retry; a larger window is asked",
        "1 attempt, and 1 at the larger window alone",
    );
}
