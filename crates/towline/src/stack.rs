//! The layers around a model call, in their order.
//!
//! A [`Stack`] composes what `towline-layers` has, outer to inner:
//!
//! ```text
//! journey → drain → names → guard → total deadline → fallback →
//!    per target: retry →
//!       per deployment: breaker → slots → attempt clocks → attempt record → provider
//! ```
//!
//! The reasons for the order are in `docs/resilience.md`. [`connect`](crate::connect) makes the stack
//! from settings; a program composes its own here, or with `tower::ServiceBuilder` from the layers
//! themselves.

mod deployment;
mod named;
mod settings;
mod target;

pub use self::deployment::Deployment;
pub(crate) use self::named::Names;

use self::{
    deployment::DeploymentService,
    named::{Named, NamedLayer},
};
use std::{fmt, time::Duration};
use tower_layer::Layer;
use towline_config::stack::StackSettings;
use towline_core::{Request, Text};
use towline_layers::{
    drain::{Drain, DrainLayer, DrainService},
    fallback::{Fallback, Target as FallbackTarget},
    guard::{Guard, GuardLayer, GuardService},
    journey::{JourneyLayer, Root},
    retry::{Retry, RetryLayer},
    timeout::{Total, TotalLayer},
};

/// The layers around one target or several, for a [`Client`](crate::Client).
#[derive(Clone, Debug)]
#[must_use = "a stack does nothing until a client is made of it"]
pub struct Stack {
    first: Deployment,
    others: Vec<Deployment>,
    total: TotalLayer,
    guard: Guard<Request>,
    drain: Duration,
}

/// What answers questions.
pub(crate) type Chat = Root<DrainService<Named<GuardService<Total<Chain>, Request>>>>;

/// What makes vectors.
pub(crate) type Embed = Root<DrainService<Named<Total<Chain>>>>;

/// The targets in their order.
type Chain = Fallback<Retry<DeploymentService>>;

/// A stack that is put together.
#[derive(Clone)]
pub(crate) struct Composed {
    pub(crate) chat: Chat,
    pub(crate) embed: Embed,
    pub(crate) drain: Drain,
}

// === impl Stack ===

impl Stack {
    /// The layers around one deployment: its clocks, the deadline of the caller, and the gate that
    /// [`Client::close`](crate::Client::close) shuts.
    pub fn new(deployment: Deployment) -> Self {
        Self {
            first: deployment,
            others: Vec::new(),
            total: TotalLayer::deadline_only(),
            guard: Guard::new(),
            drain: Duration::from_secs(30),
        }
    }

    /// Asks `deployment` where those before it cannot answer.
    pub fn fallback(mut self, deployment: Deployment) -> Self {
        self.others.push(deployment);
        self
    }

    /// Bounds each call as a whole. Default: by the deadline in its context alone.
    pub const fn total(mut self, total: TotalLayer) -> Self {
        self.total = total;
        self
    }

    /// Checks prompts by these rules. Default: none.
    pub fn guard(mut self, rules: Guard<Request>) -> Self {
        self.guard = rules;
        self
    }

    /// How long closing waits for what is under way, before it ends it. Default 30 seconds.
    pub const fn drain_timeout(mut self, patience: Duration) -> Self {
        self.drain = patience;
        self
    }

    /// What the settings say, around `first`.
    pub(crate) fn of_settings(settings: &StackSettings, first: Deployment) -> Self {
        Self::new(first)
            .total(settings::total(settings.timeout()))
            .guard(settings::guard(settings.guard()))
            .drain_timeout(settings.drain_timeout())
    }

    /// How long an exchange that is no model call may take.
    pub(crate) const fn exchange(&self) -> Duration {
        self.first.exchange
    }

    /// The name of the first deployment.
    pub(crate) fn name(&self) -> Text {
        self.first.name.clone()
    }

    pub(crate) const fn patience(&self) -> Duration {
        self.drain
    }

    /// Puts the layers together. Errors that name no provider get `provider`.
    pub(crate) fn compose(&self, provider: &Text) -> Composed {
        let first = match self.others.is_empty() {
            true => target(&self.first.clone().alone()),
            false => target(&self.first),
        };
        let chain = self
            .others
            .iter()
            .map(target)
            .fold(Fallback::new(first), Fallback::then);
        let bounded = self.total.layer(chain);
        let drain = Drain::new();
        let (gate, named) = (DrainLayer::new(&drain), NamedLayer::new(provider.clone()));
        let guarded = GuardLayer::new(self.guard.clone()).layer(bounded.clone());
        let journey = JourneyLayer::new();
        Composed {
            chat: journey.layer(gate.layer(named.layer(guarded))),
            embed: journey.layer(gate.layer(named.layer(bounded))),
            drain,
        }
    }
}

fn target(deployment: &Deployment) -> FallbackTarget<Retry<DeploymentService>> {
    let tried = RetryLayer::new(deployment.retry.clone()).layer(deployment.service());
    let mut target = FallbackTarget::new(deployment.name.clone(), tried);
    if let Some(model) = &deployment.model {
        target = target.with_model(model.clone());
    }
    if let Some(capabilities) = deployment.capabilities {
        target = target.with_capabilities(capabilities);
    }
    match deployment.window {
        Some(window) => target.with_window(window),
        None => target,
    }
}

// === impl Composed ===

impl fmt::Debug for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Composed").finish_non_exhaustive()
    }
}
