//! The whole answer of a model.

mod draft;

pub(crate) use self::draft::Draft;

use crate::{
    FinishReason, Message, Part, Role, Text, ToolCall, Usage,
    message::{join, join_text},
};
use std::{borrow::Cow, fmt};

/// The whole answer of a model.
///
/// # Examples
///
/// ```
/// use towline_core::{Completion, FinishReason, Part};
///
/// let completion = Completion::new(vec![Part::from("Paris.")], FinishReason::Stop);
/// assert_eq!(completion.text(), "Paris.");
/// ```
#[derive(Clone, PartialEq)]
pub struct Completion {
    // On the heap, since it is handed on often, and large.
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq)]
struct Inner {
    id: Text,
    model: Text,
    provider: Text,
    request_id: Option<Text>,
    parts: Vec<Part>,
    finish_reason: FinishReason,
    usage: Option<Usage>,
}

// === impl Completion ===

impl Completion {
    /// An answer made of `parts`.
    #[must_use]
    pub fn new(parts: Vec<Part>, finish_reason: FinishReason) -> Self {
        Self {
            inner: Box::new(Inner {
                id: Text::new(),
                model: Text::new(),
                provider: Text::new(),
                request_id: None,
                parts,
                finish_reason,
                usage: None,
            }),
        }
    }

    /// Sets the provider's id of the answer.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Text>) -> Self {
        self.inner.id = id.into();
        self
    }

    /// Sets the model that answered.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        self.inner.model = model.into();
        self
    }

    /// Sets the provider that answered.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Text>) -> Self {
        self.inner.provider = provider.into();
        self
    }

    /// Sets the provider's id of the call.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<Text>) -> Self {
        self.inner.request_id = id;
        self
    }

    /// Sets what the call used.
    #[must_use]
    pub fn with_usage(mut self, usage: Option<Usage>) -> Self {
        self.inner.usage = usage;
        self
    }

    /// The provider's id of the answer. Empty where it gave none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The model that answered, by the provider's word, or the one that was asked.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.inner.model
    }

    /// The provider that answered, by its name in the configuration.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.inner.provider
    }

    /// The provider's id of the call, for its support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.inner.request_id.as_deref()
    }

    /// The pieces, in the order in which they came.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.inner.parts
    }

    /// The text, joined.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        join_text(&self.inner.parts)
    }

    /// What can be read of the model's reasoning, joined.
    #[must_use]
    pub fn reasoning(&self) -> Cow<'_, str> {
        join(self.inner.parts.iter().filter_map(|part| match part {
            Part::Reasoning(reasoning) => Some(reasoning.text()),
            _ => None,
        }))
    }

    /// The words with which the model declined. Empty where it did not.
    #[must_use]
    pub fn refusal(&self) -> Cow<'_, str> {
        join(self.inner.parts.iter().filter_map(|part| match part {
            Part::Refusal(text) => Some(text.as_str()),
            _ => None,
        }))
    }

    /// The calls that the model wants made, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.inner.parts.iter().filter_map(Part::as_tool_call)
    }

    /// Bytes that a model wrote: text, reasoning, refusals and arguments of tool calls.
    pub(crate) fn content_bytes(&self) -> u64 {
        let parts = self.inner.parts.iter();
        let bytes = parts.map(|part| match part {
            Part::Text(text) | Part::Refusal(text) => text.len(),
            Part::Reasoning(reasoning) => reasoning.text().len(),
            Part::ToolCall(call) => call.arguments().len(),
            _ => 0,
        });
        u64::try_from(bytes.sum::<usize>()).unwrap_or(u64::MAX)
    }

    /// Why the model stopped.
    #[must_use]
    pub const fn finish_reason(&self) -> &FinishReason {
        &self.inner.finish_reason
    }

    /// What the call used, where the provider said so.
    #[must_use]
    pub const fn usage(&self) -> Option<&Usage> {
        self.inner.usage.as_ref()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.inner.parts.is_empty()
    }

    /// The answer as a message, to go on with the conversation.
    #[must_use]
    pub fn into_message(self) -> Message {
        Message::new(Role::Assistant, self.inner.parts)
    }

    pub(crate) fn into_pieces(self) -> (Text, Text, Vec<Part>, FinishReason, Option<Usage>) {
        let Inner {
            id,
            model,
            parts,
            finish_reason,
            usage,
            ..
        } = *self.inner;
        (id, model, parts, finish_reason, usage)
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            id,
            model,
            provider,
            request_id,
            parts,
            finish_reason,
            usage,
        } = &*self.inner;
        f.debug_struct("Completion")
            .field("id", id)
            .field("model", model)
            .field("provider", provider)
            .field("request_id", request_id)
            .field("parts", parts)
            .field("finish_reason", finish_reason)
            .field("usage", usage)
            .finish()
    }
}
