//! Whom an error names.

use towline_core::{Error, Text};

/// A provider and a model, for errors that do not name them. Either may be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) provider: Text,
    pub(crate) model: Text,
}

// === impl Names ===

impl Names {
    /// The same provider with another model.
    pub(crate) fn of_model(&self, model: &Text) -> Self {
        Self {
            provider: self.provider.clone(),
            model: model.clone(),
        }
    }

    /// Adds the names that an error lacks.
    pub(crate) fn sign(&self, error: Error) -> Error {
        let error = match error.provider() {
            None if !self.provider.is_empty() => error.with_provider(self.provider.to_string()),
            _ => error,
        };
        match error.model() {
            None if !self.model.is_empty() => error.with_model(self.model.to_string()),
            _ => error,
        }
    }
}
