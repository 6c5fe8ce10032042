use towline_azure::{Azure, AzureConfig};
use towline_core::Secret;
use towline_openai::Api;
use towline_transport::Channel;

fn client(origin: String, key: Option<Secret>, api: Api) -> Azure<Channel> {
    let config = AzureConfig::builder(origin)
        .name("under-test")
        .api_key(key)
        .api(api);
    let config = config.build().unwrap();
    let channel = Channel::builder(config.base_url()).build().unwrap();
    Azure::new(config, channel)
}

mod chat {
    use super::{Api, Azure, Channel, Secret, client};

    async fn make(origin: String, key: Option<Secret>) -> Azure<Channel> {
        client(origin, key, Api::Chat)
    }

    towline_testkit::conformance!(make, Azure);
}

mod responses {
    use super::{Api, Azure, Channel, Secret, client};

    async fn make(origin: String, key: Option<Secret>) -> Azure<Channel> {
        client(origin, key, Api::Responses)
    }

    towline_testkit::conformance!(make, Azure);
}
