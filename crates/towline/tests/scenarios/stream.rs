//! Streams that stall, break off, or say that they failed.

use crate::support::{client, question, read, row, settings};
use std::time::Duration;
use towline::Client;
use towline_core::{Clock, ErrorKind};
use towline_sim::{Fault, Reply, Rule, Simulator, Stall};

const TEXT: &str = "Grüße 😀 an alle, die wörtlich lesen.";
const VENDORS: [&str; 3] = ["openai", "anthropic", "ollama"];
const ALONE: [&str; 2] = ["retry.max_attempts=1", "breaker.enabled=false"];

async fn of_vendor(vendor: &str, sim: &Simulator, more: &[&str]) -> Client {
    let address = match vendor {
        "openai" => sim.base_url(),
        _ => sim.origin(),
    };
    towline::connect(&settings(vendor, &[address], more))
        .await
        .unwrap()
}

/// Bytes and events of the whole answer.
async fn length(sim: &Simulator, client: &Client) -> (u64, u64) {
    sim.on(Rule::any().times(1).respond(Reply::text(TEXT)));
    let (text, error) = read(client, question()).await;
    assert!(text == TEXT && error.is_none(), "{text} {error:?}");
    sim.wait_for(|sim| sim.stats().live_requests() == 0).await;
    let journal = sim.journal();
    (journal[0].bytes_sent(), journal[0].events_sent())
}

#[tokio::test]
async fn scenario_05_silence_after_the_head_ends_at_the_idle_clock_and_is_not_tried_again() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallAfterEvents(3, Stall::Forever)));
    let client = client(&[&sim], &["timeout.idle=1s"]).await;
    let (text, error) = read(&client, question()).await;
    let error = error.unwrap();
    assert!(!text.is_empty());
    assert_eq!(
        (error.kind(), error.clock()),
        (ErrorKind::Timeout, Some(Clock::Idle))
    );
    assert_eq!(sim.journal().len(), 1, "nothing was tried again");
    sim.wait_for(|sim| sim.journal()[0].cancelled()).await;
    row(
        "5",
        "idle timeout, no retry after tokens",
        format!("fired clock {:?}, 1 attempt", error.clock()),
    );
}

#[tokio::test]
async fn scenario_08_a_cut_anywhere_leaves_a_valid_beginning_and_an_error() {
    let (mut cuts, mut late) = (0, 0);
    for vendor in VENDORS {
        let sim = Simulator::start().await.unwrap();
        let client = of_vendor(vendor, &sim, &ALONE).await;
        let (bytes, _) = length(&sim, &client).await;
        for cut in (0..bytes).step_by(7).chain(bytes - 3..bytes) {
            let fault = Fault::CutAfterBytes(cut);
            sim.on(Rule::any().times(1).respond(Reply::text(TEXT)).fault(fault));
            let (text, error) = read(&client, question()).await;
            assert!(TEXT.starts_with(&text), "{vendor} {cut}: {text}");
            cuts += 1;
            match error {
                Some(error) => assert!(
                    matches!(error.kind(), ErrorKind::Truncated | ErrorKind::Transport),
                    "{vendor} {cut}: {}",
                    error.report()
                ),
                // The provider's own terminal marker had arrived.
                None => {
                    assert!(
                        text == TEXT && cut + 10 >= bytes,
                        "{vendor} {cut} of {bytes}"
                    );
                    late += 1;
                }
            }
        }
    }
    row(
        "8",
        "truncation error, valid prefix, no panic",
        format!("{cuts} cuts in 3 dialects, {late} of them behind the terminal marker"),
    );
}

#[tokio::test]
async fn scenario_08_a_whole_answer_that_is_cut_anywhere_is_an_error() {
    let mut cuts = 0;
    for vendor in VENDORS {
        let sim = Simulator::start().await.unwrap();
        let client = of_vendor(vendor, &sim, &ALONE).await;
        client.complete("Hi").await.unwrap();
        let bytes = sim.journal()[0].bytes_sent();
        for cut in (0..bytes).step_by(5).chain(bytes - 1..bytes) {
            sim.on(Rule::any().times(1).fault(Fault::CutAfterBytes(cut)));
            let error = client.complete("Hi").await.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Truncated | ErrorKind::Transport),
                "{vendor} {cut}: {}",
                error.report()
            );
            cuts += 1;
        }
    }
    row(
        "8",
        "truncation error, no panic",
        format!("{cuts} cuts of whole answers in 3 dialects"),
    );
}

#[tokio::test]
async fn scenario_09_an_end_without_the_terminal_event_is_an_error() {
    let mut ends = 0;
    for vendor in VENDORS {
        let sim = Simulator::start().await.unwrap();
        let client = of_vendor(vendor, &sim, &ALONE).await;
        let (_, events) = length(&sim, &client).await;
        for end in 0..events {
            let fault = Fault::CleanEndAfterEvents(usize::try_from(end).unwrap());
            sim.on(Rule::any().times(1).respond(Reply::text(TEXT)).fault(fault));
            let (text, error) = read(&client, question()).await;
            assert!(TEXT.starts_with(&text), "{vendor} {end}: {text}");
            let Some(error) = error else {
                panic!("{vendor}: whole after {end} of {events} events");
            };
            assert!(
                matches!(error.kind(), ErrorKind::Truncated | ErrorKind::Protocol),
                "{vendor} {end}: {}",
                error.report()
            );
            ends += 1;
        }
    }
    row(
        "9",
        "error, never Ok",
        format!("{ends} of {ends} ends in 3 dialects are errors"),
    );
}

#[tokio::test]
async fn scenario_10_an_error_in_the_stream_is_tried_again_until_content_was_delivered() {
    for vendor in ["openai", "anthropic"] {
        for (event, again) in [(0, true), (1, true), (5, false)] {
            let sim = Simulator::start().await.unwrap();
            sim.on(Rule::any()
                .times(1)
                .fault(Fault::in_band_status(event, 529)));
            let client = of_vendor(vendor, &sim, &["retry.base_delay=1ms"]).await;
            let (text, error) = read(&client, question()).await;
            assert!(!text.is_empty());
            assert_eq!(error.is_none(), again, "{vendor} {event}: {error:?}");
            assert_eq!(
                sim.journal().len(),
                if again { 2 } else { 1 },
                "{vendor} {event}"
            );
            if let Some(error) = error {
                assert_eq!(error.kind(), ErrorKind::Overloaded);
            }
        }
    }
    row(
        "10",
        "before a token: tried again; after: error",
        "2 attempts before, 1 after",
    );
}

#[tokio::test]
async fn a_slot_is_held_to_the_end_of_the_stream() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::DelayPerEvent(Duration::from_millis(1))));
    let client = client(&[&sim], &["concurrency.max=2"]).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        calls.spawn(async move { client.stream("Hi").await?.collect().await });
    }
    while let Some(answer) = calls.join_next().await {
        answer.unwrap().unwrap();
    }
    let stats = sim.stats();
    assert_eq!(stats.requests(), 50);
    assert!(stats.peak_live_streams() <= 2, "{stats:?}");
    row(
        "show 2",
        "50 streams, never more than 2 live",
        format!("peak {}", stats.peak_live_streams()),
    );
}
