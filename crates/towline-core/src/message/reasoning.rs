//! The model's reasoning, with what a provider needs to take it back.

use crate::Text;

/// A stretch of the model's reasoning.
///
/// Providers sign or encrypt it and refuse a turn whose reasoning comes back changed; so it is kept
/// whole, with the name of the provider that made it: another one must not be sent it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reasoning {
    text: Text,
    provider: Option<Text>,
    id: Option<Text>,
    signature: Option<Text>,
    encrypted: Option<Text>,
}

// === impl Reasoning ===

impl Reasoning {
    /// Reasoning that can be read.
    #[must_use]
    pub fn new(text: impl Into<Text>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Names the dialect that made it, such as `deepseek`.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Text>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Adds the provider's id of the item.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Text>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds the provider's signature over the text.
    #[must_use]
    pub fn with_signature(mut self, signature: impl Into<Text>) -> Self {
        self.signature = Some(signature.into());
        self
    }

    /// Adds the form that only the provider can read.
    #[must_use]
    pub fn with_encrypted(mut self, data: impl Into<Text>) -> Self {
        self.encrypted = Some(data.into());
        self
    }

    /// Appends to the text.
    #[must_use]
    pub fn with_more_text(mut self, more: &str) -> Self {
        let mut text = String::with_capacity(self.text.len() + more.len());
        text.push_str(&self.text);
        text.push_str(more);
        self.text = text.into();
        self
    }

    /// What can be read. Empty where the provider hides it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The dialect that made it.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The provider's id of the item.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The provider's signature over the text.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The form that only the provider can read.
    #[must_use]
    pub fn encrypted(&self) -> Option<&str> {
        self.encrypted.as_deref()
    }
}
