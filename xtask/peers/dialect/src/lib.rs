//! What the rows of the dialects share: a provider of Towline, asked as the tower service that it is.

use peer_harness::{
    BoxError, Reply,
    workload::{self, MODEL, Prompt, Role},
};
use tower::{Service, ServiceExt as _};
use towline_core::{Conversation, Error, Event, Message, Request, Response};

/// A provider, and what it is asked.
#[derive(Debug)]
pub struct Asked<S> {
    provider: S,
    small: Request,
    long: Request,
    stream: Request,
}

// === impl Asked ===

impl<S> Asked<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    /// Asks `provider`.
    pub fn new(provider: S) -> Self {
        Self {
            provider,
            small: request(Prompt::Small),
            long: request(Prompt::Long),
            stream: request(Prompt::Small).with_stream(true),
        }
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    ///
    /// Those of the provider.
    pub async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        let request = match prompt {
            Prompt::Small => &self.small,
            Prompt::Long => &self.long,
        };
        let response = self.provider.clone().oneshot(request.clone()).await?;
        let completion = response.collect().await?;
        let tokens = completion.usage().and_then(|usage| usage.total());
        Ok(Reply::Decoded {
            text: completion.text().len(),
            pieces: 1,
            tokens: tokens.unwrap_or(0),
        })
    }

    /// Reads a streamed answer.
    ///
    /// # Errors
    ///
    /// Those of the provider.
    pub async fn stream(&self) -> Result<Reply, BoxError> {
        let response = self.provider.clone().oneshot(self.stream.clone()).await?;
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
