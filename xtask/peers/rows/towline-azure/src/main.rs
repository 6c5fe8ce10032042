//! Row *towline-azure*: chat completions of Azure, by deployment, on the transport, called as the tower service that it is.

use peer_dialect::Asked;
use peer_harness::{
    BoxError, Client, Reply,
    workload::{API_KEY, Prompt},
};
use std::process::ExitCode;
use towline_azure::{Azure, AzureConfig};
use towline_core::Secret;
use towline_openai::Api;
use towline_transport::Channel;

struct Row(Asked<Azure<Channel>>);

impl Client for Row {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let server = base_url.trim_end_matches("/v1");
        let config = AzureConfig::builder(server)
            .api_key(Secret::new(API_KEY))
            .api(Api::Chat)
            .build()?;
        let channel = Channel::builder(server).build()?;
        Ok(Self(Asked::new(Azure::new(config, channel))))
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        self.0.complete(prompt).await
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        self.0.stream().await
    }
}

fn main() -> ExitCode {
    peer_harness::main::<Row>()
}
