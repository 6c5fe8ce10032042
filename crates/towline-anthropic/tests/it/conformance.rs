use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_core::Secret;
use towline_transport::Channel;

async fn make(base_url: String, key: Option<Secret>) -> Anthropic<Channel> {
    let config = AnthropicConfig::builder(base_url.clone())
        .name("under-test")
        .api_key(key);
    let channel = Channel::builder(base_url).build().unwrap();
    Anthropic::new(config.build().unwrap(), channel)
}

towline_testkit::conformance!(make, Anthropic);
