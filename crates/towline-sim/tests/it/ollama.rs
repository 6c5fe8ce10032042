//! The native dialect of Ollama.

mod chat;

use crate::{
    post,
    raw::{Raw, Seen},
};
use serde_json::{Value, json};
use towline_sim::{DEFAULT_MODEL, Fault, Outcome, Reply, Rule, Simulator};

const CHAT: &str = "/api/chat";

/// A question whose answer is not streamed.
fn ask(question: &str) -> Value {
    let mut body = crate::ask(question);
    body["stream"] = json!(false);
    body
}

fn lines(seen: &Seen) -> Vec<Value> {
    assert_eq!(seen.header("content-type"), Some("application/x-ndjson"));
    let text = seen.text();
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn embeds_texts_as_vectors() {
    let sim = Simulator::start().await.unwrap();
    let body = json!({"model": "m", "input": ["red apple", "green apple", "iron bridge"], "dimensions": 64});
    let answer = post(&sim, "/api/embed", &body).await.json();
    let vectors: Vec<Vec<f64>> = serde_json::from_value(answer["embeddings"].clone()).unwrap();
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert_eq!((vectors.len(), vectors[0].len()), (3, 64));
    assert!(near(&vectors[0], &vectors[1]) > near(&vectors[0], &vectors[2]) + 0.2);
    assert_eq!(answer["prompt_eval_count"], 9);

    let one = post(&sim, "/api/embed", &json!({"model": "m", "input": "x"}))
        .await
        .json();
    assert_eq!(one["embeddings"][0].as_array().unwrap().len(), 768);
    let seen = post(&sim, "/api/embed", &json!({"model": "m", "input": [1]})).await;
    assert_eq!(
        (
            seen.status,
            seen.json()["error"]
                .as_str()
                .unwrap()
                .contains("'input[0]'")
        ),
        (400, true)
    );
}

#[tokio::test]
async fn tells_what_is_on_the_machine() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    assert!(client.get("/api/version").await.json()["version"].is_string());
    let tags = client.get("/api/tags").await.json();
    let name = tags["models"][0]["name"].as_str().unwrap();
    assert_eq!(name, format!("{DEFAULT_MODEL}:latest"));
    assert_eq!(tags["models"][0]["digest"].as_str().unwrap().len(), 64);

    let shown = post(&sim, "/api/show", &json!({"model": DEFAULT_MODEL}))
        .await
        .json();
    let family = shown["model_info"]["general.architecture"]
        .as_str()
        .unwrap();
    assert_eq!(
        shown["model_info"][format!("{family}.context_length")],
        131_072
    );
    assert!(
        shown["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!("tools"))
    );
}

#[tokio::test]
async fn a_model_that_is_missing_is_there_after_it_was_pulled() {
    let sim = Simulator::builder().model("only").start().await.unwrap();
    let mut body = ask("x");
    body["model"] = json!("other:7b");
    let seen = post(&sim, CHAT, &body).await;
    assert_eq!(
        (seen.status, seen.json()),
        (404, json!({"error": "model 'other:7b' not found"}))
    );
    let shown = post(&sim, "/api/show", &json!({"model": "other:7b"})).await;
    assert_eq!(shown.status, 404);

    let progress = lines(&post(&sim, "/api/pull", &json!({"model": "other:7b"})).await);
    assert_eq!(progress[0], json!({"status": "pulling manifest"}));
    assert!(progress[1].get("completed").is_none());
    let counted: Vec<u64> = progress
        .iter()
        .filter_map(|line| line["completed"].as_u64())
        .collect();
    assert!(counted.is_sorted() && counted.last() == progress[1]["total"].as_u64().as_ref());
    assert_eq!(progress.last().unwrap(), &json!({"status": "success"}));

    assert_eq!(post(&sim, CHAT, &body).await.status, 200);
    let tags = Raw::connect(sim.addr()).await.get("/api/tags").await.json();
    let names: Vec<&Value> = tags["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["name"])
        .collect();
    assert_eq!(names, ["only:latest", "other:7b"]);
    body["model"] = json!("only:latest");
    assert_eq!(post(&sim, CHAT, &body).await.status, 200);
}

#[tokio::test]
async fn errors_are_a_text() {
    let sim = Simulator::builder().key("k").start().await.unwrap();
    let seen = post(&sim, CHAT, &ask("x")).await;
    assert_eq!(
        (seen.status, seen.json()),
        (401, json!({"error": "unauthorized"}))
    );
    let mut client = Raw::connect(sim.addr()).await;
    let headers = ["authorization: Bearer k"];
    client
        .send("POST", CHAT, &headers, ask("x").to_string().as_bytes())
        .await;
    assert_eq!(client.receive().await.unwrap().status, 200);

    let sim = crate::with(Rule::path(CHAT).fault(Fault::status(503))).await;
    let seen = post(&sim, CHAT, &ask("x")).await;
    assert!(
        seen.json()["error"]
            .as_str()
            .unwrap()
            .starts_with("server busy")
    );
    assert_eq!(post(&sim, "/api/nothing", &json!({})).await.status, 404);
    assert_eq!(post(&sim, "/api/tags", &json!({})).await.status, 405);
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let sim = Simulator::start().await.unwrap();
    for (name, value, at) in [
        ("model", json!(null), "model"),
        ("messages", json!("x"), "messages"),
        ("messages", json!([{"content": "x"}]), "messages[0].role"),
        ("messages", json!([{"role": "robot"}]), "messages[0].role"),
        (
            "messages",
            json!([{"role": "user", "content": []}]),
            "messages[0].content",
        ),
        (
            "messages",
            json!([{"role": "user", "images": [1]}]),
            "messages[0].images[0]",
        ),
        (
            "messages",
            json!([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            "tools",
            json!([{"type": "function"}]),
            "tools[0].function.name",
        ),
        ("format", json!("xml"), "format"),
        ("think", json!("very"), "think"),
        ("think", json!(1), "think"),
        ("options", json!([]), "options"),
        (
            "options",
            json!({"temperature": "hot"}),
            "options.temperature",
        ),
        ("stream", json!("no"), "stream"),
    ] {
        let mut body = ask("x");
        body[name] = value;
        let seen = post(&sim, CHAT, &body).await;
        let error = seen.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(seen.status, 400, "{body}");
        assert!(error.starts_with(&format!("'{at}' ")), "{at}: {error}");
    }
}

#[tokio::test]
async fn scripted_lines_are_framed_as_lines() {
    let scripted = [json!({"a": 1}), json!({"done": true})];
    let rule = Rule::path(CHAT).respond(Reply::ndjson(scripted.clone()));
    let sim = crate::with(rule.fault(Fault::CutAfterEvents(1))).await;
    sim.on(Rule::any().respond(Reply::ndjson(scripted.clone())));
    let cut = post(&sim, CHAT, &ask("x")).await;
    assert_eq!(lines(&cut), scripted[..1]);
    assert_eq!(sim.journal()[0].outcome(), Outcome::Broken);
    let other = post(&sim, "/api/pull", &ask("x")).await;
    assert_eq!(lines(&other), scripted);
}
