//! Whether two calls ask the same.

use crate::{Message, Part, Request};
use std::hash::{Hash, Hasher};

impl Request {
    /// Whether both ask the same of a provider: model, conversation, options, streamed or not. The
    /// facts for layers ([`context`](Self::context)) do not count, nor does the order in which
    /// options were set. Compares everything; nothing is left to a hash.
    ///
    /// # Examples
    ///
    /// ```
    /// use towline_core::{Context, Request};
    ///
    /// let request = Request::new("gpt-4o-mini", "Say hello.");
    /// let other = Request::new("gpt-4o-mini", "Say hello.")
    ///     .with_context(Context::new().with_tag("team", "search"));
    /// assert!(request.asks_the_same_as(&other));
    /// assert!(!request.asks_the_same_as(&other.with_stream(true)));
    /// ```
    #[must_use]
    pub fn asks_the_same_as(&self, other: &Self) -> bool {
        self.stream() == other.stream()
            && self.model() == other.model()
            && self.options() == other.options()
            && self.conversation() == other.conversation()
    }

    /// Hashes what is asked. Requests that ask the same have the same hash; others may have it too,
    /// for not everything goes in.
    pub fn hash_question(&self, state: &mut impl Hasher) {
        self.model().hash(state);
        self.stream().hash(state);
        let options = self.options();
        options.max_tokens().hash(state);
        options.seed().hash(state);
        options.user().hash(state);
        options.tools().len().hash(state);
        self.conversation().len().hash(state);
        for message in self.conversation().messages() {
            hash_message(message, state);
        }
    }
}

fn hash_message(message: &Message, state: &mut impl Hasher) {
    message.role().hash(state);
    for part in message.parts() {
        match part {
            Part::Text(text) | Part::Refusal(text) => text.hash(state),
            Part::Reasoning(reasoning) => reasoning.text().hash(state),
            Part::ToolCall(call) => call.arguments().hash(state),
            Part::ToolResult(result) => result.content().hash(state),
            // Rarely all that differs, and long.
            Part::Image(_) | Part::File(_) => 0_u8.hash(state),
        }
    }
}
