//! `/api/chat`.

use super::{CHAT, ask, lines};
use crate::{ask as ask_streamed, post, with};
use serde_json::{Value, json};
use towline_sim::{Fault, Reply, Rule, Simulator, TokenUsage, ToolCall};

async fn answered(body: &Value) -> Value {
    let sim = Simulator::start().await.unwrap();
    let seen = post(&sim, CHAT, body).await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    seen.json()
}

async fn streamed(rule: Rule) -> Vec<Value> {
    let sim = with(rule).await;
    lines(&post(&sim, CHAT, &ask_streamed("x")).await)
}

fn texts(lines: &[Value], field: &str) -> Vec<String> {
    let found = lines
        .iter()
        .filter_map(|line| line["message"][field].as_str());
    found
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test]
async fn answers_whole_with_counts_and_durations() {
    let answer = answered(&ask("What is the capital of France?")).await;
    let text = answer["message"]["content"].as_str().unwrap();
    assert!(
        text.contains("simulated") && text.contains("capital of France"),
        "{text}"
    );
    assert_eq!(
        (&answer["done"], &answer["done_reason"]),
        (&json!(true), &json!("stop"))
    );
    assert!(answer["eval_count"].as_u64().unwrap() > 10);
    assert!(answer["total_duration"].as_u64() > answer["eval_duration"].as_u64());
}

#[tokio::test]
async fn streams_lines_unless_told_not_to() {
    let reply = Reply::text("one two").with_reasoning("Hm, hm.");
    let reply = reply.with_usage(TokenUsage::new(9, 7).with_cached(3));
    let lines = streamed(Rule::any().stream(true).respond(reply)).await;
    assert_eq!(texts(&lines, "thinking"), ["Hm, ", "hm."]);
    assert_eq!(texts(&lines, "content"), ["one ", "two"]);
    let (last, before) = lines.split_last().unwrap();
    assert!(
        before
            .iter()
            .all(|line| line["done"] == false && line.get("eval_count").is_none())
    );
    assert_eq!(
        (
            &last["done"],
            &last["prompt_eval_count"],
            &last["eval_count"]
        ),
        (&json!(true), &json!(9), &json!(7))
    );
}

#[tokio::test]
async fn each_call_of_a_tool_is_a_line_and_the_end_is_a_stop() {
    let calls = [
        ToolCall::new("a", json!({"city": "Zürich"})),
        ToolCall::new("b", json!({})),
    ];
    let lines = streamed(Rule::any().respond(Reply::tool_calls(calls))).await;
    assert_eq!(lines.len(), 3);
    let function = |line: usize| lines[line]["message"]["tool_calls"][0]["function"].clone();
    assert_eq!(
        function(0),
        json!({"index": 0, "name": "a", "arguments": {"city": "Zürich"}})
    );
    assert_eq!(
        function(1),
        json!({"index": 1, "name": "b", "arguments": {}})
    );
    assert_eq!(lines[2]["done_reason"], "stop");
}

#[tokio::test]
async fn calls_a_tool_and_repeats_its_result() {
    let mut body = ask("Use the tool get_weather.");
    body["tools"] = json!([{"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}
    }}}]);
    let called = answered(&body).await["message"].clone();
    assert_eq!(
        called["tool_calls"][0]["function"]["arguments"],
        json!({"city": "sample city"})
    );
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(called);
    messages.push(json!({"role": "tool", "tool_name": "get_weather", "content": "18 degrees"}));
    let text = answered(&body).await["message"]["content"].clone();
    assert!(
        text.as_str()
            .unwrap()
            .contains("get_weather returned: 18 degrees"),
        "{text}"
    );
}

#[tokio::test]
async fn thinks_cuts_and_fits_a_schema() {
    let mut body = ask("why?");
    body["think"] = json!(true);
    let answer = answered(&body).await;
    assert!(
        answer["message"]["thinking"]
            .as_str()
            .unwrap()
            .contains("why?")
    );

    let mut body = ask("x");
    body["options"] = json!({"num_predict": 2, "temperature": 0});
    let cut = answered(&body).await;
    assert_eq!(
        (&cut["done_reason"], &cut["message"]["content"]),
        (&json!("length"), &json!("This ans"))
    );

    let mut body = ask("x");
    body["format"] = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let text = answered(&body).await["message"]["content"].clone();
    assert_eq!(text, r#"{"name":"sample name"}"#);

    let empty = json!({"model": "m", "stream": false, "messages": [], "keep_alive": 0});
    assert_eq!(answered(&empty).await["done_reason"], "unload");
}

#[tokio::test]
async fn an_error_inside_the_stream_is_a_line() {
    let rule = || Rule::any().respond(Reply::text("one two"));
    let lines = streamed(rule().fault(Fault::in_band_status(1, 500))).await;
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[1],
        json!({"error": "an error was encountered while running the model"})
    );
    let refused = streamed(Rule::any().respond(Reply::refusal("I will not."))).await;
    assert_eq!(texts(&refused, "content").concat(), "I will not.");
}
