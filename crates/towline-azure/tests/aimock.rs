//! Deployments against aimock, a mock of the API that breaks on demand.
//!
//! It knows the paths by deployment, and Responses below `/openai/v1`.
//! `cargo xtask integration` starts the server. Without it these tests say that they were skipped.
#![cfg(test)]

use tower::ServiceExt as _;
use towline_azure::{Azure, AzureConfig};
use towline_core::{EmbeddingRequest, Secret};
use towline_openai::Api;
use towline_testkit::aimock::url;
use towline_transport::Channel;

fn client(url: &str, api: Api) -> Azure<Channel> {
    let config = AzureConfig::builder(url)
        .api(api)
        .api_key(Secret::new("planted-key"));
    let channel = Channel::builder(url).build().unwrap();
    Azure::new(config.build().unwrap(), channel)
}

mod chat {
    use super::{Api, Azure, Channel};
    use towline_testkit::aimock::Mock;

    fn make(url: &str) -> Azure<Channel> {
        super::client(url, Api::Chat)
    }

    // In chat it gives reasoning like other servers of the dialect; OpenAI itself gives none.
    towline_testkit::aimock!(make, Mock::new("o3-mini"));
}

mod responses {
    use super::{Api, Azure, Channel};
    use towline_testkit::aimock::Mock;

    fn make(url: &str) -> Azure<Channel> {
        super::client(url, Api::Responses)
    }

    towline_testkit::aimock!(make, Mock::new("o3-mini"));
}

#[tokio::test]
async fn texts_become_vectors() {
    let Some(url) = url() else { return };
    let request = EmbeddingRequest::new("text-embedding-3-small", ["embed me"]);
    let answer = client(&url, Api::Chat).oneshot(request).await.unwrap();
    assert_eq!(answer.vectors(), [[0.25, -0.5, 1.0]]);
}
