//! Why an answer ended.

use crate::Text;
use std::fmt;

/// Why the model stopped. A word that no dialect table knows is kept, never an error.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The limit of output tokens, or the context window, cut the answer.
    Length,
    /// The model waits for the results of its tool calls.
    ToolCalls,
    /// The provider's content filter cut the answer.
    ContentFilter,
    /// The model declined.
    Refusal,
    /// The provider paused a long turn; sending the answer back continues it.
    Pause,
    /// A word that is not in the table, as the provider wrote it.
    Other(Text),
}

// === impl FinishReason ===

impl FinishReason {
    /// The canonical name, or the provider's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Other(word) => word,
        }
    }

    /// The reason, corrected by what the answer holds: some providers say `stop` for a turn that
    /// ends in tool calls.
    #[must_use]
    pub fn with_tool_calls(self, has_tool_calls: bool) -> Self {
        match self {
            Self::Stop if has_tool_calls => Self::ToolCalls,
            other => other,
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
