//! What the client sends of generated requests, for a check against the description of the API.
//!
//! `cargo xtask integration` says where the bodies go, and checks them. Without it these tests hold
//! that every request goes out or is refused before it is sent.
#![cfg(test)]

use towline_azure::{Azure, AzureConfig};
use towline_openai::Api;
use towline_testkit::generate::send;

/// How many requests are generated for each API.
const CASES: u32 = 400;

/// Deployments, named like their models: of before reasoning and after it.
const DEPLOYMENTS: &[&str] = &["gpt-4o", "o3-mini-eu", "gpt-5.2"];

fn generated(label: &str, api: Api) {
    let outgoing = send(label, DEPLOYMENTS, CASES, |http| {
        let config = AzureConfig::builder("http://nowhere.invalid").api(api);
        Azure::new(config.build().unwrap(), http)
    });
    assert!(outgoing.sent >= 250, "{outgoing:?}");
}

#[test]
fn generated_chat_requests_go_out_or_are_refused() {
    generated("azure-chat", Api::Chat);
}

#[test]
fn generated_responses_requests_go_out_or_are_refused() {
    generated("azure-responses", Api::Responses);
}
