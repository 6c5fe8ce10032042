//! The messages of a conversation, shared and append-only.

mod validate;
mod wire;

pub use self::wire::{WireDialect, WireForm};

use self::wire::WireCache;
use crate::{Error, Message};
use std::{fmt, sync::Arc};

/// An immutable list of messages. A clone is a reference count, and appending to the only owner of
/// a list does not copy it; where it is shared, the messages themselves are still not copied.
///
/// It also remembers the JSON of its messages for each dialect that has sent it
/// ([`wire`](Self::wire)), so that a long conversation is not serialised again at every turn.
///
/// # Examples
///
/// ```
/// use towline_core::{Conversation, Message};
///
/// let question = Conversation::from("What is the capital of France?");
/// let answered = question.clone().with(Message::assistant("Paris."));
/// assert_eq!((question.len(), answered.len()), (1, 2));
/// ```
#[derive(Clone, Default)]
pub struct Conversation {
    inner: Arc<Inner>,
}

#[derive(Clone, Default)]
struct Inner {
    messages: Vec<Message>,
    // Of the text of all messages.
    bytes: usize,
    wire: WireCache,
}

// === impl Conversation ===

impl Conversation {
    /// No messages yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a message.
    #[must_use]
    pub fn with(mut self, message: Message) -> Self {
        self.push(message);
        self
    }

    /// Appends a message in place. Other clones do not see it.
    pub fn push(&mut self, message: Message) {
        // The cached wire form covers a prefix, and a prefix it stays.
        let inner = Arc::make_mut(&mut self.inner);
        inner.bytes = inner.bytes.saturating_add(message.text_bytes());
        inner.messages.push(message);
    }

    /// The messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.inner.messages
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages().is_empty()
    }

    /// How long the text of all messages is together, tool calls and results included, in bytes. It is
    /// counted when a message is appended, so that asking for it costs nothing.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.inner.bytes
    }

    /// Checks what every provider asks of a conversation: at most one system message, and that one
    /// first; no blank message; each tool call answered and each tool result asked for.
    ///
    /// Nothing calls it by itself: it looks at every message, which a long conversation that grew turn
    /// by turn does not need each time. Call it where a conversation comes from outside. What it would
    /// have found, the provider finds too, as a refused request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) that lists all violations.
    pub fn validate(&self) -> Result<(), Error> {
        validate::validate(self.messages())
    }

    /// The messages as JSON in a dialect, separated by commas. `encode` appends one message to the
    /// buffer, or nothing where the dialect leaves it out; it is asked only for messages that were not
    /// encoded in this dialect before, by this conversation or by the one it grew out of.
    ///
    /// # Errors
    ///
    /// What `encode` returns. Nothing of that run is kept.
    pub fn wire<F>(&self, dialect: WireDialect, encode: F) -> Result<WireForm, Error>
    where
        F: FnMut(&Message, &mut Vec<u8>) -> Result<(), Error>,
    {
        self.inner.wire.form(dialect, self.messages(), encode)
    }
}

/// A conversation of one user message.
impl From<&str> for Conversation {
    fn from(prompt: &str) -> Self {
        Self::from(Message::user(prompt))
    }
}

/// A conversation of one user message.
impl From<String> for Conversation {
    fn from(prompt: String) -> Self {
        Self::from(Message::user(prompt))
    }
}

impl From<Message> for Conversation {
    fn from(message: Message) -> Self {
        Self::from_iter([message])
    }
}

impl From<&Self> for Conversation {
    fn from(conversation: &Self) -> Self {
        conversation.clone()
    }
}

impl FromIterator<Message> for Conversation {
    fn from_iter<I: IntoIterator<Item = Message>>(messages: I) -> Self {
        let mut conversation = Self::new();
        conversation.extend(messages);
        conversation
    }
}

impl Extend<Message> for Conversation {
    fn extend<I: IntoIterator<Item = Message>>(&mut self, messages: I) {
        messages.into_iter().for_each(|message| self.push(message));
    }
}

/// Compares the messages.
impl PartialEq for Conversation {
    fn eq(&self, other: &Self) -> bool {
        self.messages() == other.messages()
    }
}

/// Prints how many messages there are, not what they say.
impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("messages", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
