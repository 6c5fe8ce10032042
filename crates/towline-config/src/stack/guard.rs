//! What may not be sent.

use std::num::NonZeroU64;

/// Bounds on prompts, checked before anything is sent, `guard.*`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GuardSettings {
    pub(crate) max_prompt_bytes: Option<NonZeroU64>,
    pub(crate) forbidden: Vec<String>,
}

// === impl GuardSettings ===

impl GuardSettings {
    /// The most bytes of UTF-8 text in the messages of one call. None: unlimited.
    #[must_use]
    pub const fn max_prompt_bytes(&self) -> Option<NonZeroU64> {
        self.max_prompt_bytes
    }

    /// Phrases that no prompt may hold, as they were written. None is blank.
    #[must_use]
    pub fn forbidden(&self) -> &[String] {
        &self.forbidden
    }
}
