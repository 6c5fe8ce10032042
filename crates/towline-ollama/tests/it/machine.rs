//! A machine with an Ollama server: the simulator, over real sockets.

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use towline_core::{
    CompletionOptions, Conversation, EmbeddingRequest, ErrorKind, FinishReason, Message,
    ReasoningEffort, Request, Secret, ToolSpec,
};
use towline_ollama::{Ollama, OllamaConfig, PullStatus};
use towline_sim::{Reply, Rule, Simulator, ToolCall};
use towline_transport::Channel;

fn client_at(url: &str, key: Option<Secret>) -> Ollama<Channel> {
    let config = OllamaConfig::builder(url).api_key(key).build().unwrap();
    Ollama::new(config, Channel::builder(url).build().unwrap())
}

async fn machine(models: &[&str]) -> (Simulator, Ollama<Channel>) {
    let mut sim = Simulator::builder();
    for model in models {
        sim = sim.model(*model);
    }
    let sim = sim.start().await.unwrap();
    let client = client_at(&sim.origin(), None);
    (sim, client)
}

#[tokio::test]
async fn a_model_is_missing_then_pulled_then_answers() {
    let (_sim, ollama) = machine(&["other"]).await;
    let ask = || ollama.clone().oneshot(Request::new("qwen3", "Hi"));
    let error = ask().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let message = error.message().unwrap();
    assert!(message.contains("`ollama pull qwen3`"), "{message}");

    let mut pull = ollama.pull("qwen3").await.unwrap();
    let mut steps = Vec::new();
    while let Some(step) = pull.next().await {
        steps.push(step.unwrap());
    }
    let statuses: Vec<_> = steps.iter().map(|step| step.status().clone()).collect();
    let ends = (statuses.first(), statuses.last());
    assert_eq!(
        ends,
        (Some(&PullStatus::Manifest), Some(&PullStatus::Success))
    );
    assert!(statuses.contains(&PullStatus::Verifying) && statuses.contains(&PullStatus::Writing));
    let layers = steps
        .iter()
        .filter(|step| *step.status() == PullStatus::Layer);
    let last = layers.last().unwrap();
    assert!(
        last.total().is_some() && last.total() == last.completed(),
        "{last:?}"
    );
    assert!(last.digest().unwrap().starts_with("sha256:"), "{last:?}");

    let answer = ask().await.unwrap().collect().await.unwrap();
    assert!(!answer.text().is_empty());
    let models = ollama.models().await.unwrap();
    let ids: Vec<_> = models.iter().map(|model| model.id()).collect();
    assert_eq!(ids, ["other:latest", "qwen3:latest"]);
}

#[tokio::test]
async fn the_window_is_that_of_the_model() {
    let (sim, ollama) = machine(&["m"]).await;
    assert_eq!(ollama.context_window("m").await.unwrap(), Some(131_072));
    let error = ollama.context_window("n").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        (error.provider(), error.model()),
        (Some("ollama"), Some("n"))
    );
    let set = json!({"parameters": "num_ctx 8192", "model_info": {"a.context_length": 9}});
    sim.on(Rule::path("/api/show")
        .times(1)
        .respond(Reply::json(200, set)));
    assert_eq!(ollama.context_window("m").await.unwrap(), Some(8192));
    let nothing = Reply::json(200, json!({"model_info": null}));
    sim.on(Rule::path("/api/show").times(1).respond(nothing));
    assert_eq!(ollama.context_window("m").await.unwrap(), None);
}

#[tokio::test]
async fn tools_are_called_and_their_results_go_back_by_name() {
    let (sim, ollama) = machine(&[]).await;
    for stream in [false, true] {
        let calls = [("weather", json!({"city": "東京"})), ("clock", json!({}))];
        let calls = calls.map(|(name, arguments)| ToolCall::new(name, arguments));
        sim.on(Rule::any().times(1).respond(Reply::tool_calls(calls)));
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let tools = ["weather", "clock"].map(|name| ToolSpec::new(name, "", &schema));
        let options = CompletionOptions::new().with_tools(tools);
        let request = Request::new("m", "Hi")
            .with_options(options)
            .with_stream(stream);
        let answer = ollama.clone().oneshot(request).await.unwrap();
        let answer = answer.collect().await.unwrap();
        assert_eq!(*answer.finish_reason(), FinishReason::ToolCalls);

        let ids: Vec<_> = answer
            .tool_calls()
            .map(|call| call.id().to_owned())
            .collect();
        let mut conversation = Conversation::from("Hi").with(answer.into_message());
        for (id, result) in ids.iter().zip(["sunny", "noon"]) {
            conversation.push(Message::tool(id, result));
        }
        let turn = ollama.clone().oneshot(Request::new("m", conversation));
        turn.await.unwrap().collect().await.unwrap();
        let sent = sim.journal().pop().unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let names = [
            &sent["messages"][2]["tool_name"],
            &sent["messages"][3]["tool_name"],
        ];
        assert_eq!(names, ["weather", "clock"]);
        let city = &sent["messages"][1]["tool_calls"][0]["function"]["arguments"]["city"];
        assert_eq!(city, "東京");
    }
}

#[tokio::test]
async fn reasoning_comes_apart_from_the_text_and_goes_back() {
    let (sim, ollama) = machine(&[]).await;
    let thought = || Reply::text("Paris.").with_reasoning("Let me think.");
    sim.on(Rule::any().times(1).respond(thought()));
    let options = CompletionOptions::new().with_reasoning(ReasoningEffort::High);
    let request = Request::new("m", "Hi")
        .with_options(options)
        .with_stream(true);
    let answer = ollama.clone().oneshot(request).await.unwrap();
    let answer = answer.collect().await.unwrap();
    assert_eq!(
        (answer.reasoning().as_ref(), answer.text().as_ref()),
        ("Let me think.", "Paris.")
    );
    let conversation = Conversation::from("Hi")
        .with(answer.into_message())
        .with(Message::user("And?"));
    let turn = ollama.oneshot(Request::new("m", conversation));
    turn.await.unwrap().collect().await.unwrap();
    let sent: Value = serde_json::from_slice(sim.journal().pop().unwrap().body()).unwrap();
    assert_eq!(sent["messages"][1]["thinking"], "Let me think.");
}

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    let (sim, ollama) = machine(&[]).await;
    let request = EmbeddingRequest::new("e", ["a", "b", "a"]).with_dimensions(5);
    let answer = ollama.oneshot(request).await.unwrap();
    let [a, b, again] = answer.vectors() else {
        panic!("{answer:?}");
    };
    assert!(a == again && a != b && a.len() == 5, "{answer:?}");
    assert!(answer.usage().unwrap().input().is_some());
    let sent: Value = serde_json::from_slice(sim.journal().pop().unwrap().body()).unwrap();
    assert_eq!(
        sent["truncate"], false,
        "a text that is too long is not cut silently"
    );
}

#[tokio::test]
async fn a_wrong_key_is_told_apart_and_never_shown() {
    let sim = Simulator::builder().key("right").start().await.unwrap();
    let wrong = client_at(&sim.origin(), Some(Secret::new("planted-wrong-key")));
    let error = wrong.oneshot(Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(
        !format!("{error} {error:?}").contains("planted"),
        "{error:?}"
    );
    let right = client_at(&sim.origin(), Some(Secret::new("right")));
    assert!(right.models().await.is_ok());
}

#[tokio::test]
async fn a_server_that_does_not_run_is_told_with_what_to_type() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ollama = client_at(&url, None);
    let error = ollama
        .clone()
        .oneshot(Request::new("m", "Hi"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let message = error.message().unwrap();
    assert!(
        message.contains(&url) && message.contains("`ollama serve`"),
        "{message}"
    );
    for error in [
        ollama.models().await.unwrap_err(),
        ollama.context_window("m").await.unwrap_err(),
        ollama.pull("m").await.unwrap_err(),
    ] {
        assert!(
            error.message().unwrap().contains("`ollama serve`"),
            "{error}"
        );
    }
}
