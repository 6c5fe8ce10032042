//! Row *reqwest*: what one writes by hand, with serde_json both ways and eventsource-stream.

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use peer_harness::{
    BoxError, Client, Reply,
    workload::{self, API_KEY, MODEL, Prompt},
};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

struct ByHand {
    client: reqwest::Client,
    url: String,
    small: Request,
    long: Request,
    stream: Request,
}

#[derive(Serialize)]
struct Request {
    model: &'static str,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Change>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Change {
    delta: Said,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    total_tokens: u64,
}

impl Client for ByHand {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        Ok(Self {
            client: reqwest::Client::builder().build()?,
            url: format!("{base_url}/chat/completions"),
            small: request(Prompt::Small, false),
            long: request(Prompt::Long, false),
            stream: request(Prompt::Small, true),
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let request = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let completion: Completion = self.send(request).await?.json().await?;
        let choice = completion.choices.first().ok_or("no choice")?;
        let text = choice.message.content.as_ref().map_or(0, String::len);
        Ok(Reply::Decoded {
            text,
            pieces: 1,
            tokens: completion.usage.total_tokens,
        })
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        let response = self.send(&self.stream).await?;
        let mut events = response.bytes_stream().eventsource();
        let (mut text, mut pieces, mut tokens) = (0, 0, 0);
        while let Some(event) = events.next().await {
            let event = event?;
            if event.data == "[DONE]" {
                break;
            }
            let chunk: Chunk = serde_json::from_str(&event.data)?;
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

impl ByHand {
    async fn send(&self, request: &Request) -> Result<reqwest::Response, reqwest::Error> {
        let sent = self
            .client
            .post(&self.url)
            .bearer_auth(API_KEY)
            .json(request)
            .send()
            .await?;
        sent.error_for_status()
    }
}

fn request(prompt: Prompt, stream: bool) -> Request {
    let messages = workload::conversation(prompt).into_iter();
    Request {
        model: MODEL,
        messages: messages
            .map(|message| Message {
                role: message.role.name(),
                content: message.text,
            })
            .collect(),
        stream: stream.then_some(true),
        stream_options: stream.then_some(StreamOptions {
            include_usage: true,
        }),
    }
}

fn main() -> ExitCode {
    peer_harness::main::<ByHand>()
}
