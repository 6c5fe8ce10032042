//! Each fault, by what the socket sees.

use crate::{
    CHAT, ask, ask_streamed, post,
    raw::{End, Raw, Seen},
    with,
};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use towline_sim::{Fault, Gate, Outcome, Reply, Rule, Simulator, Stall};

/// A stream of five events: role, two words, finish, end marker.
fn five_events(fault: Fault) -> Rule {
    Rule::any().respond(Reply::text("one two")).fault(fault)
}

async fn streamed(fault: Fault) -> (Simulator, Seen) {
    let sim = with(five_events(fault)).await;
    let seen = post(&sim, CHAT, &ask_streamed("x")).await;
    (sim, seen)
}

async fn whole(fault: Fault) -> Seen {
    let sim = with(five_events(fault)).await;
    post(&sim, CHAT, &ask("x")).await
}

fn outcome(sim: &Simulator) -> Outcome {
    sim.journal().last().unwrap().outcome()
}

#[tokio::test]
async fn a_status_replaces_the_answer_in_the_shape_of_the_dialect() {
    let fault = Fault::status(429).with_header("retry-after", "2");
    let (_sim, seen) = streamed(fault).await;
    assert_eq!((seen.status, seen.end), (429, End::Complete));
    assert_eq!(seen.header("retry-after"), Some("2"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.json()["error"]["code"], "rate_limit_exceeded");
    assert!(seen.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_header_comes_with_an_answer_that_is_good_otherwise() {
    let fault = || Fault::Header("retry-after".to_owned(), "5".to_owned());
    let (_sim, seen) = streamed(fault()).await;
    assert_eq!((seen.status, seen.data().len()), (200, 5));
    assert_eq!(seen.header("retry-after"), Some("5"));
    assert_eq!(whole(fault()).await.header("retry-after"), Some("5"));
    let wrong = Fault::Header("a b".to_owned(), "5".to_owned());
    assert_eq!(whole(wrong).await.status, 500);
}

#[tokio::test]
async fn a_status_takes_any_body() {
    let seen = whole(Fault::status(502).with_body("<html>bad gateway</html>")).await;
    assert_eq!(seen.status, 502);
    assert_eq!(
        seen.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(seen.text(), "<html>bad gateway</html>");
    let seen = whole(Fault::status(400).with_body(json!({"detail": "no"}))).await;
    assert_eq!(seen.json(), json!({"detail": "no"}));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_head_comes_after_its_time() {
    let stall = Stall::For(Duration::from_secs(5));
    let sim = with(five_events(Fault::StallHead(stall))).await;
    let start = Instant::now();
    let seen = post(&sim, CHAT, &ask("x")).await;
    assert_eq!(seen.status, 200);
    let waited = Instant::now().saturating_duration_since(start);
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_stalled_for_ever_never_comes() {
    let sim = with(five_events(Fault::StallHead(Stall::Forever))).await;
    let mut client = Raw::connect(sim.addr()).await;
    client
        .send("POST", CHAT, &[], ask("x").to_string().as_bytes())
        .await;
    sim.wait_for(|sim| sim.stats().requests() == 1).await;
    let head = timeout(Duration::from_secs(3600), client.receive_head()).await;
    assert!(head.is_err(), "nothing came");
    assert_eq!(sim.journal()[0].status(), None);
    drop(client);
    sim.wait_for(|sim| sim.journal()[0].cancelled()).await;
}

#[tokio::test(start_paused = true)]
async fn a_stall_between_events_lets_the_rest_come_later() {
    let stall = Stall::For(Duration::from_secs(7));
    let sim = with(five_events(Fault::StallAfterEvents(2, stall))).await;
    let start = Instant::now();
    let seen = post(&sim, CHAT, &ask_streamed("x")).await;
    assert_eq!(seen.data().len(), 5);
    let waited = Instant::now().saturating_duration_since(start);
    assert!(waited >= Duration::from_secs(7), "{waited:?}");
}

#[tokio::test]
async fn a_gate_holds_back_until_it_is_opened() {
    let gate = Gate::new();
    let rule = five_events(Fault::StallHead(Stall::Until(gate.clone())));
    let sim = with(rule.fault(Fault::StallAfterEvents(2, Stall::Until(gate.clone())))).await;
    let mut client = Raw::connect(sim.addr()).await;
    client
        .send("POST", CHAT, &[], ask_streamed("x").to_string().as_bytes())
        .await;
    sim.wait_for(|sim| sim.stats().requests() == 1).await;
    assert_eq!(sim.journal()[0].status(), None);

    gate.open();
    assert_eq!(client.receive().await.unwrap().data().len(), 5);
    gate.close();
    client
        .send("POST", CHAT, &[], ask_streamed("x").to_string().as_bytes())
        .await;
    sim.wait_for(|sim| sim.stats().requests() == 2).await;
    assert_eq!(sim.journal()[1].status(), None, "closed again");
}

#[tokio::test(start_paused = true)]
async fn a_stall_after_bytes_stops_in_the_middle_of_an_event() {
    let sim = with(five_events(Fault::StallAfterBytes(10, Stall::Forever))).await;
    let mut client = Raw::connect(sim.addr()).await;
    client
        .send("POST", CHAT, &[], ask_streamed("x").to_string().as_bytes())
        .await;
    let head = client.receive_head().await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(client.chunk().await.unwrap().unwrap(), b"data: {\"ch");
    assert!(
        timeout(Duration::from_secs(3600), client.chunk())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_delay_per_event_adds_up() {
    let sim = with(five_events(Fault::DelayPerEvent(Duration::from_millis(50)))).await;
    let start = Instant::now();
    let seen = post(&sim, CHAT, &ask_streamed("x")).await;
    assert_eq!((seen.data().len(), seen.end), (5, End::Complete));
    let waited = Instant::now().saturating_duration_since(start);
    assert!(waited >= Duration::from_millis(250), "{waited:?}");
}

#[tokio::test]
async fn a_cut_after_events_closes_without_the_last_chunk() {
    let (sim, seen) = streamed(Fault::CutAfterEvents(3)).await;
    assert_eq!((seen.status, seen.end), (200, End::Fin));
    assert_eq!(seen.data().len(), 3);
    assert_eq!(outcome(&sim), Outcome::Broken);
}

#[tokio::test]
async fn a_cut_after_bytes_closes_in_the_middle_of_an_event() {
    let (_sim, seen) = streamed(Fault::CutAfterBytes(17)).await;
    assert_eq!((seen.body.len(), seen.end), (17, End::Fin));
}

#[tokio::test]
async fn a_cut_of_a_whole_answer_falls_short_of_its_length() {
    let seen = whole(Fault::CutAfterBytes(17)).await;
    let length: usize = seen.header("content-length").unwrap().parse().unwrap();
    assert_eq!((seen.body.len(), seen.end), (17, End::Fin));
    assert!(length > 100, "{length}");
}

#[tokio::test]
async fn a_clean_end_is_a_proper_end_without_the_terminal_event() {
    let sim = with(five_events(Fault::CleanEndAfterEvents(3))).await;
    let mut client = Raw::connect(sim.addr()).await;
    let seen = client.post(CHAT, &ask_streamed("x")).await;
    assert_eq!((seen.data().len(), seen.end), (3, End::Complete));
    assert_eq!(outcome(&sim), Outcome::Complete);
    assert_eq!(
        client.get("/health").await.status,
        200,
        "the connection is still good"
    );
}

#[tokio::test]
async fn a_reset_at_the_head_is_a_reset() {
    let sim = with(five_events(Fault::ResetHead)).await;
    let mut client = Raw::connect(sim.addr()).await;
    client
        .send("POST", CHAT, &[], ask("x").to_string().as_bytes())
        .await;
    assert_eq!(client.receive().await.unwrap_err(), End::Rst);
    assert_eq!(outcome(&sim), Outcome::Broken);
    sim.wait_for(|sim| sim.stats().live_connections() == 0)
        .await;
}

#[tokio::test]
async fn a_reset_after_bytes_comes_after_them() {
    let (sim, seen) = streamed(Fault::ResetAfterBytes(40)).await;
    assert_eq!((seen.status, seen.end), (200, End::Rst));
    assert_eq!(sim.journal()[0].bytes_sent(), 40);
    assert_eq!(outcome(&sim), Outcome::Broken);
}

#[tokio::test]
async fn an_error_inside_the_stream_comes_with_status_200() {
    let error = json!({"error": {"message": "overloaded", "code": "server_is_overloaded"}});
    let (_sim, seen) = streamed(Fault::in_band_error(2, error.clone())).await;
    assert_eq!((seen.status, seen.end), (200, End::Complete));
    assert_eq!(seen.data().len(), 3);
    assert_eq!(seen.chunks()[2], error);

    let fault = Fault::InBandError {
        after_events: 2,
        body: error.clone(),
        event: Some("error".to_owned()),
        goes_on: true,
    };
    let (_sim, seen) = streamed(fault).await;
    assert_eq!(seen.data().len(), 6);
    assert_eq!(seen.data().last().unwrap(), "[DONE]");
    assert!(
        seen.text().contains("\n\nevent: error\ndata: {\"error\""),
        "{}",
        seen.text()
    );
    assert_eq!(
        whole(Fault::in_band_error(0, error.clone())).await.json(),
        error
    );
}

#[tokio::test]
async fn events_are_doubled_and_swapped() {
    let (_sim, seen) = streamed(Fault::DuplicateEvent(1)).await;
    let data = seen.data();
    assert_eq!((data.len(), &data[1]), (6, &data[2]));

    let (_sim, seen) = streamed(Fault::SwapEvents(1, 2)).await;
    let chunks = seen.chunks();
    let words = chunks[1..3]
        .iter()
        .map(|chunk| chunk["choices"][0]["delta"]["content"].clone());
    assert_eq!(words.collect::<Vec<_>>(), ["two", "one "]);
}

#[tokio::test]
async fn bad_utf8_stands_in_the_event_after_so_many() {
    let (_sim, seen) = streamed(Fault::BadUtf8AfterEvents(2)).await;
    let bad = String::from_utf8(seen.body.clone())
        .unwrap_err()
        .utf8_error()
        .valid_up_to();
    let before = String::from_utf8(seen.body[..bad].to_vec()).unwrap();
    assert_eq!(before.matches("\n\n").count(), 2);
    assert_eq!(seen.end, End::Complete);
}

#[tokio::test]
async fn malformed_json_breaks_one_event_only() {
    let (_sim, seen) = streamed(Fault::MalformedJson(1)).await;
    let parses = seen
        .data()
        .iter()
        .map(|data| serde_json::from_str::<serde_json::Value>(data).is_ok())
        .collect::<Vec<_>>();
    assert_eq!(
        parses,
        [true, false, true, true, false],
        "the last is [DONE]"
    );
    let seen = whole(Fault::MalformedJson(0)).await;
    assert_eq!(seen.end, End::Complete);
    assert!(serde_json::from_slice::<serde_json::Value>(&seen.body).is_err());
}

#[tokio::test]
async fn a_length_that_is_too_large_ends_early() {
    let seen = whole(Fault::WrongContentLength(5)).await;
    let length: usize = seen.header("content-length").unwrap().parse().unwrap();
    assert_eq!((seen.body.len() + 5, seen.end), (length, End::Fin));
    assert_eq!(
        seen.json()["object"],
        "chat.completion",
        "the body itself is good"
    );
}

#[tokio::test]
async fn a_length_that_is_too_small_leaves_bytes_on_the_connection() {
    let sim = with(five_events(Fault::WrongContentLength(-5)).times(1)).await;
    let mut client = Raw::connect(sim.addr()).await;
    let seen = client.post(CHAT, &ask("x")).await;
    assert_eq!(seen.end, End::Complete);
    let mut body = seen.body;
    body.extend(client.exactly(5).await.unwrap());
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(
        client.get("/health").await.status,
        200,
        "the server thinks all is well"
    );
    assert_eq!(sim.stats().connections(), 1);
}

#[tokio::test]
async fn one_byte_at_a_time_is_that() {
    let sim = with(five_events(Fault::OneByteAtATime).times(1)).await;
    let mut client = Raw::connect(sim.addr()).await;
    let seen = client.post(CHAT, &ask_streamed("x")).await;
    assert_eq!((seen.data().len(), seen.end), (5, End::Complete));
    let single = client.reads.iter().filter(|read| **read == 1).count();
    assert!(
        client.reads.len() > 500 && single * 10 > client.reads.len() * 9,
        "{:?}",
        client.reads
    );

    client.reads.clear();
    client.get("/health").await;
    assert!(
        client.reads.len() < 10,
        "the next answer is not slow: {:?}",
        client.reads
    );
}

#[tokio::test(start_paused = true)]
async fn a_drip_takes_its_time_for_each_byte() {
    let wait = Duration::from_secs(20);
    let sim = with(
        Rule::any()
            .respond(Reply::raw(200, [("a", "b")], "12"))
            .fault(Fault::OneByteEvery(wait)),
    )
    .await;
    let start = Instant::now();
    let seen = post(&sim, CHAT, &ask("x")).await;
    assert_eq!((seen.text().as_str(), seen.end), ("12", End::Complete));
    let waited = Instant::now().saturating_duration_since(start);
    assert!(waited >= wait * 40, "{waited:?}");
}

#[tokio::test]
async fn a_close_after_the_answer_is_not_announced() {
    for body in [ask("x"), ask_streamed("x")] {
        let sim = with(Rule::any().fault(Fault::CloseAfter)).await;
        let mut client = Raw::connect(sim.addr()).await;
        let seen = client.post(CHAT, &body).await;
        assert_eq!((seen.status, seen.end), (200, End::Complete));
        assert_eq!(seen.header("connection"), None);
        assert_eq!(client.rest().await, (Vec::new(), End::Fin));
        assert_eq!(outcome(&sim), Outcome::Complete);
    }
}

#[tokio::test]
async fn faults_combine() {
    let rule = five_events(Fault::OneByteAtATime)
        .fault(Fault::DuplicateEvent(0))
        .fault(Fault::CutAfterEvents(2));
    let sim = with(rule).await;
    let seen = post(&sim, CHAT, &ask_streamed("x")).await;
    let data = seen.data();
    assert_eq!((data.len(), seen.end), (2, End::Fin));
    assert_eq!(data[0], data[1]);
}

#[tokio::test]
async fn a_rule_that_cannot_be_carried_out_says_so() {
    let seen = whole(Fault::status(42)).await;
    assert_eq!(seen.status, 500);
    assert!(
        seen.text().contains("42 is not the status of an answer"),
        "{}",
        seen.text()
    );
    let seen = whole(Fault::status(400).with_header("a b", "c")).await;
    assert!(
        seen.text().contains("\"a b\" is not an HTTP header name"),
        "{}",
        seen.text()
    );
}
