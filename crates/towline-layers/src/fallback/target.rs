//! One of several that may answer.

use towline_core::{Capabilities, Metered, Text};

/// A target: a service, and what is known of it.
#[derive(Clone, Debug)]
pub struct Target<S> {
    name: Text,
    pub(super) service: S,
    model: Option<Text>,
    capabilities: Option<Capabilities>,
    window: Option<u64>,
    prefill: bool,
}

// === impl Target ===

impl<S> Target<S> {
    /// `service`, under the name that journeys and errors show.
    #[must_use]
    pub fn new(name: impl Into<Text>, service: S) -> Self {
        Self {
            name: name.into(),
            service,
            model: None,
            capabilities: None,
            window: None,
            prefill: false,
        }
    }

    /// Asks this model, whatever the caller asks for.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Says what it can do. Without this it is taken to do everything.
    #[must_use]
    pub const fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Says how many tokens its model takes in all.
    #[must_use]
    pub const fn with_window(mut self, tokens: u64) -> Self {
        self.window = Some(tokens);
        self
    }

    /// Says that its model goes on with an assistant turn that others began, where that is the end of
    /// the conversation. Default no: several models refuse such a conversation. Only
    /// [`continuation`](super::continuation) asks.
    #[must_use]
    pub const fn with_prefill(mut self, prefill: bool) -> Self {
        self.prefill = prefill;
        self
    }

    /// The name that journeys and errors show.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// How many tokens its model takes in all, where that is known.
    #[must_use]
    pub const fn window(&self) -> Option<u64> {
        self.window
    }

    /// Whether its model goes on with an assistant turn that others began.
    #[must_use]
    pub const fn prefill(&self) -> bool {
        self.prefill
    }

    /// The request for this target.
    pub(super) fn address<Req: Metered>(&self, mut request: Req) -> Req {
        if let Some(model) = &self.model {
            request.set_model(model.clone());
        }
        request
    }

    /// Whether it can answer, as far as is known. Only a count of the caller's own rules a window out:
    /// a rule of thumb may be wrong.
    pub(super) fn can(&self, needs: Capabilities, request: &impl Metered) -> bool {
        let able = self
            .capabilities
            .is_none_or(|able| needs.iter().all(|need| able.has(need)));
        let counted = request.context().token_estimate();
        let fits = match (self.window, counted) {
            (Some(window), Some(tokens)) => {
                tokens.saturating_add(request.estimated_output()) <= window
            }
            _ => true,
        };
        able && fits
    }

    /// Whether its window is larger than `window`, as far as is known.
    pub(super) fn is_larger_than(&self, window: Option<u64>) -> bool {
        match (self.window, window) {
            (Some(own), Some(other)) => own > other,
            // Nobody knows: it costs a call to find out, which may be the answer.
            (None, _) | (_, None) => true,
        }
    }
}
