//! Row *liter-llm*: its default client, without its tower layers.

use futures_util::StreamExt as _;
use liter_llm::{
    AssistantContent, AssistantMessage, ChatCompletionRequest, ClientConfigBuilder, DefaultClient,
    LlmClient as _, Message, StreamOptions, SystemMessage, UserContent, UserMessage,
};
use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt, Role},
};
use std::process::ExitCode;

struct LiterLlm {
    client: DefaultClient,
    small: ChatCompletionRequest,
    long: ChatCompletionRequest,
    stream: ChatCompletionRequest,
}

impl Client for LiterLlm {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let config = ClientConfigBuilder::new(API_KEY).base_url(base_url).build();
        let mut stream = request(Prompt::Small);
        stream.stream_options = Some(StreamOptions {
            include_usage: Some(true),
        });
        Ok(Self {
            client: DefaultClient::new(config, Some("openai"))?,
            small: request(Prompt::Small),
            long: request(Prompt::Long),
            stream,
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let request = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let completion = self.client.chat(request.clone()).await?;
        let choice = completion.choices.first().ok_or("no choice")?;
        let text = match &choice.message.content {
            Some(AssistantContent::Text(text)) => text.len(),
            _ => 0,
        };
        let tokens = completion.usage.map_or(0, |usage| usage.total_tokens);
        Ok(Reply::Decoded {
            text,
            pieces: 1,
            tokens,
        })
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        let mut chunks = self.client.chat_stream(self.stream.clone()).await?;
        let (mut text, mut pieces, mut tokens) = (0, 0, 0);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if let Some(piece) = chunk
                .choices
                .first()
                .and_then(|choice| choice.delta.content.as_ref())
            {
                text += piece.len();
                pieces += u64::from(!piece.is_empty());
            }
            tokens = chunk.usage.map_or(tokens, |usage| usage.total_tokens);
        }
        Ok(Reply::Decoded {
            text,
            pieces,
            tokens,
        })
    }
}

fn request(prompt: Prompt) -> ChatCompletionRequest {
    ChatCompletionRequest {
        model: format!("openai/{MODEL}"),
        messages: workload::conversation(prompt)
            .into_iter()
            .map(message)
            .collect(),
        ..Default::default()
    }
}

fn message(message: workload::Message) -> Message {
    let text = message.text;
    match message.role {
        Role::System => Message::System(SystemMessage {
            content: UserContent::Text(text),
            name: None,
        }),
        Role::User => Message::User(UserMessage {
            content: UserContent::Text(text),
            name: None,
        }),
        Role::Assistant => Message::Assistant(AssistantMessage {
            content: Some(AssistantContent::Text(text)),
            ..Default::default()
        }),
    }
}

fn main() -> ExitCode {
    peer_harness::main::<LiterLlm>()
}
