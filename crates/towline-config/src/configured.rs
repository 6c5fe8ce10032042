//! A provider that somebody configured, complete or not.

use crate::{error::ConfigError, provider::ProviderSettings};

/// One of [`Settings::configured`](crate::Settings::configured).
#[derive(Clone, Debug)]
pub struct Configured {
    name: String,
    outcome: Result<ProviderSettings, ConfigError>,
}

// === impl Configured ===

impl Configured {
    pub(crate) const fn new(name: String, outcome: Result<ProviderSettings, ConfigError>) -> Self {
        Self { name, outcome }
    }

    /// The name of a named provider or vendor; `llm.model` for a selection that is wrong.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The provider. Its model is empty where only the vendor's section is there, which names none.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it or missing.
    pub fn settings(&self) -> Result<&ProviderSettings, ConfigError> {
        self.outcome.as_ref().map_err(Clone::clone)
    }
}
