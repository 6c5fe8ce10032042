//! The default assistant beyond plain text.

use crate::{CHAT, ask, ask_streamed, content, post};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use towline_sim::Simulator;

async fn answer(body: Value) -> Value {
    let sim = Simulator::start().await.unwrap();
    post(&sim, CHAT, &body).await.json()
}

fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "get_time"}},
        {"type": "function", "function": {"name": "get_weather", "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
            "required": ["city"],
        }}},
    ])
}

fn with_tools(question: &str, choice: Value) -> Value {
    let mut body = ask(question);
    body["tools"] = tools();
    body["tool_choice"] = choice;
    body
}

fn called(answer: &Value) -> Vec<String> {
    let calls = answer["choices"][0]["message"]["tool_calls"].as_array();
    let names = calls
        .into_iter()
        .flatten()
        .map(|call| call["function"]["name"].as_str().unwrap());
    names.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn calls_the_tool_it_must_with_arguments_that_fit() {
    let choice = json!({"type": "function", "function": {"name": "get_weather"}});
    let answer = answer(with_tools("x", choice)).await;
    assert_eq!(called(&answer), ["get_weather"]);
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    let arguments: Value =
        serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({"city": "sample city", "days": 2}));
    assert!(call["id"].as_str().unwrap().starts_with("call_sim_"));
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    assert!(answer["choices"][0]["message"]["content"].is_null());
}

#[tokio::test]
async fn calls_tools_when_it_is_asked_to_and_only_then() {
    let both = "Please use the tools get_weather and get_time.";
    assert_eq!(
        called(&answer(with_tools(both, json!("auto"))).await),
        ["get_weather", "get_time"]
    );
    let mut single = with_tools(both, json!("auto"));
    single["parallel_tool_calls"] = json!(false);
    assert_eq!(called(&answer(single).await), ["get_weather"]);
    assert_eq!(
        called(&answer(with_tools("hello", json!("required"))).await),
        ["get_time"]
    );
    assert!(called(&answer(with_tools("hello", json!("auto"))).await).is_empty());
    assert!(called(&answer(with_tools(both, json!("none"))).await).is_empty());
}

#[tokio::test]
async fn repeats_the_result_of_a_tool() {
    let mut body = with_tools("use the tool get_weather", json!("required"));
    let call = json!({"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    let more = [
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": "c1", "content": "18 degrees"}),
    ];
    body["messages"].as_array_mut().unwrap().extend(more);
    let sim = Simulator::start().await.unwrap();
    let text = content(&post(&sim, CHAT, &body).await);
    assert!(text.contains("get_weather returned: 18 degrees"), "{text}");
}

#[tokio::test]
async fn writes_json_that_fits_the_schema() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "mood": {"enum": ["calm", "wild"]},
            "scores": {"type": "array", "items": {"type": "number"}},
        },
        "required": ["name", "mood", "scores"],
        "additionalProperties": false,
    });
    let mut body = ask("x");
    body["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "r", "schema": schema}});
    let sim = Simulator::start().await.unwrap();
    let text = content(&post(&sim, CHAT, &body).await);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        value,
        json!({"name": "sample name", "mood": "calm", "scores": [1.0]})
    );

    body["response_format"] = json!({"type": "json_object"});
    let value: Value = serde_json::from_str(&content(&post(&sim, CHAT, &body).await)).unwrap();
    assert_eq!(value["simulated"], true);
}

#[tokio::test]
async fn thinks_when_effort_is_asked_for() {
    let mut body = ask("why?");
    body["reasoning_effort"] = json!("high");
    let high = answer(body.clone()).await;
    assert!(
        high["choices"][0]["message"]["reasoning_content"]
            .as_str()
            .unwrap()
            .contains("why?")
    );
    let thought = &high["usage"]["completion_tokens_details"]["reasoning_tokens"];
    assert!(
        thought.as_u64().unwrap() > 50
            && high["usage"]["completion_tokens"].as_u64() > thought.as_u64()
    );
    body["reasoning_effort"] = json!("none");
    assert!(
        answer(body).await["choices"][0]["message"]
            .get("reasoning_content")
            .is_none()
    );
}

#[tokio::test]
async fn speaks_of_images_and_of_the_conversation() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": [{"type": "text", "text": "what is this?"}, image, image]},
    ]});
    let sim = Simulator::start().await.unwrap();
    let text = content(&post(&sim, CHAT, &body).await);
    assert!(
        text.contains("2 images") && text.contains("message 2") && text.contains("what is this?"),
        "{text}"
    );
}

#[tokio::test]
async fn stops_at_the_token_limit_and_at_a_stop_sequence() {
    let mut body = ask("x");
    body["max_completion_tokens"] = json!(5);
    let short = answer(body).await;
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(short["usage"]["completion_tokens"], 5);
    assert_eq!(
        short["choices"][0]["message"]["content"],
        "This answer is simul"
    );

    let mut body = ask("x");
    body["stop"] = json!([" is"]);
    let stopped = answer(body).await;
    assert_eq!(stopped["choices"][0]["message"]["content"], "This answer");
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn gives_as_many_answers_as_asked_for() {
    let mut body = ask_streamed("x");
    body["n"] = json!(2);
    let sim = Simulator::start().await.unwrap();
    let chunks = post(&sim, CHAT, &body).await.chunks();
    let finished = chunks
        .iter()
        .filter(|c| c["choices"][0]["finish_reason"] == "stop");
    assert_eq!(
        finished
            .map(|c| c["choices"][0]["index"].clone())
            .collect::<Vec<_>>(),
        [json!(0), json!(1)]
    );
    body["stream"] = json!(false);
    assert_eq!(
        post(&sim, CHAT, &body).await.json()["choices"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_long_beginning_seen_before_is_cached() {
    let long = "word ".repeat(2000);
    let sim = Simulator::start().await.unwrap();
    let mut messages = vec![json!({"role": "user", "content": long})];
    let ask = |messages: &Vec<Value>| json!({"model": "m", "messages": messages});
    let cached = |seen: &Value| {
        seen["usage"]["prompt_tokens_details"]["cached_tokens"]
            .as_u64()
            .unwrap()
    };

    let first = post(&sim, CHAT, &ask(&messages)).await.json();
    assert_eq!(cached(&first), 0);
    messages.push(json!({"role": "assistant", "content": "ok"}));
    messages.push(json!({"role": "user", "content": "more"}));
    let second = post(&sim, CHAT, &ask(&messages)).await.json();
    assert_eq!(cached(&second), 2432, "2,507 tokens in steps of 128");
    assert!(second["usage"]["prompt_tokens"].as_u64().unwrap() > cached(&second));
}

#[tokio::test(start_paused = true)]
async fn takes_its_time_when_told_to() {
    let sim = Simulator::builder()
        .pace(Duration::from_millis(100))
        .start()
        .await
        .unwrap();
    for body in [ask("x"), ask_streamed("x")] {
        let start = Instant::now();
        assert_eq!(post(&sim, CHAT, &body).await.status, 200);
        let waited = Instant::now().saturating_duration_since(start);
        assert!(waited >= Duration::from_secs(2), "{waited:?}");
    }
}
