//! The OpenAI dialect with the default assistant.

use crate::{
    CHAT, ask, ask_streamed,
    raw::{End, Raw},
};
use serde_json::json;
use towline_sim::Simulator;

#[tokio::test]
async fn answers_a_question_and_says_that_it_is_simulated() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;

    let seen = client
        .post(CHAT, &ask("What is the capital of France?"))
        .await;

    assert_eq!((seen.status, seen.end), (200, End::Complete));
    let body = seen.json();
    let text = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(
        text.contains("simulated") && text.contains("What is the capital of France?"),
        "{text}"
    );
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "m");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    let usage = &body["usage"];
    assert_eq!(
        usage["prompt_tokens"], 15,
        "four for the message, three around, eight for 30 characters"
    );
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(15 + usage["completion_tokens"].as_u64().unwrap())
    );
    assert!(seen.header("x-request-id").unwrap().starts_with("req_sim_"));
    assert!(seen.header("openai-processing-ms").is_some());
    assert_eq!(seen.header("x-ratelimit-limit-requests"), Some("10000"));
}

#[tokio::test]
async fn streams_role_text_finish_usage_and_done() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let mut request = ask_streamed("hello");
    request["stream_options"] = json!({"include_usage": true});

    let seen = client.post(CHAT, &request).await;

    assert_eq!((seen.status, seen.end), (200, End::Complete));
    assert_eq!(
        seen.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(seen.data().last().map(String::as_str), Some("[DONE]"));
    let chunks = seen.chunks();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String = chunks
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert!(
        text.contains("simulated") && text.contains("\"hello\""),
        "{text}"
    );
    let (usage, content) = chunks.split_last().unwrap();
    assert_eq!(
        content.last().unwrap()["choices"][0]["finish_reason"],
        "stop"
    );
    assert!(content.iter().all(|chunk| chunk["usage"].is_null()));
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["completion_tokens"].as_u64().unwrap() > 10);
}
