//! The OpenAI dialects as Azure serves them.

use crate::{
    ask, ask_streamed, content, post,
    raw::{Raw, Seen},
    with,
};
use serde_json::{Value, json};
use towline_sim::{Fault, Reply, Rule, Simulator};

const CHAT: &str = "/openai/deployments/dep/chat/completions?api-version=2024-10-21";

/// A question without a model: the path names it.
fn deployed(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("model");
    body
}

async fn streamed(rule: Rule) -> Seen {
    post(&with(rule).await, CHAT, &deployed(ask_streamed("x"))).await
}

#[tokio::test]
async fn answers_for_the_deployment_in_the_path() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let body = deployed(ask("hello")).to_string();
    let sent = ["x-ms-client-request-id: mine"];
    client.send("POST", CHAT, &sent, body.as_bytes()).await;
    let seen = client.receive().await.unwrap();

    assert!(content(&seen).contains("\"hello\""));
    let body = seen.json();
    assert_eq!(body["model"], "dep");
    let safe = json!({"filtered": false, "severity": "safe"});
    assert_eq!(
        body["prompt_filter_results"][0]["content_filter_results"]["hate"],
        safe
    );
    assert_eq!(
        body["choices"][0]["content_filter_results"]["violence"],
        safe
    );
    assert_eq!(seen.header("apim-request-id").unwrap().len(), 36);
    assert_eq!(seen.header("x-ms-deployment-name"), Some("dep"));
    assert_eq!(seen.header("x-ms-client-request-id"), Some("mine"));
    assert_eq!(seen.header("x-ratelimit-renewalperiod-tokens"), Some("60"));
    assert_eq!(seen.header("openai-version"), None);
}

#[tokio::test]
async fn a_stream_opens_with_the_filter_results_of_the_prompt() {
    let seen = streamed(Rule::any().model("dep").respond(Reply::text("one two"))).await;
    let chunks = seen.chunks();
    assert_eq!(
        (&chunks[0]["choices"], &chunks[0]["id"]),
        (&json!([]), &json!(""))
    );
    assert!(chunks[0]["prompt_filter_results"].is_array());
    assert_eq!(chunks[1]["choices"][0]["delta"]["role"], "assistant");
    assert!(chunks[2]["choices"][0]["content_filter_results"].is_object());
    assert_eq!(seen.data().last().map(String::as_str), Some("[DONE]"));

    let filtered = Reply::text("one").with_finish("content_filter");
    let chunks = streamed(Rule::any().respond(filtered)).await.chunks();
    let results = &chunks.last().unwrap()["choices"][0]["content_filter_results"];
    assert_eq!(results["violence"]["filtered"], true);
}

#[tokio::test]
async fn a_prompt_that_the_filter_stops_is_refused_with_categories() {
    let sim = Simulator::start().await.unwrap();
    let ask = deployed(ask("Please trigger the content filter."));
    let seen = post(&sim, CHAT, &ask).await;
    let error = &seen.json()["error"];
    assert_eq!(
        (seen.status, &error["code"]),
        (400, &json!("content_filter"))
    );
    assert_eq!(error["innererror"]["code"], "ResponsibleAIPolicyViolation");
    let results = &error["innererror"]["content_filter_result"];
    assert_eq!(
        results["jailbreak"],
        json!({"filtered": true, "detected": true})
    );
}

#[tokio::test]
async fn a_path_without_its_version_is_not_there() {
    let sim = Simulator::start().await.unwrap();
    for path in [
        "/openai/deployments/dep/chat/completions",
        "/openai/deployments/dep/chat/completions?api-version=",
        "/openai/deployments/dep/chat/completions?api-version=latest",
        "/openai/deployments/dep/nothing?api-version=2024-10-21",
        "/openai/v1/nothing",
    ] {
        let seen = post(&sim, path, &ask("x")).await;
        assert_eq!(seen.status, 404, "{path}");
        assert_eq!(
            seen.json(),
            json!({"error": {"code": "404", "message": "Resource not found"}})
        );
    }
    assert_eq!(Raw::connect(sim.addr()).await.get(CHAT).await.status, 405);
}

#[tokio::test]
async fn an_unknown_deployment_is_not_found() {
    let sim = Simulator::builder().model("dep").start().await.unwrap();
    let other = CHAT.replace("dep/", "other/");
    let seen = post(&sim, &other, &ask("x")).await;
    assert_eq!(
        (seen.status, &seen.json()["error"]["code"]),
        (404, &json!("DeploymentNotFound"))
    );
    let seen = post(&sim, CHAT, &ask("x")).await;
    assert_eq!(seen.status, 200, "the model in the body does not count");
}

#[tokio::test]
async fn takes_a_key_or_a_token() {
    let sim = Simulator::builder().key("right").start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let body = deployed(ask("x")).to_string();
    for (header, status) in [
        ("x-none: 1", 401),
        ("api-key: planted", 401),
        ("api-key: right", 200),
        ("authorization: Bearer right", 200),
    ] {
        client.send("POST", CHAT, &[header], body.as_bytes()).await;
        let seen = client.receive().await.unwrap();
        assert_eq!(seen.status, status, "{header}");
        if status == 401 {
            assert_eq!(seen.json()["error"]["code"], "401");
            assert!(seen.header("apim-request-id").is_some());
        }
    }
}

#[tokio::test]
async fn the_other_styles_of_paths_name_the_model_in_the_body() {
    let sim = Simulator::start().await.unwrap();
    for path in [
        "/openai/v1/chat/completions",
        "/models/chat/completions?api-version=2024-05-01-preview",
    ] {
        assert_eq!(
            post(&sim, path, &ask("x")).await.json()["model"],
            "m",
            "{path}"
        );
    }
    let path = "/openai/deployments/dep/embeddings?api-version=2024-10-21";
    let body = post(&sim, path, &json!({"input": "x"})).await.json();
    assert_eq!(
        (&body["model"], &body["object"]),
        (&json!("dep"), &json!("list"))
    );

    let mut client = Raw::connect(sim.addr()).await;
    let models = client.get("/openai/v1/models").await.json();
    assert_eq!(models["data"][0]["object"], "model");
    let path = "/openai/deployments?api-version=2022-12-01";
    assert_eq!(
        client.get(path).await.json()["data"][0]["status"],
        "succeeded"
    );
}

#[tokio::test]
async fn responses_are_served_and_fail_inside_a_stream() {
    let sim = Simulator::start().await.unwrap();
    let mut body = json!({"model": "dep", "input": "hello"});
    for path in [
        "/openai/v1/responses",
        "/openai/responses?api-version=2025-04-01-preview",
    ] {
        let seen = post(&sim, path, &body).await;
        assert_eq!(
            (seen.status, &seen.json()["object"]),
            (200, &json!("response"))
        );
        assert!(seen.header("apim-request-id").is_some());
    }
    body["stream"] = json!(true);
    sim.on(Rule::any().fault(Fault::in_band_status(0, 429)));
    let events = post(&sim, "/openai/v1/responses", &body).await.chunks();
    assert_eq!(events[1]["type"], "response.failed");
    assert_eq!(
        events[1]["response"]["error"]["code"],
        "rate_limit_exceeded"
    );
    let chunks = post(&sim, CHAT, &ask_streamed("x")).await.chunks();
    assert_eq!(chunks[0]["error"]["code"], "rate_limit_exceeded");
}

#[tokio::test]
async fn a_bad_field_and_a_status_have_their_own_shapes() {
    let sim = Simulator::start().await.unwrap();
    let seen = post(&sim, CHAT, &json!({"messages": []})).await;
    let error = &seen.json()["error"];
    assert_eq!(
        (&error["param"], &error["type"]),
        (&json!("messages"), &json!("invalid_request_error"))
    );
    assert_eq!(seen.status, 400);
    let mut client = Raw::connect(sim.addr()).await;
    client.send("POST", CHAT, &[], b"{").await;
    assert_eq!(client.receive().await.unwrap().status, 400);

    sim.on(Rule::any().times(1).fault(Fault::status(429)));
    let error = post(&sim, CHAT, &ask("x")).await.json()["error"].clone();
    assert_eq!(error["code"], "429");
    assert!(error.get("type").is_none());
    sim.on(Rule::any().respond(Reply::text("scripted")));
    let body = post(
        &sim,
        "/openai/v1/responses",
        &json!({"model": "m", "input": "x"}),
    )
    .await
    .json();
    assert_eq!(body["output"][0]["content"][0]["text"], "scripted");
}
