//! What the client sends of generated requests, for a check against the description of the API.
//!
//! `cargo xtask integration` says where the bodies go, and checks them. Without it this test holds
//! that every request goes out or is refused before it is sent.
#![cfg(test)]

use towline_ollama::{Ollama, OllamaConfig};
use towline_testkit::generate::send;

/// How many requests are generated. The API takes no files and no images by address, so that a third
/// is refused.
const CASES: u32 = 600;

/// Thinking is on or off, or of three levels.
const MODELS: &[&str] = &["qwen3", "gpt-oss:20b"];

#[test]
fn generated_requests_go_out_or_are_refused() {
    let outgoing = send("chat", MODELS, CASES, |http| {
        let config = OllamaConfig::builder("http://nowhere.invalid");
        Ollama::new(config.build().unwrap(), http)
    });
    assert!(outgoing.sent >= 250, "{outgoing:?}");
}
