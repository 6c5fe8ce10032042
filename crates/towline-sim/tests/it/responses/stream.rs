//! Streams of the Responses dialect.

use super::{RESPONSES, ask};
use crate::{post, raw::Seen, with};
use serde_json::{Value, json};
use towline_sim::{Fault, Reply, Rule, ToolCall};

async fn streamed(rule: Rule) -> Seen {
    let sim = with(rule).await;
    let mut body = ask("x");
    body["stream"] = json!(true);
    body["include"] = json!(["reasoning.encrypted_content"]);
    let seen = post(&sim, RESPONSES, &body).await;
    assert_eq!(seen.status, 200);
    seen
}

/// The names of the events, which are numbered and have the name of their data.
fn names(seen: &Seen) -> Vec<String> {
    let text = seen.text();
    let named = text.lines().filter_map(|line| line.strip_prefix("event: "));
    let names: Vec<&str> = named
        .map(|name| name.trim_start_matches("response."))
        .collect();
    for (number, (event, name)) in seen.chunks().iter().zip(&names).enumerate() {
        assert_eq!(event["sequence_number"], number);
        assert!(event["type"].as_str().unwrap().ends_with(name));
    }
    names.into_iter().map(ToOwned::to_owned).collect()
}

fn deltas(seen: &Seen, kind: &str) -> Vec<String> {
    let events = seen.chunks().into_iter();
    let of_kind = events.filter(|event| event["type"] == format!("response.{kind}.delta"));
    of_kind
        .map(|event| event["delta"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn events_are_numbered_and_end_without_a_done_marker() {
    let seen = streamed(Rule::any().respond(Reply::text("one two"))).await;
    assert_eq!(
        names(&seen),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    assert_eq!(deltas(&seen, "output_text"), ["one ", "two"]);
    let events = seen.chunks();
    assert_eq!(events[0]["response"]["status"], "in_progress");
    assert_eq!(events[2]["item"]["content"], json!([]));
    assert_eq!(events[6]["text"], "one two");
    assert_eq!(events[9]["response"]["output"][0], events[8]["item"]);
    assert!(events[4]["obfuscation"].is_string());
    assert!(!seen.text().contains("[DONE]"));
}

#[tokio::test]
async fn reasoning_text_and_calls_are_items_of_their_own() {
    let call = ToolCall::new("a", json!({"city": "Zürich"})).with_id("call_a");
    let reply = Reply::tool_calls([call, ToolCall::new("b", json!({}))]);
    let reply = reply.with_text("Wait.").with_reasoning("Hm, hm.");
    let seen = streamed(Rule::any().respond(reply)).await;
    let events = seen.chunks();
    let added: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.added")
        .collect();
    let kinds: Vec<&Value> = added.iter().map(|event| &event["item"]["type"]).collect();
    assert_eq!(
        kinds,
        ["reasoning", "message", "function_call", "function_call"]
    );
    assert_eq!(added[2]["item"]["call_id"], "call_a");
    assert_eq!(added[2]["item"]["arguments"], "");
    assert_eq!(added[3]["output_index"], 3);
    assert!(added[0]["item"]["encrypted_content"].is_string());
    let arguments = deltas(&seen, "function_call_arguments");
    assert_eq!(arguments.concat(), r#"{"city":"Zürich"}{}"#);
    assert!(arguments.len() > 2);
    assert_eq!(deltas(&seen, "reasoning_summary_text"), ["Hm, ", "hm."]);
    assert!(names(&seen).contains(&"reasoning_summary_part.done".to_owned()));
}

#[tokio::test]
async fn the_terminal_event_has_the_name_of_the_status() {
    for (finish, last) in [
        ("length", "incomplete"),
        ("failed", "failed"),
        ("stop", "completed"),
    ] {
        let seen = streamed(Rule::any().respond(Reply::text("x").with_finish(finish))).await;
        assert_eq!(names(&seen).last().unwrap(), last);
    }
    let seen = streamed(Rule::any().respond(Reply::refusal("No way."))).await;
    assert_eq!(deltas(&seen, "refusal"), ["No ", "way."]);
}

#[tokio::test]
async fn an_error_inside_the_stream_is_told_twice() {
    let rule = || Rule::any().respond(Reply::text("one two"));
    let seen = streamed(rule().fault(Fault::in_band_status(5, 503))).await;
    let names = names(&seen);
    assert_eq!(names[5..], ["error", "failed"]);
    let events = seen.chunks();
    assert_eq!(events[5]["error"]["code"], "server_is_overloaded");
    assert_eq!(events[6]["response"]["status"], "failed");
    assert_eq!(events[6]["response"]["id"], events[0]["response"]["id"]);
    assert_eq!(events[6]["response"]["error"]["code"], "server_error");

    let body = json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}});
    let seen = streamed(rule().fault(Fault::in_band_error(0, body))).await;
    assert_eq!(
        seen.chunks()[1]["response"]["error"]["message"],
        "slow down"
    );
}
