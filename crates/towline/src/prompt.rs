//! What a client can be asked, with as little ceremony as the question needs.

use std::sync::Arc;
use towline_core::{CompletionOptions, Conversation, Message, Request, Text};

/// A question to a model: text, a message, a conversation or a whole [`Request`].
///
/// The client fills in the model where none is named.
///
/// # Examples
///
/// ```
/// use towline::Prompt;
/// use towline_core::{CompletionOptions, Conversation, Message};
///
/// let plain = Prompt::from("Say hello.");
/// let chat = Conversation::new()
///     .with(Message::system("Answer in one word."))
///     .with(Message::user("What is the capital of France?"));
/// let short = Prompt::from(chat).with_options(CompletionOptions::new().with_max_tokens(5));
/// # let _ = (plain, short);
/// ```
#[derive(Clone, Debug)]
pub struct Prompt {
    request: Request,
}

// === impl Prompt ===

impl Prompt {
    /// Sets the options.
    #[must_use]
    pub fn with_options(mut self, options: impl Into<Arc<CompletionOptions>>) -> Self {
        self.request = self.request.with_options(options);
        self
    }

    /// Asks another model than the configured one.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        self.request = self.request.with_model(model);
        self
    }

    pub(crate) fn into_request(self) -> Request {
        self.request
    }

    /// The configured model: the client puts its name in.
    fn unnamed(conversation: impl Into<Conversation>) -> Self {
        Self {
            request: Request::new(Text::new(), conversation),
        }
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::unnamed(text)
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::unnamed(text)
    }
}

impl From<Message> for Prompt {
    fn from(message: Message) -> Self {
        Self::unnamed(message)
    }
}

impl From<Conversation> for Prompt {
    fn from(conversation: Conversation) -> Self {
        Self::unnamed(conversation)
    }
}

impl From<&Conversation> for Prompt {
    fn from(conversation: &Conversation) -> Self {
        Self::unnamed(conversation)
    }
}

/// A request whose model is empty goes to the configured model.
impl From<Request> for Prompt {
    fn from(request: Request) -> Self {
        Self { request }
    }
}
