//! Row *async-openai*: its client as it comes, on the chat completions route.

use async_openai::{
    config::OpenAIConfig,
    types::chat::{
        ChatCompletionRequestAssistantMessage, ChatCompletionRequestMessage,
        ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage,
        ChatCompletionStreamOptions, CreateChatCompletionRequest,
    },
};
use futures_util::StreamExt as _;
use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt, Role},
};
use std::process::ExitCode;

struct AsyncOpenAi {
    client: async_openai::Client<OpenAIConfig>,
    small: CreateChatCompletionRequest,
    long: CreateChatCompletionRequest,
    stream: CreateChatCompletionRequest,
}

impl Client for AsyncOpenAi {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let config = OpenAIConfig::new()
            .with_api_key(API_KEY)
            .with_api_base(base_url);
        let mut stream = request(Prompt::Small);
        stream.stream_options = Some(ChatCompletionStreamOptions {
            include_usage: Some(true),
            ..Default::default()
        });
        Ok(Self {
            client: async_openai::Client::with_config(config),
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
        let completion = self.client.chat().create(request.clone()).await?;
        let choice = completion.choices.first().ok_or("no choice")?;
        Ok(Reply::Decoded {
            text: choice.message.content.as_ref().map_or(0, String::len),
            pieces: 1,
            tokens: completion
                .usage
                .map_or(0, |usage| usage.total_tokens.into()),
        })
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        let mut chunks = self
            .client
            .chat()
            .create_stream(self.stream.clone())
            .await?;
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
            tokens = chunk
                .usage
                .map_or(tokens, |usage| usage.total_tokens.into());
        }
        Ok(Reply::Decoded {
            text,
            pieces,
            tokens,
        })
    }
}

fn request(prompt: Prompt) -> CreateChatCompletionRequest {
    CreateChatCompletionRequest {
        model: MODEL.to_owned(),
        messages: workload::conversation(prompt)
            .into_iter()
            .map(message)
            .collect(),
        ..Default::default()
    }
}

fn message(message: workload::Message) -> ChatCompletionRequestMessage {
    match message.role {
        Role::System => ChatCompletionRequestSystemMessage::from(message.text).into(),
        Role::User => ChatCompletionRequestUserMessage::from(message.text).into(),
        Role::Assistant => {
            ChatCompletionRequestAssistantMessage::from(message.text.as_str()).into()
        }
    }
}

fn main() -> ExitCode {
    peer_harness::main::<AsyncOpenAi>()
}
