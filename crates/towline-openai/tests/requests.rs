//! What the client sends of generated requests, for a check against the description of the API.
//!
//! `cargo xtask integration` says where the bodies go, and checks them. Without it these tests hold
//! that every request goes out or is refused before it is sent.
#![cfg(test)]

use towline_openai::{Api, Flavor, OpenAi, OpenAiConfig};
use towline_testkit::generate::send;

/// How many requests are generated for each API.
const CASES: u32 = 400;

/// Of before reasoning and after it: they take other options.
const MODELS: &[&str] = &["gpt-4o", "gpt-4.1-mini", "o3-mini", "gpt-5.2"];

fn generated(label: &str, api: Api) {
    let outgoing = send(label, MODELS, CASES, |http| {
        let config = OpenAiConfig::builder("http://nowhere.invalid/v1");
        let config = config.flavor(Flavor::OPENAI).api(api).build();
        OpenAi::new(config.unwrap(), http)
    });
    assert!(outgoing.sent >= 250, "{outgoing:?}");
}

#[test]
fn generated_chat_requests_go_out_or_are_refused() {
    generated("chat", Api::Chat);
}

#[test]
fn generated_responses_requests_go_out_or_are_refused() {
    generated("responses", Api::Responses);
}
