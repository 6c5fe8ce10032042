use towline_core::Secret;
use towline_ollama::{Ollama, OllamaConfig};
use towline_transport::Channel;

async fn make(base_url: String, key: Option<Secret>) -> Ollama<Channel> {
    let config = OllamaConfig::builder(base_url.clone())
        .name("under-test")
        .api_key(key);
    let channel = Channel::builder(base_url).build().unwrap();
    Ollama::new(config.build().unwrap(), channel)
}

towline_testkit::conformance!(make, Ollama);
