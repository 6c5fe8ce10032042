//! Row *towline-responses*: the Responses API of OpenAI, on the transport, called as the tower service that it is.

use peer_dialect::Asked;
use peer_harness::{
    BoxError, Client, Reply,
    workload::{API_KEY, Prompt},
};
use std::process::ExitCode;
use towline_core::Secret;
use towline_openai::{Api, Flavor, OpenAi, OpenAiConfig};
use towline_transport::Channel;

struct Row(Asked<OpenAi<Channel>>);

impl Client for Row {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let config = OpenAiConfig::builder(base_url)
            .api_key(Secret::new(API_KEY))
            .flavor(Flavor::OPENAI)
            .api(Api::Responses)
            .build()?;
        let channel = Channel::builder(base_url).build()?;
        Ok(Self(Asked::new(OpenAi::new(config, channel))))
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
