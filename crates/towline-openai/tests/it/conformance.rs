use towline_core::Secret;
use towline_openai::{Api, OpenAi, OpenAiConfig};
use towline_transport::Channel;

fn client(base_url: String, key: Option<Secret>, api: Api) -> OpenAi<Channel> {
    let config = OpenAiConfig::builder(base_url.clone())
        .name("under-test")
        .api(api)
        .api_key(key);
    let channel = Channel::builder(base_url).build().unwrap();
    OpenAi::new(config.build().unwrap(), channel)
}

mod chat {
    use super::{Api, Channel, OpenAi, Secret, client};

    async fn make(base_url: String, key: Option<Secret>) -> OpenAi<Channel> {
        client(base_url, key, Api::Chat)
    }

    towline_testkit::conformance!(make);
}

mod responses {
    use super::{Api, Channel, OpenAi, Secret, client};

    async fn make(base_url: String, key: Option<Secret>) -> OpenAi<Channel> {
        client(base_url, key, Api::Responses)
    }

    towline_testkit::conformance!(make, Responses);
}
