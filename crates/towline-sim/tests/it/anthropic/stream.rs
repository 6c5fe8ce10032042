//! Streams of the Anthropic dialect.

use super::{ask, post, tools};
use crate::{raw::Seen, with};
use serde_json::{Value, json};
use towline_sim::{Fault, Reply, Rule, Simulator, ToolCall};

fn ask_streamed(question: &str) -> Value {
    let mut body = ask(question);
    body["stream"] = json!(true);
    body
}

async fn streamed(rule: Rule) -> Seen {
    let sim = with(rule).await;
    post(&sim, &ask_streamed("x")).await
}

/// The names of the events, each of which is that of its data.
fn names(seen: &Seen) -> Vec<String> {
    let text = seen.text();
    let named = text.lines().filter_map(|line| line.strip_prefix("event: "));
    let names: Vec<String> = named.map(ToOwned::to_owned).collect();
    let types: Vec<Value> = seen.chunks().iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types, names);
    names
}

/// The values of one field of the deltas.
fn deltas(seen: &Seen, field: &str) -> Vec<String> {
    let chunks = seen.chunks();
    let found = chunks
        .iter()
        .filter_map(|event| event["delta"][field].as_str());
    found.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn events_come_in_order_with_a_ping_third() {
    let seen = streamed(Rule::any().respond(Reply::text("one two"))).await;
    assert_eq!(
        names(&seen),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(deltas(&seen, "text"), ["one ", "two"]);
    let events = seen.chunks();
    assert_eq!(events[0]["message"]["content"], json!([]));
    assert_eq!(events[0]["message"]["usage"]["output_tokens"], 1);
    assert_eq!(events[6]["delta"]["stop_reason"], "end_turn");
    assert_eq!(events[6]["usage"]["output_tokens"], 2);
    assert!(seen.text().contains("}   \n"), "some events are padded");
    assert_eq!(
        seen.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
}

#[tokio::test]
async fn arguments_of_tools_come_in_fragments() {
    let calls = [
        ToolCall::new("a", json!({"city": "Zürich"})),
        ToolCall::new("b", json!({})).with_id("toolu_b"),
    ];
    let reply = Reply::tool_calls(calls)
        .with_text("Wait.")
        .with_reasoning("Hm, hm.");
    let seen = streamed(Rule::any().respond(reply)).await;
    let events = seen.chunks();
    let starts: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "content_block_start")
        .collect();
    let kinds: Vec<&Value> = starts.iter().map(|s| &s["content_block"]["type"]).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use", "tool_use"]);
    assert_eq!(starts[3]["index"], 3);
    assert_eq!(starts[3]["content_block"]["id"], "toolu_b");
    assert_eq!(starts[2]["content_block"]["input"], json!({}));
    let fragments = |index: u64| -> Vec<&str> {
        let of_block = events.iter().filter(|event| event["index"] == index);
        let found = of_block.filter_map(|event| event["delta"]["partial_json"].as_str());
        found.collect()
    };
    assert_eq!(fragments(2).concat(), r#"{"city":"Zürich"}"#);
    assert!(fragments(2).len() > 2 && fragments(2)[0].is_empty());
    assert_eq!(fragments(3), [""]);
    assert_eq!(deltas(&seen, "thinking").concat(), "Hm, hm.");
    assert_eq!(deltas(&seen, "signature").len(), 1);
    assert_eq!(deltas(&seen, "stop_reason"), ["tool_use"]);
}

#[tokio::test]
async fn the_default_assistant_streams_what_it_would_say_whole() {
    let sim = Simulator::start().await.unwrap();
    let mut body = ask_streamed("Use the tool get_weather.");
    body["tools"] = tools();
    let seen = post(&sim, &body).await;
    assert_eq!(
        deltas(&seen, "partial_json").concat(),
        r#"{"city":"sample city"}"#
    );
    let seen = post(&sim, &ask_streamed("hello")).await;
    assert!(deltas(&seen, "text").concat().contains("\"hello\""));
}

#[tokio::test]
async fn finish_reasons_are_in_the_words_of_the_dialect() {
    for (told, wire) in [
        ("length", "max_tokens"),
        ("stop", "end_turn"),
        ("content_filter", "refusal"),
        ("pause_turn", "pause_turn"),
        ("brand_new", "brand_new"),
    ] {
        let seen = streamed(Rule::any().respond(Reply::text("x").with_finish(told))).await;
        assert_eq!(deltas(&seen, "stop_reason"), [wire]);
    }
    let seen = streamed(Rule::any().respond(Reply::refusal("I will not."))).await;
    assert_eq!(
        names(&seen),
        ["message_start", "ping", "message_delta", "message_stop"]
    );
    let delta = &seen.chunks()[2]["delta"];
    assert_eq!(delta["stop_reason"], "refusal");
    assert_eq!(delta["stop_details"]["explanation"], "I will not.");
}

#[tokio::test]
async fn an_error_inside_the_stream_is_an_error_event() {
    let rule = || Rule::any().respond(Reply::text("one two"));
    let seen = streamed(rule().fault(Fault::in_band_status(4, 529))).await;
    assert_eq!((seen.status, names(&seen).len()), (200, 5));
    let error = &seen.chunks()[4];
    assert_eq!(names(&seen)[4], "error");
    assert_eq!(error["error"]["type"], "overloaded_error");

    let body = json!({"type": "error", "error": {"type": "api_error", "message": "no"}});
    let seen = streamed(rule().fault(Fault::in_band_error(0, body.clone()))).await;
    assert_eq!(seen.text(), format!("event: error\ndata: {body}\n\n"));

    let goes_on = Fault::InBandStatus {
        after_events: 1,
        status: 500,
        goes_on: true,
    };
    let seen = streamed(rule().fault(goes_on)).await;
    assert_eq!(names(&seen)[1], "error");
    assert_eq!(names(&seen).last().unwrap(), "message_stop");
}
