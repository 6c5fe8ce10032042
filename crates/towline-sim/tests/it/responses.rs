//! The Responses dialect.

mod refusal;
mod stream;

use crate::{post as send, raw::Raw, with};
use serde_json::{Value, json};
use towline_sim::{Fault, Reply, Rule, Simulator, TokenUsage, ToolCall};

const RESPONSES: &str = "/v1/responses";

fn ask(question: &str) -> Value {
    json!({"model": "m", "input": question})
}

async fn post(sim: &Simulator, body: &Value) -> Value {
    let seen = send(sim, RESPONSES, body).await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    seen.json()
}

async fn answered(body: &Value) -> Value {
    post(&Simulator::start().await.unwrap(), body).await
}

/// The items of one type.
fn items<'a>(response: &'a Value, kind: &str) -> Vec<&'a Value> {
    let items = response["output"].as_array().unwrap().iter();
    items.filter(|item| item["type"] == kind).collect()
}

fn said(response: &Value) -> String {
    let messages = items(response, "message");
    messages[0]["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn tools() -> Value {
    json!([{"type": "function", "name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}
    }}, {"type": "function", "name": "get_time"}])
}

#[tokio::test]
async fn answers_with_items_and_usage() {
    let sim = Simulator::start().await.unwrap();
    let seen = send(&sim, RESPONSES, &ask("What is the capital of France?")).await;
    assert!(seen.header("x-request-id").is_some());
    let body = seen.json();
    assert_eq!(
        (&body["object"], &body["status"]),
        (&json!("response"), &json!("completed"))
    );
    assert!(said(&body).contains("capital of France"), "{body}");
    assert_eq!(body["store"], true);
    let usage = &body["usage"];
    let sum = usage["input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"].as_u64(), Some(sum));

    let counts = TokenUsage::new(120, 30).with_cached(100).with_reasoning(20);
    let sim = with(Rule::any().respond(Reply::text("x").with_usage(counts))).await;
    let usage = post(&sim, &ask("x")).await["usage"].clone();
    assert_eq!(usage["input_tokens_details"]["cached_tokens"], 100);
    assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 20);
}

#[tokio::test]
async fn calls_tools_and_repeats_their_results() {
    let mut body = ask("Use the tools get_weather and get_time.");
    body["tools"] = tools();
    let called = answered(&body).await;
    let calls = items(&called, "function_call");
    assert_eq!(
        (&calls[0]["name"], &calls[1]["name"]),
        (&json!("get_weather"), &json!("get_time"))
    );
    assert_eq!(calls[0]["arguments"], r#"{"city":"sample city"}"#);
    assert_ne!(calls[0]["id"], calls[0]["call_id"]);
    body["parallel_tool_calls"] = json!(false);
    assert_eq!(items(&answered(&body).await, "function_call").len(), 1);
    body["tool_choice"] = json!({"type": "function", "name": "get_time"});
    assert_eq!(
        items(&answered(&body).await, "function_call")[0]["name"],
        "get_time"
    );

    let mut input = vec![json!({"role": "user", "content": [{"type": "input_text", "text": "x"}]})];
    input.extend(calls.iter().map(|call| (*call).clone()));
    input.extend(calls.iter().zip(["rain", "noon"]).map(|(call, text)| {
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": text})
    }));
    let told = said(&answered(&json!({"model": "m", "input": input})).await);
    assert!(told.contains("get_weather returned: rain"), "{told}");
    assert!(told.contains("get_time returned: noon"), "{told}");
}

#[tokio::test]
async fn goes_on_with_a_stored_response() {
    let sim = Simulator::start().await.unwrap();
    let mut body = ask("use the tool get_time");
    body["tools"] = tools();
    let first = post(&sim, &body).await;
    let call = items(&first, "function_call")[0];
    let output =
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "noon"});
    let next = json!({"model": "m", "previous_response_id": first["id"], "input": [output]});
    let second = post(&sim, &next).await;
    assert!(said(&second).contains("get_time returned: noon"));
    assert_eq!(second["previous_response_id"], first["id"]);
    assert!(second["usage"]["input_tokens"].as_u64() > Some(20));

    let path = format!("{RESPONSES}/{}", first["id"].as_str().unwrap());
    let mut client = Raw::connect(sim.addr()).await;
    assert_eq!(client.get(&path).await.json(), first);
    client.send("DELETE", &path, &[], b"").await;
    assert_eq!(client.receive().await.unwrap().json()["deleted"], true);
    assert_eq!(client.get(&path).await.status, 404);
    let seen = send(&sim, RESPONSES, &next).await;
    assert_eq!(
        (seen.status, &seen.json()["error"]["code"]),
        (400, &json!("previous_response_not_found"))
    );

    let mut body = ask("x");
    body["store"] = json!(false);
    let unstored = post(&sim, &body).await;
    assert_eq!(unstored["store"], false);
    let path = format!("{RESPONSES}/{}", unstored["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await.status, 404);
}

#[tokio::test]
async fn reasoning_comes_sealed_and_is_taken_back_unchanged() {
    let sim = Simulator::start().await.unwrap();
    let mut body = ask("why?");
    body["store"] = json!(false);
    body["reasoning"] = json!({"effort": "low", "summary": "auto"});
    body["include"] = json!(["reasoning.encrypted_content"]);
    let first = post(&sim, &body).await;
    let thought = items(&first, "reasoning")[0];
    assert!(
        thought["summary"][0]["text"]
            .as_str()
            .unwrap()
            .contains("why?")
    );
    assert!(first["usage"]["output_tokens_details"]["reasoning_tokens"].as_u64() > Some(5));

    let mut input = vec![json!({"role": "user", "content": "why?"})];
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "go on"}));
    body["input"] = json!(input);
    assert!(said(&post(&sim, &body).await).contains("go on"));

    body["input"][1]["encrypted_content"] = json!("c29tZXRoaW5nIGVsc2U=");
    let seen = send(&sim, RESPONSES, &body).await;
    assert_eq!(seen.json()["error"]["code"], "invalid_encrypted_content");
    body["input"][1]["encrypted_content"] = Value::Null;
    assert_eq!(send(&sim, RESPONSES, &body).await.status, 404);

    let hidden = json!({"model": "m", "input": "x", "reasoning": {"effort": "low"}});
    let hidden = post(&sim, &hidden).await;
    let thought = items(&hidden, "reasoning")[0];
    assert_eq!(thought["summary"], json!([]));
    assert!(thought.get("encrypted_content").is_none());
}

#[tokio::test]
async fn ends_incomplete_failed_or_with_a_refusal() {
    let mut body = ask("x");
    body["max_output_tokens"] = json!(16);
    let cut = answered(&body).await;
    assert_eq!(
        (&cut["status"], &cut["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    assert_eq!(said(&cut).len(), 64);
    assert_eq!(items(&cut, "message")[0]["status"], "incomplete");

    for (finish, status, pointer, found) in [
        (
            "length",
            "incomplete",
            "/incomplete_details/reason",
            "max_output_tokens",
        ),
        (
            "content_filter",
            "incomplete",
            "/incomplete_details/reason",
            "content_filter",
        ),
        (
            "brand_new",
            "incomplete",
            "/incomplete_details/reason",
            "brand_new",
        ),
        ("failed", "failed", "/error/code", "server_error"),
        ("stop", "completed", "/object", "response"),
    ] {
        let sim = with(Rule::any().respond(Reply::text("x").with_finish(finish))).await;
        let body = post(&sim, &ask("x")).await;
        assert_eq!(
            (&body["status"], body.pointer(pointer)),
            (&json!(status), Some(&json!(found)))
        );
    }
    let sim = with(Rule::any().respond(Reply::refusal("No."))).await;
    let body = post(&sim, &ask("x")).await;
    assert_eq!(
        items(&body, "message")[0]["content"],
        json!([{"type": "refusal", "refusal": "No."}])
    );
}

#[tokio::test]
async fn fits_a_schema_and_a_rule() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let mut body = ask("x");
    body["text"] = json!({"format": {"type": "json_schema", "name": "n", "schema": schema}});
    assert_eq!(said(&answered(&body).await), r#"{"name":"sample name"}"#);

    let call = ToolCall::new("f", json!({})).with_id("call_a");
    let sim = with(
        Rule::any()
            .user_message_contains("sesame")
            .respond(Reply::tool_calls([call])),
    )
    .await;
    let input =
        json!([{"role": "user", "content": [{"type": "input_text", "text": "open sesame"}]}]);
    let body = post(&sim, &json!({"model": "m", "input": input})).await;
    assert_eq!(items(&body, "function_call")[0]["call_id"], "call_a");

    let failed = Rule::any().fault(Fault::in_band_status(0, 503));
    let body = post(&with(failed).await, &ask("x")).await;
    assert_eq!(
        (&body["status"], &body["error"]["code"], &body["output"]),
        (&json!("failed"), &json!("server_error"), &json!([]))
    );
}
