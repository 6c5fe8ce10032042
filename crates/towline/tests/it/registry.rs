//! From settings to a client.

use crate::fixture::{settings, vendor_settings};
use towline::Registry;
use towline_config::Loader;
use towline_core::{Capability, EmbeddingRequest, ErrorKind};
use towline_sim::Simulator;

#[tokio::test]
async fn nothing_configured_is_told_with_what_to_set() {
    let settings = Loader::new().load().unwrap();
    let error = towline::connect(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("LLM_MODEL"), "{error}");
}

#[tokio::test]
async fn a_missing_key_is_told_by_key_and_variable() {
    let settings = Loader::new()
        .env([("LLM_MODEL", "openai/gpt-4o")])
        .load()
        .unwrap();
    let error = towline::connect(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("OPENAI_API_KEY"), "{error}");
}

#[tokio::test]
async fn a_vendor_that_nobody_serves_is_told_with_those_that_are() {
    let variables = [("LLM_MODEL", "cohere/command-a"), ("COHERE_API_KEY", "k-1")];
    let settings = Loader::new().env(variables).load().unwrap();
    let error = towline::connect(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.to_string();
    assert!(text.contains("Cohere cannot be called"), "{text}");
    assert!(text.contains("groq"), "{text}");
}

#[tokio::test]
async fn a_vendor_behind_a_feature_is_told_with_the_feature() {
    for (vendor, feature) in [
        ("openai", "openai"),
        ("groq", "openai"),
        ("anthropic", "anthropic"),
        ("azure", "azure"),
        ("ollama", "ollama"),
    ] {
        let settings = vendor_settings(vendor, "http://localhost:1");
        let error = Registry::new().connect(&settings).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("feature `{feature}`")), "{text}");
    }
}

#[tokio::test]
async fn an_address_with_a_password_is_refused_without_quoting_it() {
    for vendor in ["anthropic", "azure", "ollama", "openai"] {
        let field = if vendor == "azure" {
            "endpoint"
        } else {
            "base_url"
        };
        let url = "http://user:hunter2@localhost:1/v1";
        let settings = Loader::new()
            .set(format!("towline.llm.model={vendor}/m"))
            .set(format!("towline.{vendor}.api_key=k"))
            .set(format!("towline.{vendor}.{field}={url}"))
            .load();
        let told = match settings {
            Ok(settings) => towline::connect(&settings)
                .await
                .unwrap_err()
                .report()
                .to_string(),
            Err(error) => error.to_string(),
        };
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn every_vendor_is_reached_at_its_settings_address() {
    let sim = Simulator::start().await.unwrap();
    for vendor in Registry::builtin().vendors() {
        let (base, path, header) = match vendor {
            "anthropic" => (sim.origin(), "/v1/messages", "x-api-key"),
            "azure" => (
                sim.origin(),
                "/openai/deployments/m/chat/completions",
                "api-key",
            ),
            "ollama" => (sim.origin(), "/api/chat", "authorization"),
            _ => (sim.base_url(), "/v1/chat/completions", "authorization"),
        };
        let client = towline::connect(&vendor_settings(vendor, &base))
            .await
            .unwrap();
        let answer = client.complete("Hi").await.unwrap();
        assert_eq!(answer.provider(), vendor);
        let journal = sim.journal();
        let seen = journal.last().unwrap();
        assert_eq!(seen.path(), path, "{vendor}");
        let key = seen.header(header).unwrap_or_default();
        assert_eq!(key.trim_start_matches("Bearer "), format!("k-{vendor}"));
    }
}

#[tokio::test]
async fn every_vendor_streams_lists_its_models_and_says_what_it_can_do() {
    let sim = Simulator::start().await.unwrap();
    for vendor in ["anthropic", "azure", "ollama", "openai"] {
        let base = match vendor {
            "openai" => sim.base_url(),
            _ => sim.origin(),
        };
        let client = towline::connect(&vendor_settings(vendor, &base))
            .await
            .unwrap();
        let answer = client.stream("Hi").await.unwrap().collect().await.unwrap();
        assert!(!answer.text().is_empty(), "{vendor}");
        assert!(!client.models().await.unwrap().is_empty(), "{vendor}");
        let can = client.capabilities().unwrap();
        assert!(can.has(Capability::Tools), "{vendor}");
        let embeds = client.embed_call(EmbeddingRequest::new("m", ["a"])).await;
        assert_eq!(embeds.is_ok(), can.has(Capability::Embeddings), "{vendor}");
    }
}

#[tokio::test]
async fn an_address_that_stops_short_of_the_version_gets_it() {
    let sim = Simulator::start().await.unwrap();
    let client = towline::connect(&vendor_settings("mistral", &sim.origin()))
        .await
        .unwrap();
    client.complete("Hi").await.unwrap();
    assert_eq!(sim.journal().last().unwrap().path(), "/v1/chat/completions");
}

#[tokio::test]
async fn an_address_of_ollama_with_the_version_of_the_other_dialect_loses_it() {
    let sim = Simulator::start().await.unwrap();
    let client = towline::connect(&vendor_settings("ollama", &sim.base_url()))
        .await
        .unwrap();
    client.complete("Hi").await.unwrap();
    assert_eq!(sim.journal().last().unwrap().path(), "/api/chat");
}

#[tokio::test]
async fn a_client_for_embeddings_needs_no_other_model() {
    let sim = Simulator::start().await.unwrap();
    let settings = Loader::new()
        .set("towline.embeddings.model=openai/sim-embedding")
        .set(format!("towline.openai.base_url={}", sim.base_url()))
        .load()
        .unwrap();
    let client = Registry::builtin()
        .connect_embedder(&settings)
        .await
        .unwrap();
    assert_eq!(client.embedding_model(), Some("sim-embedding"));
    assert_eq!(client.embed(["a"]).await.unwrap().vectors().len(), 1);
    assert!(client.validate().await.unwrap().is_verified());
}

#[tokio::test]
async fn a_client_for_embeddings_has_the_limits_of_tenants_and_needs_none_of_the_other_targets() {
    let sim = Simulator::start().await.unwrap();
    let settings = Loader::new()
        .set("towline.embeddings.model=openai/sim-embedding")
        .set(format!("towline.openai.base_url={}", sim.base_url()))
        .set("towline.limit.per_tenant.requests_per_minute=1")
        .set("towline.limit.mode=reject")
        .set("towline.fallback=groq/has-no-key")
        .load()
        .unwrap();
    let client = Registry::builtin()
        .connect_embedder(&settings)
        .await
        .unwrap();
    let of_tenant = |tenant: &'static str| {
        let context = towline_core::Context::new().with_tenant(tenant);
        client.embed_call(EmbeddingRequest::new("", ["a"]).with_context(context))
    };
    of_tenant("a").await.unwrap();
    let error = of_tenant("a").await.unwrap_err();
    assert_eq!(error.refused_by(), Some("limit"), "{error}");
    of_tenant("b").await.unwrap();
}

#[tokio::test]
async fn a_tenant_has_one_limit_for_questions_and_vectors() {
    let sim = Simulator::start().await.unwrap();
    let set = [
        "towline.embeddings.model=openai/sim-embedding",
        "towline.limit.per_tenant.requests_per_minute=1",
        "towline.limit.mode=reject",
    ];
    let client = crate::fixture::client_with(&sim, &set).await;
    client.complete("Hi").await.unwrap();
    let error = client.embed(["a"]).await.unwrap_err();
    assert_eq!(error.refused_by(), Some("limit"), "{error}");
}

#[tokio::test]
async fn vectors_wait_no_longer_than_a_call_may() {
    let sim = Simulator::start().await.unwrap();
    let set = [
        "towline.embeddings.model=openai/sim-embedding",
        "towline.limit.requests_per_minute=1",
        "towline.limit.learn=false",
        "towline.shed.max_queue_age=50ms",
    ];
    let client = crate::fixture::client_with(&sim, &set).await;
    client.embed(["a"]).await.unwrap();
    let error = client.embed(["b"]).await.unwrap_err();
    assert_eq!(error.refused_by(), Some("limit"), "{error}");
    let bound = "the call may wait for 4";
    assert!(error.to_string().contains(bound), "{error}");
}

#[cfg(feature = "sim")]
#[tokio::test]
async fn the_built_in_simulator_answers_everything() {
    let client = towline::simulated().await.unwrap();
    let answer = client.complete("Hi").await.unwrap();
    assert_eq!(answer.provider(), "simulator");
    assert!(answer.text().contains("simulated"), "{}", answer.text());
    assert!(!client.embed(["a"]).await.unwrap().vectors().is_empty());
    assert!(client.validate().await.unwrap().is_verified());
    client.close().await.unwrap();
}

#[tokio::test]
async fn window_and_reserve_of_the_settings_win() {
    let set = [
        "towline.openai.context_window=1000",
        "towline.openai.reserve_completion=100",
    ];
    let client = towline::connect(&settings("http://localhost:1/v1", &set))
        .await
        .unwrap();
    assert_eq!(
        (client.context_window(), client.reserve_completion()),
        (1000, 100)
    );
    assert_eq!(client.context_budget(towline::Headroom::None), 900);
}

#[tokio::test]
async fn the_interface_of_the_settings_is_used() {
    let sim = Simulator::start().await.unwrap();
    for (api, path) in [
        ("chat", "/v1/chat/completions"),
        ("responses", "/v1/responses"),
    ] {
        let set = format!("towline.openai.api={api}");
        let client = towline::connect(&settings(&sim.base_url(), &[&set]))
            .await
            .unwrap();
        let _answer = client.complete("Hi").await;
        assert_eq!(sim.journal().last().unwrap().path(), path);
    }
}
