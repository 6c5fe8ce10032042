//! Row *rig*: its OpenAI client on the chat completions route.

use futures_util::StreamExt as _;
use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt, Role},
};
use rig_core::{
    Model,
    completion::CompletionRequest,
    message::Message,
    providers::openai::{OpenAIConfig, wire::Chat},
    streaming::{Item, StreamEvent},
};
use std::process::ExitCode;

struct Rig {
    model: Model<Chat>,
    small: CompletionRequest,
    long: CompletionRequest,
}

impl Client for Rig {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let client = OpenAIConfig::new(API_KEY).with_base_url(base_url).client();
        Ok(Self {
            model: client.chat(MODEL),
            small: request(Prompt::Small)?,
            long: request(Prompt::Long)?,
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let request = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let response = self.model.call(request.clone()).await?;
        Ok(Reply::Decoded {
            text: response.text().len(),
            pieces: 1,
            tokens: response.usage.total_tokens.unwrap_or(0),
        })
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        let mut events = self.model.stream(self.small.clone())?;
        let (mut text, mut pieces) = (0, 0);
        while let Some(item) = events.next().await {
            if let Item::Event(StreamEvent::Text { text: piece, .. }) = item? {
                text += piece.len();
                pieces += u64::from(!piece.is_empty());
            }
        }
        let tokens = events.finish().await?.usage.total_tokens.unwrap_or(0);
        Ok(Reply::Decoded {
            text,
            pieces,
            tokens,
        })
    }
}

fn request(prompt: Prompt) -> Result<CompletionRequest, BoxError> {
    let mut messages: Vec<Message> = workload::conversation(prompt)
        .into_iter()
        .map(message)
        .collect();
    let question = messages.pop().ok_or("an empty conversation")?;
    Ok(CompletionRequest::new(question).messages(messages))
}

fn message(message: workload::Message) -> Message {
    match message.role {
        Role::System => Message::system(message.text),
        Role::User => Message::user(message.text),
        Role::Assistant => Message::assistant(message.text),
    }
}

fn main() -> ExitCode {
    peer_harness::main::<Rig>()
}
