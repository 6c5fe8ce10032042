//! Row *towline*: the client that settings make, with its default stack.

use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt, Role},
};
use std::process::ExitCode;
use towline::{
    config::Loader,
    core::{Conversation, Event, Message},
};

struct Towline {
    client: towline::Client,
    small: Conversation,
    long: Conversation,
}

impl Client for Towline {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let settings = Loader::new()
            .set(format!("towline.llm.model=openai/{MODEL}"))
            .set(format!("towline.openai.base_url={base_url}"))
            .set(format!("towline.openai.api_key={API_KEY}"))
            .load()?;
        Ok(Self {
            client: towline::connect(&settings).await?,
            small: conversation(Prompt::Small),
            long: conversation(Prompt::Long),
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let conversation = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let completion = self.client.complete(conversation).await?;
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
        let mut response = self.client.stream(&self.small).await?;
        let (mut text, mut pieces, mut tokens) = (0, 0, 0);
        while let Some(event) = response.body_mut().next().await {
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

fn conversation(prompt: Prompt) -> Conversation {
    workload::conversation(prompt)
        .into_iter()
        .map(message)
        .collect()
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
