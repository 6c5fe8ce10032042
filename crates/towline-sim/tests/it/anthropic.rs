//! The Anthropic dialect.

mod refusal;
mod stream;

use crate::raw::{End, Raw, Seen};
use serde_json::{Value, json};
use towline_sim::{DEFAULT_MODEL, Reply, Rule, Simulator, TokenUsage};

const MESSAGES: &str = "/v1/messages";
const VERSION: &str = "anthropic-version: 2023-06-01";

fn ask(question: &str) -> Value {
    json!({
        "model": "m",
        "max_tokens": 5_000,
        "messages": [{"role": "user", "content": question}],
    })
}

async fn send(sim: &Simulator, method: &str, path: &str, body: &Value) -> Seen {
    let mut client = Raw::connect(sim.addr()).await;
    let body = body.to_string();
    client.send(method, path, &[VERSION], body.as_bytes()).await;
    client.receive().await.unwrap()
}

async fn post(sim: &Simulator, body: &Value) -> Seen {
    send(sim, "POST", MESSAGES, body).await
}

/// The answer of the default assistant.
async fn answered(body: &Value) -> Value {
    let sim = Simulator::start().await.unwrap();
    let seen = post(&sim, body).await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    seen.json()
}

fn tools() -> Value {
    json!([
        {"name": "get_time", "input_schema": {"type": "object"}},
        {"name": "get_weather", "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        }},
    ])
}

#[tokio::test]
async fn answers_with_a_message_and_its_headers() {
    let sim = Simulator::start().await.unwrap();
    let seen = post(&sim, &ask("What is the capital of France?")).await;
    assert_eq!((seen.status, seen.end), (200, End::Complete));
    let body = seen.json();
    assert_eq!(
        (&body["type"], &body["role"], &body["model"]),
        (&json!("message"), &json!("assistant"), &json!("m"))
    );
    let text = body["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains("simulated") && text.contains("capital of France"),
        "{text}"
    );
    assert_eq!(body["stop_reason"], "end_turn");
    assert!(body["stop_sequence"].is_null());
    assert!(body["usage"]["input_tokens"].as_u64().unwrap() > 5);
    assert!(seen.header("request-id").unwrap().starts_with("req_sim_"));
    assert_eq!(
        seen.header("anthropic-ratelimit-requests-limit"),
        Some("4000")
    );
    assert_eq!(
        seen.header("anthropic-ratelimit-output-tokens-reset"),
        Some("2026-01-01T00:01:00Z")
    );
}

#[tokio::test]
async fn stops_at_a_sequence_and_at_the_limit() {
    let mut body = ask("x");
    body["stop_sequences"] = json!(["nowhere", " no model"]);
    let stopped = answered(&body).await;
    assert_eq!(
        (&stopped["stop_reason"], &stopped["stop_sequence"]),
        (&json!("stop_sequence"), &json!(" no model"))
    );
    assert_eq!(stopped["content"][0]["text"], "This answer is simulated:");
    body["max_tokens"] = json!(2);
    let cut = answered(&body).await;
    assert_eq!(
        (&cut["stop_reason"], &cut["content"][0]["text"]),
        (&json!("max_tokens"), &json!("This ans"))
    );
}

#[tokio::test]
async fn calls_tools_as_the_choice_says() {
    let mut body = ask("Use the tools get_weather and get_time.");
    body["tools"] = tools();
    let both = answered(&body).await;
    let names: Vec<&Value> = both["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["name"])
        .collect();
    assert_eq!(names, ["get_weather", "get_time"]);
    assert_eq!(both["content"][0]["type"], "tool_use");
    assert_eq!(both["content"][0]["input"], json!({"city": "sample city"}));
    assert!(
        both["content"][0]["id"]
            .as_str()
            .unwrap()
            .starts_with("toolu_sim_")
    );
    assert_eq!(both["stop_reason"], "tool_use");

    body["tool_choice"] = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(
        answered(&body).await["content"].as_array().unwrap().len(),
        1
    );
    body["tool_choice"] = json!({"type": "none"});
    assert_eq!(answered(&body).await["content"][0]["type"], "text");
    body["tool_choice"] = json!({"type": "tool", "name": "get_time"});
    assert_eq!(answered(&body).await["content"][0]["name"], "get_time");
}

#[tokio::test]
async fn repeats_the_results_of_tools() {
    let mut body = ask("Use the tools get_weather and get_time.");
    body["tools"] = tools();
    let calls = answered(&body).await["content"].clone();
    let results: Vec<Value> = ["18 degrees", "noon"]
        .iter()
        .zip(calls.as_array().unwrap())
        .map(|(text, call)| {
            let content = json!([{"type": "text", "text": text}]);
            json!({"type": "tool_result", "tool_use_id": call["id"], "content": content})
        })
        .collect();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": calls}));
    messages.push(json!({"role": "user", "content": results}));

    let answer = answered(&body).await;
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("get_weather returned: 18 degrees"), "{text}");
    assert!(text.contains("get_time returned: noon"), "{text}");

    // A rule sees the question, not the results that came after it.
    let sim = crate::with(
        Rule::any()
            .user_message_contains("weather")
            .respond(Reply::text("yes")),
    )
    .await;
    assert_eq!(post(&sim, &body).await.json()["content"][0]["text"], "yes");
}

#[tokio::test]
async fn thinks_when_asked_and_signs_what_it_thought() {
    let mut body = ask("why?");
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    let sim = Simulator::start().await.unwrap();
    let answer = post(&sim, &body).await.json();
    let thought = &answer["content"][0];
    assert_eq!(thought["type"], "thinking");
    assert!(thought["thinking"].as_str().unwrap().contains("why?"));
    assert!(
        answer["usage"]["output_tokens_details"]["thinking_tokens"]
            .as_u64()
            .unwrap()
            > 5
    );

    // It takes its thinking back unchanged, and no other way.
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": answer["content"]}));
    messages.push(json!({"role": "user", "content": "go on"}));
    assert_eq!(post(&sim, &body).await.status, 200);
    body["messages"][1]["content"][0]["thinking"] = json!("changed");
    let seen = post(&sim, &body).await;
    assert_eq!(seen.status, 400);
    assert!(
        seen.text()
            .contains("messages.1.content.0.thinking.signature")
    );

    let mut body = ask("why?");
    body["thinking"] = json!({"type": "adaptive", "display": "omitted"});
    let hidden = answered(&body).await;
    assert_eq!(hidden["content"][0]["thinking"], "");
    assert!(
        !hidden["content"][0]["signature"]
            .as_str()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn writes_json_that_fits_the_schema() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let mut body = ask("x");
    body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
    let answer = answered(&body).await;
    assert_eq!(answer["content"][0]["text"], r#"{"name":"sample name"}"#);
}

#[tokio::test]
async fn counts_cached_tokens_beside_the_input() {
    let sim = Simulator::start().await.unwrap();
    let mut body = ask("x");
    body["system"] = json!([{"type": "text", "text": "word ".repeat(2_000)}]);
    let usage = |seen: Seen| {
        let usage = seen.json()["usage"].clone();
        let count = |name: &str| usage[name].as_u64().unwrap();
        (
            count("input_tokens"),
            count("cache_creation_input_tokens"),
            count("cache_read_input_tokens"),
        )
    };
    let (fresh, 0, 0) = usage(post(&sim, &body).await) else {
        panic!("nothing is cached that is not marked");
    };
    body["system"][0]["cache_control"] = json!({"type": "ephemeral"});
    let (rest, written, 0) = usage(post(&sim, &body).await) else {
        panic!("nothing is read at first");
    };
    assert!(
        written > 2_000 && rest + written == fresh,
        "{written} {rest} {fresh}"
    );
    assert_eq!(usage(post(&sim, &body).await), (rest, 0, written));

    let scripted = TokenUsage::new(120, 30)
        .with_cached(100)
        .with_cache_written(5);
    sim.on(Rule::any().respond(Reply::text("x").with_usage(scripted)));
    assert_eq!(usage(post(&sim, &body).await), (15, 5, 100));
}

#[tokio::test]
async fn counts_the_tokens_of_a_request() {
    let sim = Simulator::start().await.unwrap();
    let mut body = ask("What is the capital of France?");
    let answer = post(&sim, &body).await.json();
    body.as_object_mut().unwrap().remove("max_tokens");
    let seen = send(&sim, "POST", "/v1/messages/count_tokens", &body).await;
    assert_eq!(
        seen.json(),
        json!({"input_tokens": answer["usage"]["input_tokens"]})
    );
}

#[tokio::test]
async fn lists_models_in_pages_to_those_who_name_the_version() {
    let builder = Simulator::builder().model("a").model("b").model("c");
    let sim = builder.start().await.unwrap();
    let page = send(&sim, "GET", "/v1/models?limit=2", &Value::Null)
        .await
        .json();
    assert_eq!(
        (&page["data"][1]["id"], &page["has_more"], &page["last_id"]),
        (&json!("b"), &json!(true), &json!("b"))
    );
    let page = send(&sim, "GET", "/v1/models?limit=2&after_id=b", &Value::Null)
        .await
        .json();
    assert_eq!(
        (&page["data"][0]["id"], &page["has_more"]),
        (&json!("c"), &json!(false))
    );
    let model = send(&sim, "GET", "/v1/models/a", &Value::Null).await.json();
    assert_eq!(
        (&model["type"], &model["id"]),
        (&json!("model"), &json!("a"))
    );
    assert_eq!(
        send(&sim, "GET", "/v1/models/x", &Value::Null).await.status,
        404
    );

    let mut openai = Raw::connect(sim.addr()).await;
    assert_eq!(openai.get("/v1/models").await.json()["object"], "list");

    let sim = Simulator::start().await.unwrap();
    let page = send(&sim, "GET", "/v1/models", &Value::Null).await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    assert_eq!(page["data"][0]["id"], DEFAULT_MODEL);
}
