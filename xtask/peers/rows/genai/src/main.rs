//! Row *genai*: its client as it comes, with the target given in full so that nothing is looked up.

use futures_util::StreamExt as _;
use genai::{
    ModelIden, ServiceTarget,
    adapter::AdapterKind,
    chat::{ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent},
    resolver::{AuthData, Endpoint},
};
use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt, Role},
};
use std::process::ExitCode;

struct GenAi {
    client: genai::Client,
    target: ServiceTarget,
    options: ChatOptions,
    small: ChatRequest,
    long: ChatRequest,
}

impl Client for GenAi {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        Ok(Self {
            client: genai::Client::builder().build()?,
            target: ServiceTarget {
                endpoint: Endpoint::from_owned(format!("{base_url}/")),
                auth: AuthData::from_single(API_KEY),
                model: ModelIden::new(AdapterKind::OpenAI, MODEL),
            },
            options: ChatOptions::default().with_capture_usage(true),
            small: request(Prompt::Small),
            long: request(Prompt::Long),
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let request = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let sent = self
            .client
            .exec_chat(self.target.clone(), request.clone(), Some(&self.options));
        let response = sent.await?;
        Ok(Reply::Decoded {
            text: response.first_text().map_or(0, str::len),
            pieces: 1,
            tokens: tokens(response.usage.total_tokens),
        })
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        let (target, request) = (self.target.clone(), self.small.clone());
        let opened = self
            .client
            .exec_chat_stream(target, request, Some(&self.options))
            .await?;
        let mut events = opened.stream;
        let (mut text, mut pieces, mut total) = (0, 0, 0);
        while let Some(event) = events.next().await {
            match event? {
                ChatStreamEvent::Chunk(chunk) => {
                    text += chunk.content.len();
                    pieces += u64::from(!chunk.content.is_empty());
                }
                ChatStreamEvent::End(end) => {
                    total = tokens(end.captured_usage.and_then(|usage| usage.total_tokens));
                }
                _ => {}
            }
        }
        Ok(Reply::Decoded {
            text,
            pieces,
            tokens: total,
        })
    }
}

fn request(prompt: Prompt) -> ChatRequest {
    ChatRequest::new(
        workload::conversation(prompt)
            .into_iter()
            .map(message)
            .collect(),
    )
}

fn message(message: workload::Message) -> ChatMessage {
    match message.role {
        Role::System => ChatMessage::system(message.text),
        Role::User => ChatMessage::user(message.text),
        Role::Assistant => ChatMessage::assistant(message.text),
    }
}

fn tokens(reported: Option<i32>) -> u64 {
    reported
        .and_then(|tokens| u64::try_from(tokens).ok())
        .unwrap_or(0)
}

fn main() -> ExitCode {
    peer_harness::main::<GenAi>()
}
