use towline_azure::{Azure, AzureConfig};
use towline_core::Secret;
use towline_openai::Api;
use towline_transport::Channel;

/// The suite gives the base URL of OpenAI's dialect; Azure's begins at the origin.
fn client(base_url: &str, key: Option<Secret>, api: Api) -> Azure<Channel> {
    let origin = base_url.strip_suffix("/v1").unwrap_or(base_url);
    let config = AzureConfig::builder(origin)
        .name("under-test")
        .api_key(key)
        .api(api);
    let config = config.build().unwrap();
    let channel = Channel::builder(config.base_url()).build().unwrap();
    Azure::new(config, channel)
}

async fn chat(base_url: String, key: Option<Secret>) -> Azure<Channel> {
    client(&base_url, key, Api::Chat)
}

towline_testkit::conformance!(chat);
