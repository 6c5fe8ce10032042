//! One turn of a conversation.

mod file;
mod image;
mod reasoning;

pub use self::{
    file::{File, FileSource},
    image::{Image, ImageDetail, ImageSource},
    reasoning::Reasoning,
};

use crate::{Text, ToolCall, ToolResult};
use std::{borrow::Cow, sync::Arc};

/// Who speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// The application's instructions. Providers that call this `developer` get that word.
    System,
    /// The person, or the program in their place.
    User,
    /// The model.
    Assistant,
    /// The output of a tool call.
    Tool,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text(Text),
    /// An image.
    Image(Image),
    /// A file, such as a PDF.
    File(File),
    /// The model's reasoning, kept so that it can be sent back unchanged.
    Reasoning(Reasoning),
    /// The model declined, in these words.
    Refusal(Text),
    /// A tool call of the model.
    ToolCall(ToolCall),
    /// The output of a tool call.
    ToolResult(ToolResult),
}

/// How long a provider shall keep the conversation up to a message in its prompt cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CacheHint {
    /// The provider's short life, about five minutes.
    Short,
    /// The provider's long life, about an hour.
    Long,
}

/// One turn of a conversation. Immutable; a clone shares it.
///
/// # Examples
///
/// ```
/// use towline_core::{Message, Role};
///
/// let message = Message::user("What is the capital of France?");
/// assert_eq!(message.role(), Role::User);
/// assert_eq!(message.text(), "What is the capital of France?");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    role: Role,
    parts: Vec<Part>,
    name: Option<Text>,
    cache_hint: Option<CacheHint>,
}

// === impl Role ===

impl Role {
    /// The name of the role in most wire formats.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

// === impl Message ===

impl Message {
    /// A message of `role` made of `parts`.
    #[must_use]
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            inner: Arc::new(Inner {
                role,
                parts,
                name: None,
                cache_hint: None,
            }),
        }
    }

    /// Instructions to the model.
    #[must_use]
    pub fn system(text: impl Into<Text>) -> Self {
        Self::new(Role::System, vec![Part::Text(text.into())])
    }

    /// What the person says.
    #[must_use]
    pub fn user(text: impl Into<Text>) -> Self {
        Self::new(Role::User, vec![Part::Text(text.into())])
    }

    /// What the model said.
    #[must_use]
    pub fn assistant(text: impl Into<Text>) -> Self {
        Self::new(Role::Assistant, vec![Part::Text(text.into())])
    }

    /// The output of the tool call `call_id`.
    #[must_use]
    pub fn tool(call_id: impl Into<Text>, content: impl Into<Text>) -> Self {
        Self::from(ToolResult::new(call_id, content))
    }

    /// Adds a part at the end.
    #[must_use]
    pub fn with_part(mut self, part: impl Into<Part>) -> Self {
        Arc::make_mut(&mut self.inner).parts.push(part.into());
        self
    }

    /// Names the speaker, for conversations of several people.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Text>) -> Self {
        Arc::make_mut(&mut self.inner).name = Some(name.into());
        self
    }

    /// Asks the provider to cache the conversation up to this message. Providers that cache by
    /// themselves, as OpenAI does, take no notice.
    #[must_use]
    pub fn with_cache_hint(mut self, hint: CacheHint) -> Self {
        Arc::make_mut(&mut self.inner).cache_hint = Some(hint);
        self
    }

    /// Who speaks.
    #[must_use]
    pub fn role(&self) -> Role {
        self.inner.role
    }

    /// The pieces, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.inner.parts
    }

    /// The name of the speaker.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    /// What was asked of the provider's prompt cache.
    #[must_use]
    pub fn cache_hint(&self) -> Option<CacheHint> {
        self.inner.cache_hint
    }

    /// All text parts, joined. Borrowed where there is but one.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        join_text(self.parts())
    }

    /// How long its text is, in bytes: what it says, tool calls and results included; images, files and
    /// reasoning not.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let parts = self.parts().iter().map(Part::text_bytes);
        parts.fold(0, usize::saturating_add)
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts().iter().filter_map(Part::as_tool_call)
    }

    /// The tool results, in order.
    pub fn tool_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.parts().iter().filter_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            _ => None,
        })
    }
}

impl From<ToolResult> for Message {
    fn from(result: ToolResult) -> Self {
        Self::new(Role::Tool, vec![Part::ToolResult(result)])
    }
}

// === impl Part ===

impl Part {
    /// The text, where this is a text part.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The tool call, where this is one.
    #[must_use]
    pub const fn as_tool_call(&self) -> Option<&ToolCall> {
        match self {
            Self::ToolCall(call) => Some(call),
            _ => None,
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Refusal(text) => text.len(),
            Self::ToolCall(call) => call.name().len() + call.arguments().len(),
            Self::ToolResult(result) => result.content().len(),
            _ => 0,
        }
    }
}

impl From<Text> for Part {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Image> for Part {
    fn from(image: Image) -> Self {
        Self::Image(image)
    }
}

impl From<File> for Part {
    fn from(file: File) -> Self {
        Self::File(file)
    }
}

impl From<Reasoning> for Part {
    fn from(reasoning: Reasoning) -> Self {
        Self::Reasoning(reasoning)
    }
}

impl From<ToolCall> for Part {
    fn from(call: ToolCall) -> Self {
        Self::ToolCall(call)
    }
}

impl From<ToolResult> for Part {
    fn from(result: ToolResult) -> Self {
        Self::ToolResult(result)
    }
}

/// The text of `parts`, joined.
pub(crate) fn join_text(parts: &[Part]) -> Cow<'_, str> {
    join(parts.iter().filter_map(Part::as_text))
}

/// `pieces` joined; borrowed where there is at most one.
pub(crate) fn join<'a>(mut pieces: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let Some(first) = pieces.next() else {
        return Cow::Borrowed("");
    };
    pieces.fold(Cow::Borrowed(first), |mut text, piece| {
        text.to_mut().push_str(piece);
        text
    })
}
