//! What is Azure's own, against the simulator.

use tower::ServiceExt as _;
use towline_azure::{Azure, AzureConfig, AzureConfigBuilder, Surface};
use towline_core::{
    CompletionOptions, Conversation, EmbeddingRequest, Error, ErrorKind, FinishReason, Message,
    ReasoningEffort, Request, Secret, Text,
};
use towline_openai::Api;
use towline_sim::{Reply, Rule, Simulator};
use towline_transport::Channel;

fn client(config: AzureConfigBuilder) -> Azure<Channel> {
    let config = config.build().unwrap();
    let channel = Channel::builder(config.base_url()).build().unwrap();
    Azure::new(config, channel)
}

async fn say(azure: &Azure<Channel>, request: Request) -> Result<String, Error> {
    let answer = azure.clone().oneshot(request).await?;
    Ok(answer.collect().await?.text().into_owned())
}

fn paths(sim: &Simulator) -> Vec<String> {
    let journal = sim.journal();
    let whole = journal.iter().map(|exchange| match exchange.query() {
        Some(query) => format!("{}?{query}", exchange.path()),
        None => exchange.path().to_owned(),
    });
    whole.collect()
}

#[tokio::test]
async fn a_deployment_stands_in_the_path_and_the_version_in_the_query() {
    let sim = Simulator::builder()
        .key("planted-key")
        .start()
        .await
        .unwrap();
    let config = AzureConfig::builder(sim.origin());
    let azure = client(
        config
            .api_key(Secret::new("planted-key"))
            .api_version("V2024_10_21"),
    );
    assert!(say(&azure, Request::new("my gpt/4", "Hi")).await.is_ok());
    let streamed = Request::new("my gpt/4", "Hi").with_stream(true);
    assert!(say(&azure, streamed).await.is_ok());
    let vectors = azure
        .clone()
        .oneshot(EmbeddingRequest::new("ada", ["a", "b"]));
    assert_eq!(vectors.await.unwrap().vectors().len(), 2);
    assert!(!azure.models().await.unwrap().is_empty());
    assert_eq!(
        paths(&sim),
        [
            "/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21",
            "/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21",
            "/openai/deployments/ada/embeddings?api-version=2024-10-21",
            "/openai/models?api-version=2024-10-21",
        ]
    );
    for exchange in sim.journal() {
        assert_eq!(exchange.header("api-key"), Some("planted-key"));
        assert_eq!(exchange.bearer(), None);
    }
}

#[tokio::test]
async fn every_surface_has_its_paths() {
    let sim = Simulator::start().await.unwrap();
    for (end, surface, chat, embeddings, models) in [
        (
            "/models",
            Surface::Models,
            "/models/chat/completions?api-version=2025-01-01-preview",
            "/models/embeddings?api-version=2025-01-01-preview",
            "/openai/v1/models",
        ),
        (
            "/openai/v1",
            Surface::V1,
            "/openai/v1/chat/completions",
            "/openai/v1/embeddings",
            "/openai/v1/models",
        ),
    ] {
        let before = sim.journal().len();
        let azure = client(AzureConfig::builder(format!("{}{end}", sim.origin())));
        assert_eq!(azure.config().surface(), surface);
        assert!(say(&azure, Request::new("m", "Hi")).await.is_ok());
        assert!(say(&azure, Request::new("o3-pro", "Hi")).await.is_ok());
        let vectors = azure.clone().oneshot(EmbeddingRequest::new("e", ["a"]));
        assert!(vectors.await.is_ok());
        assert!(azure.models().await.is_ok());
        assert_eq!(
            paths(&sim)[before..],
            [chat, "/openai/v1/responses", embeddings, models]
        );
    }
}

#[tokio::test]
async fn the_responses_api_answers_whole_and_streamed() {
    let sim = Simulator::start().await.unwrap();
    let azure = client(AzureConfig::builder(sim.origin()).api(Api::Responses));
    for stream in [false, true] {
        let options = CompletionOptions::new().with_reasoning(ReasoningEffort::Low);
        let request = Request::new("gpt-5-mini", "Hi").with_options(options);
        let answer = azure
            .clone()
            .oneshot(request.with_stream(stream))
            .await
            .unwrap();
        let answer = answer.collect().await.unwrap();
        assert_eq!(answer.finish_reason(), &FinishReason::Stop);
        assert!(!answer.text().is_empty() && answer.usage().is_some());
    }
    assert_eq!(
        paths(&sim),
        ["/openai/v1/responses", "/openai/v1/responses"]
    );
}

#[tokio::test]
async fn a_deployment_has_the_rules_of_the_model_behind_it() {
    let sim = Simulator::start().await.unwrap();
    let base = |model: &'static str| {
        let config = AzureConfig::builder(sim.origin());
        client(config.base_model(Text::from_static(model)))
    };
    let conversation = Conversation::from(Message::system("Be brief.")).with(Message::user("Hi"));
    let options = CompletionOptions::new().with_max_tokens(500);
    let request = Request::new("my-deployment", conversation).with_options(options);
    for (model, path, limit) in [
        (
            "gpt-4o",
            "/openai/deployments/my-deployment/chat/completions",
            "max_tokens",
        ),
        (
            "gpt-5-mini",
            "/openai/deployments/my-deployment/chat/completions",
            "max_completion_tokens",
        ),
        ("o3-pro", "/openai/v1/responses", "max_output_tokens"),
    ] {
        assert!(say(&base(model), request.clone()).await.is_ok(), "{model}");
        let exchange = sim.journal().pop().unwrap();
        assert_eq!(exchange.path(), path);
        let body = exchange.json().unwrap();
        assert_eq!(
            (&body[limit], &body["model"]),
            (&500.into(), &"my-deployment".into())
        );
        let warm = CompletionOptions::new().with_temperature(0.2);
        let warm = say(&base(model), request.clone().with_options(warm)).await;
        assert_eq!(warm.is_ok(), model == "gpt-4o", "{model}");
    }
}

#[tokio::test]
async fn a_token_goes_as_a_bearer_token() {
    let sim = Simulator::builder()
        .key("entra-token")
        .start()
        .await
        .unwrap();
    let token = Secret::new("entra-token");
    let azure = client(AzureConfig::builder(sim.origin()).token(token));
    assert!(say(&azure, Request::new("m", "Hi")).await.is_ok());
    let exchange = sim.journal().pop().unwrap();
    assert_eq!(exchange.bearer(), Some("entra-token"));
    assert_eq!(exchange.header("api-key"), None);
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_deployment_are_told_apart() {
    let sim = Simulator::builder()
        .key("right-key")
        .model("there")
        .start()
        .await
        .unwrap();
    let azure = |key: &str| client(AzureConfig::builder(sim.origin()).api_key(Secret::new(key)));
    let error = say(&azure("wrong-key"), Request::new("there", "Hi"))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Auth, Some(401)));
    assert_eq!(error.provider(), Some("azure"));
    assert!(!format!("{error:?}").contains("wrong-key"));
    let error = say(&azure("right-key"), Request::new("elsewhere", "Hi"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::NotFound, Some("DeploymentNotFound"))
    );
    assert!(error.request_id().is_some());
}

#[tokio::test]
async fn a_prompt_that_the_filter_stops_is_an_error_that_names_the_filter() {
    let sim = Simulator::start().await.unwrap();
    let azure = client(AzureConfig::builder(sim.origin()));
    let bad = Request::new("m", "trigger the content filter");
    let error = say(&azure, bad.with_stream(true)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContentFilter);
    assert!(error.message().unwrap().contains("(filtered: "), "{error}");
}

#[tokio::test]
async fn a_stream_that_opens_with_the_results_of_the_filter_is_read() {
    let sim = Simulator::start().await.unwrap();
    let opening = serde_json::json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": false}}}]});
    let said = serde_json::json!({"id": "c1", "model": "m", "object": "chat.completion.chunk", "choices": [
        {"index": 0, "delta": {"content": "Hi"}, "content_filter_results": {}, "finish_reason": "stop"}]});
    let events = [
        towline_sim::SseEvent::data(opening),
        towline_sim::SseEvent::data(said),
        towline_sim::SseEvent::done(),
    ];
    sim.on(Rule::any().respond(Reply::sse(events)));
    let azure = client(AzureConfig::builder(sim.origin()));
    let answer = azure
        .oneshot(Request::new("m", "Hi").with_stream(true))
        .await
        .unwrap();
    let answer = answer.collect().await.unwrap();
    assert_eq!((answer.id(), &*answer.text()), ("c1", "Hi"));
}

#[tokio::test]
async fn the_larger_of_two_waits_counts_and_unknown_limits_are_unknown() {
    let sim = Simulator::start().await.unwrap();
    let body = r#"{"error":{"code":"429","message":"Please retry after 3 seconds."}}"#;
    let headers = [("retry-after", "1"), ("retry-after-ms", "1500")];
    sim.on(Rule::any().times(1).respond(Reply::raw(429, headers, body)));
    let unknown = [
        ("content-type", "application/json"),
        ("x-ratelimit-remaining-tokens", "-1"),
        ("x-ratelimit-limit-tokens", "-1"),
        ("x-ratelimit-reset-requests", "500"),
        ("x-ratelimit-remaining-requests", "7"),
    ];
    let body = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    sim.on(Rule::any().times(1).respond(Reply::raw(200, unknown, body)));
    let azure = client(AzureConfig::builder(sim.origin()));

    let error = say(&azure, Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.retry_after().unwrap().as_millis(), 1500);

    let answer = azure.oneshot(Request::new("m", "Hi")).await.unwrap();
    let limits = answer.head().rate_limits();
    assert_eq!((limits.tokens.limit, limits.tokens.remaining), (None, None));
    assert_eq!(
        (limits.requests.remaining, limits.requests.reset),
        (Some(7), None)
    );
}

#[tokio::test]
async fn a_rate_limit_inside_an_answer_with_status_200_is_one() {
    let sim = Simulator::start().await.unwrap();
    let failed = serde_json::json!({"type": "response.failed", "response": {"status": "failed",
        "error": {"code": "rate_limit_exceeded", "message": "Requests have exceeded the token rate limit."}}});
    let event = towline_sim::SseEvent::named("response.failed", failed);
    sim.on(Rule::any().respond(Reply::sse([event])));
    let azure = client(AzureConfig::builder(sim.origin()).api(Api::Responses));
    let error = say(&azure, Request::new("m", "Hi").with_stream(true))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert!(error.is_retryable());
}
