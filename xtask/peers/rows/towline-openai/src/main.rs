//! Row *towline-openai*: the dialect on the transport, called as the tower service that it is.

use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt, Role},
};
use std::process::ExitCode;
use tower::ServiceExt as _;
use towline_core::{Conversation, Event, Message, Request, Secret};
use towline_openai::{Flavor, OpenAi, OpenAiConfig};
use towline_transport::Channel;

struct Towline {
    openai: OpenAi<Channel>,
    small: Request,
    long: Request,
    stream: Request,
}

impl Client for Towline {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let config = OpenAiConfig::builder(base_url)
            .api_key(Secret::new(API_KEY))
            .flavor(Flavor::OPENAI)
            .build()?;
        Ok(Self {
            openai: OpenAi::new(config, Channel::builder(base_url).build()?),
            small: request(Prompt::Small),
            long: request(Prompt::Long),
            stream: request(Prompt::Small).with_stream(true),
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let request = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let response = self.openai.clone().oneshot(request.clone()).await?;
        let completion = response.collect().await?;
        let tokens = completion
            .usage()
            .and_then(|usage| usage.total())
            .unwrap_or(0);
        Ok(Reply::Decoded {
            text: completion.text().len(),
            pieces: 1,
            tokens,
        })
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        let response = self.openai.clone().oneshot(self.stream.clone()).await?;
        let mut body = response.into_body();
        let (mut text, mut pieces, mut tokens) = (0, 0, 0);
        while let Some(event) = body.next().await {
            match event? {
                Event::Text(piece) => {
                    text += piece.len();
                    pieces += u64::from(!piece.is_empty());
                }
                Event::Usage(usage) => tokens = usage.total().unwrap_or(0),
                _ => {}
            }
        }
        Ok(Reply::Decoded {
            text,
            pieces,
            tokens,
        })
    }
}

fn request(prompt: Prompt) -> Request {
    let messages = workload::conversation(prompt).into_iter().map(message);
    Request::new(MODEL, messages.collect::<Conversation>())
}

fn message(message: workload::Message) -> Message {
    match message.role {
        Role::System => Message::system(message.text),
        Role::User => Message::user(message.text),
        Role::Assistant => Message::assistant(message.text),
    }
}

fn main() -> ExitCode {
    peer_harness::main::<Towline>()
}
