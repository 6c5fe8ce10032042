//! One place where a model is served, with what is its own.

use super::{
    named::{Named, NamedLayer},
    target::TargetService,
};
use crate::provider::Target;
use std::{sync::Arc, time::Duration};
use tower_layer::Layer;
use towline_config::ProviderSettings;
use towline_core::{Capabilities, Text};
use towline_layers::{
    journey::{self, AttemptLayer as RecordLayer},
    timeout::{self, AttemptLayer, Clocks},
};

/// One place where a model is served: a target, its name and its layers. Several of them behind one
/// another, or side by side, make a [`Stack`](super::Stack).
#[derive(Clone, Debug)]
#[must_use = "a deployment does nothing outside a stack"]
pub struct Deployment {
    pub(super) target: Arc<dyn Target>,
    pub(super) name: Text,
    pub(super) model: Option<Text>,
    pub(super) clocks: Clocks,
    pub(super) capabilities: Option<Capabilities>,
    pub(super) window: Option<u64>,
    /// How long an exchange that is no model call may take.
    pub(super) exchange: Duration,
}

/// A deployment with its layers, from the outermost to the innermost.
pub(super) type DeploymentService = Named<timeout::Attempt<journey::Attempt<TargetService>>>;

// === impl Deployment ===

impl Deployment {
    /// The deployment `name`, which `target` answers for. It has the default clocks and nothing else.
    pub fn new(name: impl Into<Text>, target: impl Target + 'static) -> Self {
        Self::of_target(name.into(), Arc::new(target))
    }

    pub(crate) fn of_target(name: Text, target: Arc<dyn Target>) -> Self {
        let capabilities = target.capabilities();
        Self {
            target,
            name,
            model: None,
            clocks: Clocks::default(),
            capabilities,
            window: None,
            exchange: Duration::from_secs(5 * 60),
        }
    }

    /// What the settings of a provider say.
    pub(crate) fn of_settings(settings: &ProviderSettings, target: Arc<dyn Target>) -> Self {
        let mut deployment = Self::of_target(settings.name().into(), target);
        deployment.clocks = super::settings::clocks(settings);
        deployment.window = settings.context_window();
        deployment.exchange = settings.timeouts().request();
        deployment
    }

    /// Asks this model, whatever the caller asks for. Default: what the caller asks for.
    pub fn model(mut self, model: impl Into<Text>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// How long an attempt may take. Default: [`Clocks::default`].
    pub const fn clocks(mut self, clocks: Clocks) -> Self {
        self.clocks = clocks;
        self
    }

    /// How many tokens the model takes in all, by which a request that is too long is sent elsewhere.
    pub const fn window(mut self, tokens: u64) -> Self {
        self.window = Some(tokens);
        self
    }

    /// The target within its layers.
    pub(super) fn service(&self) -> DeploymentService {
        let recorded =
            RecordLayer::new(self.name.clone()).layer(TargetService::new(Arc::clone(&self.target)));
        let bounded = AttemptLayer::new(self.clocks).layer(recorded);
        NamedLayer::new(self.name.clone()).layer(bounded)
    }
}
