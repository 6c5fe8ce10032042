//! What the client sends of generated requests, for a check against the description of the API.
//!
//! `cargo xtask integration` says where the bodies go, and checks them. Without it this test holds
//! that every request goes out or is refused before it is sent.
#![cfg(test)]

use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_testkit::generate::send;

/// How many requests are generated.
const CASES: u32 = 400;

/// Models that think in different ways, and one that does not.
const MODELS: &[&str] = &[
    "claude-haiku-4-5",
    "claude-opus-4-7",
    "claude-3-5-haiku-latest",
];

#[test]
fn generated_requests_go_out_or_are_refused() {
    let outgoing = send("messages", MODELS, CASES, |http| {
        let config = AnthropicConfig::builder("http://nowhere.invalid");
        Anthropic::new(config.build().unwrap(), http)
    });
    assert!(outgoing.sent >= 250, "{outgoing:?}");
}
