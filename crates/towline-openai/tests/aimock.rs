//! Chat and Responses against aimock, a mock of the API that breaks on demand.
//!
//! `cargo xtask integration` starts the server. Without it these tests say that they were skipped.
#![cfg(test)]

use tower::ServiceExt as _;
use towline_core::{EmbeddingRequest, ErrorKind, Secret};
use towline_openai::{Api, Flavor, OpenAi, OpenAiConfig};
use towline_testkit::aimock::url;
use towline_transport::Channel;

fn client(url: &str, api: Api) -> OpenAi<Channel> {
    let base_url = format!("{url}/v1");
    let config = OpenAiConfig::builder(base_url.as_str())
        .flavor(Flavor::OPENAI)
        .api(api)
        .api_key(Secret::new("planted-key"));
    let channel = Channel::builder(&base_url).build().unwrap();
    OpenAi::new(config.build().unwrap(), channel)
}

mod chat {
    use super::{Api, Channel, OpenAi};
    use towline_testkit::aimock::Mock;

    fn make(url: &str) -> OpenAi<Channel> {
        super::client(url, Api::Chat)
    }

    // In chat it gives reasoning like other servers of the dialect; OpenAI itself gives none.
    towline_testkit::aimock!(make, Mock::new("o3-mini"));
}

mod responses {
    use super::{Api, Channel, OpenAi};
    use towline_testkit::aimock::Mock;

    fn make(url: &str) -> OpenAi<Channel> {
        super::client(url, Api::Responses)
    }

    towline_testkit::aimock!(make, Mock::new("o3-mini"));
}

#[tokio::test]
async fn texts_become_vectors_and_a_failure_its_kind() {
    let Some(url) = url() else { return };
    let client = client(&url, Api::Chat);
    let request = EmbeddingRequest::new("text-embedding-3-small", ["embed me", "embed me too"]);
    let answer = client.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.vectors(), [[0.25, -0.5, 1.0], [0.25, -0.5, 1.0]]);
    let request = EmbeddingRequest::new("text-embedding-3-small", ["error when embedded"]);
    let error = client.oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(3));
}

#[tokio::test]
async fn models_are_listed() {
    let Some(url) = url() else { return };
    let models = client(&url, Api::Chat).models().await.unwrap();
    assert!(
        models.iter().any(|model| model.id() == "gpt-4o"),
        "{models:?}"
    );
}
