//! The pieces of a streamed answer.

use crate::{FinishReason, Text, Usage};

/// One piece of an answer.
///
/// [`Finish`](Self::Finish) comes last, exactly once, and only when the provider's own terminal
/// marker was seen: a stream without it is an error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The provider began to answer.
    Start(Start),
    /// More of the text.
    Text(Text),
    /// More of the model's reasoning.
    Reasoning(ReasoningDelta),
    /// More of the words with which the model declines.
    Refusal(Text),
    /// More of a tool call.
    ToolCall(ToolCallDelta),
    /// What the call used so far. The last one counts; they are not added up.
    Usage(Usage),
    /// The provider is alive and has nothing to say: a comment, a ping, or a part of what is to come.
    Ping,
    /// The answer broke off here, and somebody else goes on with it. What came before stands.
    Seam(Seam),
    /// The answer is whole.
    Finish(FinishReason),
}

/// How an answer introduces itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Start {
    id: Text,
    model: Text,
}

/// Who goes on with an answer that broke off.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seam {
    provider: Text,
    model: Text,
}

/// More of the model's reasoning.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ReasoningDelta {
    text: Text,
    provider: Option<Text>,
    // Boxed: an event is moved more often than read, and these come once in an answer, if at all.
    rest: Option<Box<ReasoningRest>>,
}

/// What comes with a stretch of reasoning, and not with each piece of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct ReasoningRest {
    id: Option<Text>,
    signature: Option<Text>,
    encrypted: Option<Text>,
}

/// More of a tool call. Deltas of one call share the index.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ToolCallDelta {
    index: usize,
    id: Option<Text>,
    name: Option<Text>,
    arguments: Text,
}

// === impl Event ===

impl Event {
    /// Whether the caller was given something of the answer: after it no other target may answer.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        matches!(
            self,
            Self::Text(_) | Self::Reasoning(_) | Self::Refusal(_) | Self::ToolCall(_)
        )
    }

    /// The text, where this is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

// === impl Start ===

impl Start {
    /// The answer `id`, given by `model`.
    #[must_use]
    pub fn new(id: impl Into<Text>, model: impl Into<Text>) -> Self {
        Self {
            id: id.into(),
            model: model.into(),
        }
    }

    /// The provider's id of the answer. May be empty.
    #[must_use]
    pub const fn id(&self) -> &Text {
        &self.id
    }

    /// The model that answers, by the provider's word. May be empty.
    #[must_use]
    pub const fn model(&self) -> &Text {
        &self.model
    }
}

// === impl Seam ===

impl Seam {
    /// `model` of `provider` goes on.
    #[must_use]
    pub fn new(provider: impl Into<Text>, model: impl Into<Text>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
        }
    }

    /// The provider that goes on, by its name in the configuration.
    #[must_use]
    pub const fn provider(&self) -> &Text {
        &self.provider
    }

    /// The model that goes on.
    #[must_use]
    pub const fn model(&self) -> &Text {
        &self.model
    }
}

// === impl ReasoningDelta ===

impl ReasoningDelta {
    /// More text.
    #[must_use]
    pub fn new(text: impl Into<Text>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Names the dialect that made it, the only one that may be sent it back.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Text>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Adds the provider's id of the stretch.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Text>) -> Self {
        self.rest.get_or_insert_default().id = Some(id.into());
        self
    }

    /// Adds the provider's signature over the stretch that ends here.
    #[must_use]
    pub fn with_signature(mut self, signature: impl Into<Text>) -> Self {
        self.rest.get_or_insert_default().signature = Some(signature.into());
        self
    }

    /// Adds the form that only the provider can read.
    #[must_use]
    pub fn with_encrypted(mut self, data: impl Into<Text>) -> Self {
        self.rest.get_or_insert_default().encrypted = Some(data.into());
        self
    }

    /// The text. May be empty.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The dialect that made it.
    #[must_use]
    pub const fn provider(&self) -> Option<&Text> {
        self.provider.as_ref()
    }

    /// The provider's id of the stretch.
    #[must_use]
    pub fn id(&self) -> Option<&Text> {
        self.rest.as_ref()?.id.as_ref()
    }

    /// The provider's signature.
    #[must_use]
    pub fn signature(&self) -> Option<&Text> {
        self.rest.as_ref()?.signature.as_ref()
    }

    /// The form that only the provider can read.
    #[must_use]
    pub fn encrypted(&self) -> Option<&Text> {
        self.rest.as_ref()?.encrypted.as_ref()
    }
}

// === impl ToolCallDelta ===

impl ToolCallDelta {
    /// More `arguments` of the call `index`.
    #[must_use]
    pub fn new(index: usize, arguments: impl Into<Text>) -> Self {
        Self {
            index,
            arguments: arguments.into(),
            ..Self::default()
        }
    }

    /// Says the call's id; in the first delta of a call.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Text>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Says the tool's name; in the first delta of a call.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Which call of the answer, from 0 in the order of appearance.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The call's id, in its first delta.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The tool's name, in the first delta.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// More of the arguments' JSON text. May be empty.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments
    }
}

// An event is moved through every layer: up to this size that costs no call.
const _: () = assert!(size_of::<Event>() <= 128);
