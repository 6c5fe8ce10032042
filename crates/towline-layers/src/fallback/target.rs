//! One of several that may answer.

use crate::budget::Budget;
use std::sync::Arc;
use towline_core::{Capabilities, Metered, Text};

/// A target: a service, and what is known of it.
#[derive(Clone, Debug)]
pub struct Target<S> {
    pub(super) service: S,
    // Shared, so that a clone of the stack costs one count.
    about: Arc<About>,
}

/// What is known of a target.
#[derive(Clone, Debug)]
struct About {
    name: Text,
    model: Option<Text>,
    capabilities: Option<Capabilities>,
    window: Option<u64>,
    prefill: bool,
    budget: Option<Budget>,
}

// === impl Target ===

impl<S> Target<S> {
    /// `service`, under the name that journeys and errors show.
    #[must_use]
    pub fn new(name: impl Into<Text>, service: S) -> Self {
        Self {
            service,
            about: Arc::new(About {
                name: name.into(),
                model: None,
                capabilities: None,
                window: None,
                prefill: false,
                budget: None,
            }),
        }
    }

    /// Asks this model, whatever the caller asks for.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        Arc::make_mut(&mut self.about).model = Some(model.into());
        self
    }

    /// Says what it can do. Without this it is taken to do everything.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        Arc::make_mut(&mut self.about).capabilities = Some(capabilities);
        self
    }

    /// Says how many tokens its model takes in all.
    #[must_use]
    pub fn with_window(mut self, tokens: u64) -> Self {
        Arc::make_mut(&mut self.about).window = Some(tokens);
        self
    }

    /// Says that its model goes on with an assistant turn that others began, where that is the end of
    /// the conversation. Default no: several models refuse such a conversation. Only
    /// [`continuation`](super::continuation) asks.
    #[must_use]
    pub fn with_prefill(mut self, prefill: bool) -> Self {
        Arc::make_mut(&mut self.about).prefill = prefill;
        self
    }

    /// Pays from `budget`, which is that of its retries, where somebody goes on with an answer of it
    /// that broke off. It is theirs to fill. Default none: nothing bounds that. Only
    /// [`continuation`](super::continuation) asks.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        Arc::make_mut(&mut self.about).budget = Some(budget);
        self
    }

    /// The name that journeys and errors show.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.about.name
    }

    /// How many tokens its model takes in all, where that is known.
    #[must_use]
    pub fn window(&self) -> Option<u64> {
        self.about.window
    }

    /// Whether its model goes on with an assistant turn that others began.
    #[must_use]
    pub fn prefill(&self) -> bool {
        self.about.prefill
    }

    pub(super) fn budget(&self) -> Option<&Budget> {
        self.about.budget.as_ref()
    }

    /// The request for this target.
    pub(super) fn address<Req: Metered>(&self, mut request: Req) -> Req {
        if let Some(model) = &self.about.model {
            request.set_model(model.clone());
        }
        request
    }

    /// Whether it can answer, as far as is known. Only a count of the caller's own rules a window out:
    /// a rule of thumb may be wrong.
    pub(super) fn can(&self, needs: Capabilities, request: &impl Metered) -> bool {
        let able = self
            .about
            .capabilities
            .is_none_or(|able| needs.iter().all(|need| able.has(need)));
        let counted = request.context().token_estimate();
        let fits = match (self.about.window, counted) {
            (Some(window), Some(tokens)) => {
                tokens.saturating_add(request.estimated_output()) <= window
            }
            _ => true,
        };
        able && fits
    }

    /// Whether its window is larger than `window`, as far as is known.
    pub(super) fn is_larger_than(&self, window: Option<u64>) -> bool {
        match (self.about.window, window) {
            (Some(own), Some(other)) => own > other,
            // Nobody knows: it costs a call to find out, which may be the answer.
            (None, _) | (_, None) => true,
        }
    }
}
