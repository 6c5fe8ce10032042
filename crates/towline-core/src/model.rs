//! Models as a provider lists them.

use crate::Text;

/// A model in a provider's list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModelInfo {
    id: Text,
    owner: Option<Text>,
    context_window: Option<u64>,
}

// === impl ModelInfo ===

impl ModelInfo {
    /// The model `id`.
    #[must_use]
    pub fn new(id: impl Into<Text>) -> Self {
        Self {
            id: id.into(),
            owner: None,
            context_window: None,
        }
    }

    /// Sets who offers it.
    #[must_use]
    pub fn with_owner(mut self, owner: Option<Text>) -> Self {
        self.owner = owner;
        self
    }

    /// Sets its context window in tokens.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: Option<u64>) -> Self {
        self.context_window = tokens;
        self
    }

    /// The name to ask for.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who offers it, by the provider's word.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The context window in tokens, where the list says it.
    #[must_use]
    pub const fn context_window(&self) -> Option<u64> {
        self.context_window
    }
}

/// Whether a model of this name thinks before it answers, whatever it is asked. By the names that
/// vendors give: a name that is not known is taken for one that answers at once.
///
/// Source: the vendors' lists of models, 2026-11.
pub(crate) fn reasons(model: &str) -> bool {
    // Behind a path such as `openai/` or `accounts/fireworks/models/`.
    let name = model.rsplit('/').next().unwrap_or(model).as_bytes();
    let starts = |part: &&str| {
        let start = name.get(..part.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(part.as_bytes()))
    };
    let holds = |part: &&str| {
        let mut windows = name.windows(part.len());
        windows.any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    !ANSWERING.iter().any(holds) && (THINKING.iter().any(starts) || THOUGHTFUL.iter().any(holds))
}

/// How names of models that think begin.
const THINKING: &[&str] = &[
    "o1",
    "o3",
    "o4",
    "gpt-5",
    "gpt-oss",
    "magistral",
    "qwq",
    "grok-4",
];

/// What names of models that think hold.
const THOUGHTFUL: &[&str] = &[
    "reason",
    "thinking",
    "deepseek-r1",
    "gemini-2.5-pro",
    "gemini-3",
];

/// What names of their siblings hold that answer at once.
const ANSWERING: &[&str] = &["-chat", "non-reasoning"];

#[cfg(test)]
mod tests;
