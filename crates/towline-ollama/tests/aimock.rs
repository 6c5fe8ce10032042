//! Chat against aimock, a mock of the API that breaks on demand.
//!
//! `cargo xtask integration` starts the server. Without it these tests say that they were skipped.
#![cfg(test)]

use tower::ServiceExt as _;
use towline_core::{EmbeddingRequest, ErrorKind};
use towline_ollama::{Ollama, OllamaConfig};
use towline_testkit::aimock::{Mock, url};
use towline_transport::Channel;

fn make(url: &str) -> Ollama<Channel> {
    let config = OllamaConfig::builder(url).build().unwrap();
    Ollama::new(config, Channel::builder(url).build().unwrap())
}

// Counts are always zero, reasoning is in the field of another dialect, and calls have no ids.
towline_testkit::aimock!(
    make,
    Mock::new("qwen3")
        .without_usage()
        .without_reasoning()
        .without_call_ids()
);

/// aimock answers `/api/embed` in the form of the older `/api/embeddings`: one vector for all texts.
#[tokio::test]
async fn an_answer_without_a_vector_for_each_text_is_an_error() {
    let Some(url) = url() else { return };
    let request = EmbeddingRequest::new("qwen3", ["embed me", "embed me too"]);
    let error = make(&url).oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
}

#[tokio::test]
async fn models_are_listed() {
    let Some(url) = url() else { return };
    let models = make(&url).models().await.unwrap();
    assert!(
        models.iter().any(|model| model.id() == "gpt-4o"),
        "{models:?}"
    );
}
