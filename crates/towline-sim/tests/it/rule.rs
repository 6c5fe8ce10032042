//! Which rule decides.

use crate::{CHAT, ask, ask_streamed, content, post, raw::Raw, with};
use serde_json::json;
use towline_sim::{Fault, Reply, Rule, Script, Simulator, SseEvent, TokenUsage, ToolCall};

#[tokio::test]
async fn fails_so_often_and_then_succeeds() {
    let sim = with(Rule::any().times(2).fault(Fault::status(503))).await;
    let mut client = Raw::connect(sim.addr()).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.post(CHAT, &ask("x")).await.status);
    }
    assert_eq!(statuses, [503, 503, 200, 200]);
}

#[tokio::test]
async fn lets_so_many_pass_before_it_applies() {
    let sim = with(Rule::any().after(1).times(1).fault(Fault::status(500))).await;
    let mut client = Raw::connect(sim.addr()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.post(CHAT, &ask("x")).await.status);
    }
    assert_eq!(statuses, [200, 500, 200]);
}

#[tokio::test]
async fn all_conditions_must_hold_and_the_first_rule_wins() {
    let sim = with(
        Rule::path("/v1/chat/*")
            .method("post")
            .model("m")
            .user_message_contains("weather")
            .stream(false)
            .header("x-test", "1")
            .respond(Reply::text("first")),
    )
    .await;
    sim.on(Rule::path(CHAT).respond(Reply::text("second")));
    let mut client = Raw::connect(sim.addr()).await;
    let body = ask("the weather today");

    client
        .send("POST", CHAT, &["x-test: 1"], body.to_string().as_bytes())
        .await;
    assert_eq!(content(&client.receive().await.unwrap()), "first");
    assert_eq!(
        content(&client.post(CHAT, &body).await),
        "second",
        "no header"
    );
    client
        .send(
            "POST",
            CHAT,
            &["x-test: 1"],
            ask("news").to_string().as_bytes(),
        )
        .await;
    assert_eq!(
        content(&client.receive().await.unwrap()),
        "second",
        "another question"
    );
    let seen = client.post(CHAT, &ask_streamed("the weather")).await;
    assert!(seen.text().contains("second"), "a stream");
    assert_eq!(client.get("/v1/models").await.status, 200, "no rule for it");
}

#[tokio::test]
async fn looks_only_at_the_last_user_message_and_into_parts() {
    let sim = with(
        Rule::any()
            .user_message_contains("later")
            .respond(Reply::text("hit")),
    )
    .await;
    let talk = |last: serde_json::Value| {
        json!({"model": "m", "messages": [
            {"role": "user", "content": "later"},
            {"role": "assistant", "content": "later"},
            {"role": "user", "content": last},
        ]})
    };
    assert_ne!(content(&post(&sim, CHAT, &talk(json!("now"))).await), "hit");
    let parts = json!([{"type": "text", "text": "maybe later"}]);
    assert_eq!(content(&post(&sim, CHAT, &talk(parts)).await), "hit");
}

#[tokio::test]
async fn the_model_says_what_the_rule_says_in_either_form() {
    let reply = Reply::text("Sunny.")
        .with_reasoning("I think.")
        .with_finish("length")
        .with_usage(TokenUsage::new(9, 7).with_cached(4).with_reasoning(2));
    let sim = with(Rule::any().respond(reply)).await;

    let whole = post(&sim, CHAT, &ask("x")).await.json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["content"], "Sunny.");
    assert_eq!(message["reasoning_content"], "I think.");
    assert_eq!(whole["choices"][0]["finish_reason"], "length");
    assert_eq!(whole["usage"]["total_tokens"], 16);
    assert_eq!(whole["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
    assert_eq!(
        whole["usage"]["completion_tokens_details"]["reasoning_tokens"],
        2
    );

    let chunks = post(&sim, CHAT, &ask_streamed("x")).await.chunks();
    let said = |field: &str| -> String {
        chunks
            .iter()
            .filter_map(|c| c["choices"][0]["delta"][field].as_str())
            .collect()
    };
    assert_eq!(
        (said("content"), said("reasoning_content")),
        ("Sunny.".into(), "I think.".into())
    );
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "length"
    );
}

#[tokio::test]
async fn a_refusal_comes_in_its_own_field() {
    let sim = with(Rule::any().respond(Reply::refusal("I will not."))).await;
    let whole = post(&sim, CHAT, &ask("x")).await.json();
    assert_eq!(whole["choices"][0]["message"]["refusal"], "I will not.");
    assert!(whole["choices"][0]["message"]["content"].is_null());
    let chunks = post(&sim, CHAT, &ask_streamed("x")).await.chunks();
    let refusal: String = chunks
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["refusal"].as_str())
        .collect();
    assert_eq!(refusal, "I will not.");
}

#[tokio::test]
async fn parallel_tool_calls_stream_in_fragments() {
    let reply = Reply::tool_calls([
        ToolCall::new("weather", json!({"city": "Zürich, am See"})).with_id("call_a"),
        ToolCall::new("broken", "{\"a\":"),
    ]);
    let sim = with(Rule::any().respond(reply)).await;

    let whole = post(&sim, CHAT, &ask("x")).await.json();
    let calls = &whole["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls[0]["id"], "call_a");
    assert_eq!(calls[1]["function"]["arguments"], "{\"a\":");
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");

    let chunks = post(&sim, CHAT, &ask_streamed("x")).await.chunks();
    let deltas: Vec<_> = chunks
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["tool_calls"].get(0))
        .collect();
    assert_eq!(
        deltas[0],
        &json!({"index": 0, "id": "call_a", "type": "function", "function": {"name": "weather", "arguments": ""}})
    );
    let arguments: String = (deltas.iter())
        .filter(|delta| delta["index"] == 0)
        .filter_map(|delta| delta["function"]["arguments"].as_str())
        .collect();
    assert_eq!(arguments, "{\"city\":\"Zürich, am See\"}");
    assert!(deltas.len() > 5, "in fragments");
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
}

#[tokio::test]
async fn the_server_sends_what_the_rule_says() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::path("/json").respond(Reply::json(418, json!({"short": "stout"}))));
    sim.on(Rule::path("/raw").respond(Reply::raw(
        200,
        [("x-a", "1"), ("x-a", "2")],
        "\u{feff}<html>",
    )));
    let events = [
        SseEvent::raw(": hi\n\n"),
        SseEvent::named("ping", "a\nb"),
        SseEvent::done(),
    ];
    sim.on(Rule::path("/sse").respond(Reply::sse(events)));
    let mut client = Raw::connect(sim.addr()).await;

    let seen = client.get("/json").await;
    assert_eq!((seen.status, seen.json()), (418, json!({"short": "stout"})));
    let seen = client.get("/raw").await;
    assert_eq!(seen.text(), "\u{feff}<html>");
    let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-a", "x-a", "content-length", "date"]);
    let seen = client.get("/sse").await;
    assert_eq!(
        seen.text(),
        ": hi\n\nevent: ping\ndata: a\ndata: b\n\ndata: [DONE]\n\n"
    );
}

#[tokio::test]
async fn a_script_file_does_the_same() {
    let script = Script::from_json(
        r#"{
            "keys": ["sk-sim"],
            "rules": [
                {"match": {"user_message_contains": "flaky"}, "times": 1, "faults": [{"status": {"status": 429}}]},
                {"respond": {"text": "from the file"}}
            ]
        }"#,
    );
    let sim = Simulator::builder()
        .script(script.unwrap())
        .start()
        .await
        .unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let body = ask("flaky").to_string();
    for (key, status) in [("wrong", 401), ("sk-sim", 429), ("sk-sim", 200)] {
        let header = format!("authorization: Bearer {key}");
        client.send("POST", CHAT, &[&header], body.as_bytes()).await;
        assert_eq!(client.receive().await.unwrap().status, status);
    }
}
