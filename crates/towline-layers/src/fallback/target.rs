//! One of several that may answer.

use crate::budget::Budget;
use std::sync::Arc;
use towline_core::{Capabilities, ErrorKind, Metered, Text};

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
    /// The model that has this window, where the caller may ask for another.
    window_of: Option<Text>,
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
                window_of: None,
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

    /// Says that its window is that of `model`. Where the caller asks for another model, and the target
    /// has none of its own, the window is not known. Default: it is that of every model.
    #[must_use]
    pub fn with_window_of(mut self, model: impl Into<Text>) -> Self {
        Arc::make_mut(&mut self.about).window_of = Some(model.into());
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

    /// What keeps it from answering, as far as is known. Only a count of the caller's own rules a
    /// window out: a rule of thumb may be wrong.
    pub(super) fn lacks(&self, needs: Capabilities, request: &impl Metered) -> Option<ErrorKind> {
        let able = self.about.capabilities;
        if able.is_some_and(|able| needs.iter().any(|need| !able.has(need))) {
            return Some(ErrorKind::Unsupported);
        }
        let tokens = request.context().token_estimate()?;
        let tokens = tokens.saturating_add(request.estimated_output());
        let window = self.window_for(request)?;
        (tokens > window).then_some(ErrorKind::ContextLength)
    }

    /// How many tokens the model takes that is asked for, where that is known.
    pub(super) fn window_for(&self, request: &impl Metered) -> Option<u64> {
        let asked = self
            .about
            .model
            .as_ref()
            .unwrap_or_else(|| request.model_text());
        let is_its = self.about.window_of.as_ref().is_none_or(|of| of == asked);
        self.about.window.filter(|_| is_its)
    }

    /// Whether its window is larger than `window`, or may be: where nobody knows it costs a call to find
    /// out, which may be the answer.
    pub(super) fn has_more_than(&self, window: Option<u64>, request: &impl Metered) -> bool {
        let both = self.window_for(request).zip(window);
        both.is_none_or(|(own, other)| own > other)
    }

    /// Whether its window is known to be smaller than `window`.
    pub(super) fn has_less_than(&self, window: Option<u64>, request: &impl Metered) -> bool {
        let both = self.window_for(request).zip(window);
        both.is_some_and(|(own, other)| own < other)
    }
}
