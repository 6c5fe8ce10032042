//! Row *towline-ollama*: the chat API of Ollama, on the transport, called as the tower service that it is.

use peer_dialect::Asked;
use peer_harness::{BoxError, Client, Reply, workload::Prompt};
use std::process::ExitCode;
use towline_ollama::{Ollama, OllamaConfig};
use towline_transport::Channel;

struct Row(Asked<Ollama<Channel>>);

impl Client for Row {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let server = base_url.trim_end_matches("/v1");
        let config = OllamaConfig::builder(server).build()?;
        let channel = Channel::builder(server).build()?;
        Ok(Self(Asked::new(Ollama::new(config, channel))))
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
