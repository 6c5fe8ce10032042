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
