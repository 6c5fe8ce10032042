//! Messages against aimock, a mock of the API that breaks on demand.
//!
//! `cargo xtask integration` starts the server. Without it these tests say that they were skipped.
#![cfg(test)]

use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_core::Secret;
use towline_testkit::aimock::Mock;
use towline_transport::Channel;

fn make(url: &str) -> Anthropic<Channel> {
    let config = AnthropicConfig::builder(url).api_key(Secret::new("planted-key"));
    let channel = Channel::builder(url).build().unwrap();
    Anthropic::new(config.build().unwrap(), channel)
}

towline_testkit::aimock!(make, Mock::new("claude-haiku-4-5"));
