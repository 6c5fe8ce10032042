//! From settings to a client.

use crate::fixture::settings;
use towline::Registry;
use towline_config::Loader;
use towline_core::ErrorKind;
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
    let variables = [
        ("LLM_MODEL", "anthropic/claude-sonnet-4-5"),
        ("ANTHROPIC_API_KEY", "k-1"),
    ];
    let settings = Loader::new().env(variables).load().unwrap();
    let error = towline::connect(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.to_string();
    assert!(text.contains("Anthropic cannot be called"), "{text}");
    assert!(text.contains("groq"), "{text}");
}

#[tokio::test]
async fn a_vendor_behind_a_feature_is_told_with_the_feature() {
    let settings = settings("http://localhost:1/v1", &[]);
    let error = Registry::new().connect(&settings).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("feature `openai`"), "{text}");
}

#[tokio::test]
async fn an_address_with_a_password_is_refused_without_quoting_it() {
    let settings = Loader::new()
        .set("towline.llm.model=openai/m")
        .set("towline.openai.base_url=http://user:hunter2@localhost:1/v1")
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

#[tokio::test]
async fn every_vendor_of_the_dialect_is_reached_at_its_settings_address() {
    let sim = Simulator::start().await.unwrap();
    for vendor in Registry::builtin().vendors() {
        let section = vendor.replace('-', "_");
        let settings = Loader::new()
            .set(format!("towline.llm.model={vendor}/m"))
            .set(format!("towline.{section}.api_key=k-{vendor}"))
            .set(format!("towline.{section}.base_url={}", sim.base_url()))
            .load()
            .unwrap();
        let client = towline::connect(&settings).await.unwrap();
        client.complete("Hi").await.unwrap();
        let journal = sim.journal();
        let seen = journal.last().unwrap();
        assert_eq!(seen.path(), "/v1/chat/completions", "{vendor}");
        assert_eq!(seen.bearer(), Some(format!("k-{vendor}").as_str()));
    }
}

#[tokio::test]
async fn an_address_that_stops_short_of_the_version_gets_it() {
    let sim = Simulator::start().await.unwrap();
    let base = sim.base_url();
    let base = base.strip_suffix("/v1").unwrap();
    for vendor in ["mistral", "ollama"] {
        let settings = Loader::new()
            .set(format!("towline.llm.model={vendor}/m"))
            .set(format!("towline.{vendor}.api_key=k"))
            .set(format!("towline.{vendor}.base_url={base}"))
            .load()
            .unwrap();
        let client = towline::connect(&settings).await.unwrap();
        client.complete("Hi").await.unwrap();
        assert_eq!(sim.journal().last().unwrap().path(), "/v1/chat/completions");
    }
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
