use towline_core::Secret;
use towline_openai::{OpenAi, OpenAiConfig};
use towline_transport::Channel;

async fn make(base_url: String, key: Option<Secret>) -> OpenAi<Channel> {
    let config = OpenAiConfig::builder(base_url.clone())
        .name("under-test")
        .api_key(key);
    let channel = Channel::builder(base_url).build().unwrap();
    OpenAi::new(config.build().unwrap(), channel)
}

towline_testkit::conformance!(make);
