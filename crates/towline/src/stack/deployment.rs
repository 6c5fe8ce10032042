//! One place where a model is served, with what is its own.

use super::{
    named::{Named, NamedLayer},
    target::TargetService,
};
use crate::{budget::window_by_name, provider::Target};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tower_layer::Layer;
use towline_config::ProviderSettings;
use towline_core::{Capabilities, Prices, Text};
use towline_layers::{
    breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerService},
    concurrency::{Concurrency, ConcurrencyLayer},
    journey::{self, AttemptLayer as RecordLayer},
    limit::{Limit, LimitConfig, LimitLayer, Quotas, Rules},
    retry::RetryPolicy,
    timeout::{self, AttemptLayer, Clocks},
};

/// One place where a model is served: a target, its name and its layers. Several of them behind one
/// another, or side by side, make a [`Stack`](super::Stack).
#[derive(Clone)]
#[must_use = "a deployment does nothing outside a stack"]
pub struct Deployment {
    /// What tells it from the others of its stack.
    pub(super) name: Text,
    /// Whose it is, for errors and records.
    pub(super) provider: Text,
    pub(super) model: Option<Text>,
    pub(super) weight: NonZeroU32,
    pub(super) clocks: Clocks,
    pub(super) retry: RetryPolicy,
    pub(super) breaker: Breaker,
    /// Whether the breaker is the caller's, who may watch it.
    handed: bool,
    pub(super) concurrency: ConcurrencyLayer,
    pub(super) limit: LimitLayer,
    pub(super) capabilities: Option<Capabilities>,
    pub(super) window: Option<u64>,
    /// The model whose window it is, where not that of every model.
    pub(super) window_of: Option<Text>,
    /// How long an exchange that is no model call may take.
    pub(super) exchange: Duration,
    pub(super) record: RecordLayer,
    pub(super) target: Arc<dyn Target>,
}

/// The deployments of one client. One that stands in two lists is one all the same: its calls are
/// counted together, and its breaker is one. All models of a provider share a limit layer, which counts
/// each model by itself, whatever list asks for it.
#[derive(Debug, Default)]
pub(crate) struct Deployments {
    /// Calls that waited longer for admission are shed.
    age: Option<Duration>,
    made: Vec<(ProviderSettings, Deployment)>,
}

/// A deployment with its layers, from the outermost to the innermost. All of them are always there: a
/// layer that is off passes through.
pub(super) type Layered = Named<BreakerService<Concurrency<Limit<Recorded>>>>;

/// One attempt with its line in the record and its clocks. The record is outside, so that it tells which
/// attempts a clock ended.
type Recorded = journey::Attempt<timeout::Attempt<TargetService>>;

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
            breaker: Breaker::new(name.clone(), never()),
            record: RecordLayer::new(name.clone()),
            provider: name.clone(),
            name: name.clone(),
            handed: false,
            model: None,
            weight: NonZeroU32::MIN,
            clocks: Clocks::default(),
            retry: RetryPolicy::none(),
            concurrency: ConcurrencyLayer::unlimited(),
            limit: unlimited(name),
            capabilities,
            window: None,
            window_of: None,
            exchange: Duration::from_secs(5 * 60),
        }
    }

    /// What the settings of a provider say. Calls that waited longer than `age` for admission are shed.
    pub(crate) fn of_settings(
        settings: &ProviderSettings,
        target: Arc<dyn Target>,
        age: Option<Duration>,
    ) -> Self {
        let mut deployment = Self::of_target(Text::interned(settings.name()), target);
        deployment.clocks = super::settings::clocks(settings);
        deployment.weight = settings.weight();
        deployment.retry = super::settings::retry(settings.retry());
        if let Some(breaker) = super::settings::breaker(settings) {
            deployment.breaker = breaker;
        }
        deployment.limit = super::settings::limit(settings, age);
        if let Some(slots) = super::settings::adaptive(settings, age) {
            deployment.concurrency = slots;
        }
        deployment.window = settings.context_window();
        if deployment.window.is_none() {
            deployment.window = window_by_name(settings.vendor().as_str(), known_as(settings));
            deployment.window_of = Some(settings.model().into());
        }
        deployment.exchange = settings.timeouts().request();
        let prices = settings.prices().iter();
        prices.fold(deployment, |deployment, (model, prices)| {
            deployment.prices(model.as_str(), *prices)
        })
    }

    /// Adds `model` to its name, where another of the same provider stands in the stack.
    pub(crate) fn told_apart(mut self, model: &str) -> Self {
        self.name = format!("{}/{model}", self.provider).into();
        self.breaker = Breaker::new(self.name.clone(), *self.breaker.config());
        self
    }

    /// Asks this model, whatever the caller asks for. Default: what the caller asks for.
    pub fn model(mut self, model: impl Into<Text>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Its share of the calls, among deployments that stand side by side. Default 1.
    pub const fn weight(mut self, weight: NonZeroU32) -> Self {
        self.weight = weight;
        self
    }

    /// How long an attempt may take. Default: [`Clocks::default`].
    pub const fn clocks(mut self, clocks: Clocks) -> Self {
        self.clocks = clocks;
        self
    }

    /// What `model`, as it is asked for here, costs: the record of a call has it
    /// ([`Journey::cost`](towline_core::Journey::cost)). Default: not known.
    pub fn prices(mut self, model: impl Into<String>, prices: Prices) -> Self {
        self.record = self.record.with_prices(model, prices);
        self
    }

    /// How often and when a failed attempt is made again. Default: never.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Leaves the deployment alone while it fails. Default: no breaker. Its state can be read from the
    /// [`Breaker`], of which this keeps a clone.
    pub fn breaker(mut self, breaker: &Breaker) -> Self {
        self.breaker = breaker.clone();
        self.handed = true;
        self
    }

    /// Admits by requests and tokens per minute, and by slots. Default: no limit, also not those that
    /// a provider tells: behind the target may be a stack of its own, which knows better.
    pub fn limit(mut self, layer: LimitLayer) -> Self {
        self.limit = layer;
        self
    }

    /// Bounds the calls under way where the bound is to be found out; a fixed one is better among the
    /// slots of the limit. Default: as many as there are.
    pub fn concurrency(mut self, layer: ConcurrencyLayer) -> Self {
        self.concurrency = layer;
        self
    }

    /// There is nobody else to ask: a breaker that is open lets some calls through, and rate limits do not
    /// open it, since the limit holds the calls back for as long as the provider says.
    pub(super) fn alone(mut self) -> Self {
        // The breaker of a caller stays as it is: whoever holds it wants to see what it does.
        if self.handed || self.breaker.config().single() {
            return self;
        }
        let config = self.breaker.config().with_single(true);
        let config = config.with_rate_limits(None);
        self.breaker = Breaker::new(self.breaker.name().clone(), config);
        self
    }

    /// Another target can be asked after this one, which has so many deployments: each may time out once,
    /// and to wait again for one that was silent would take the time of the other target.
    pub(super) fn make_way(&mut self, deployments: usize) {
        let most = u32::try_from(deployments).unwrap_or(u32::MAX);
        let most = most.min(self.retry.max_timeouts());
        self.retry = self.retry.clone().with_max_timeouts(most);
    }

    /// How many tokens the model takes in all, by which a request that is too long is sent elsewhere.
    /// Default: not known.
    pub const fn window(mut self, tokens: u64) -> Self {
        self.window = Some(tokens);
        self
    }

    /// The target within its layers.
    pub(super) fn service(&self) -> Layered {
        let target = TargetService::new(Arc::clone(&self.target));
        let bounded = AttemptLayer::new(self.clocks).layer(target);
        let recorded = self.record.layer(bounded);
        let admitted = self.concurrency.layer(self.limit.layer(recorded));
        let guarded = BreakerLayer::new(&self.breaker).layer(admitted);
        NamedLayer::new(self.provider.clone())
            .deployment(self.name.clone())
            .layer(guarded)
    }
}

// === impl Deployments ===

impl Deployments {
    pub(crate) const fn new(age: Option<Duration>) -> Self {
        Self {
            age,
            made: Vec::new(),
        }
    }

    /// The deployment of this provider and model, if it was made before.
    pub(crate) fn get(&self, settings: &ProviderSettings) -> Option<Deployment> {
        let mut made = self.made.iter();
        let made = made.find(|(known, _)| known.is_same_target(settings));
        made.map(|(_, deployment)| deployment.clone())
    }

    /// Makes the deployment of `target`. Where `twice`, others of the provider stand in the stack.
    pub(crate) fn add(
        &mut self,
        settings: &ProviderSettings,
        target: Arc<dyn Target>,
        twice: bool,
    ) -> Deployment {
        let mut deployment = Deployment::of_settings(settings, target, self.age);
        if twice {
            deployment = deployment.told_apart(settings.model());
        }
        let mut made = self.made.iter();
        if let Some((_, other)) = made.find(|(known, _)| known.is_same_provider(settings)) {
            deployment.limit = other.limit.clone();
        }
        self.made.push((settings.clone(), deployment.clone()));
        deployment
    }
}

/// The model by its own name. The name of a deployment of Azure is free.
fn known_as(settings: &ProviderSettings) -> &str {
    match settings.base_model() {
        Some(model) => model,
        None if settings.vendor().as_str() == "azure" => "",
        None => settings.model(),
    }
}

/// A limit that lets every call through.
fn unlimited(name: Text) -> LimitLayer {
    let config = LimitConfig::new(name).with_learn(false);
    LimitLayer::new(config, Rules::new(Quotas::unlimited()))
}

/// A breaker that never opens.
const fn never() -> BreakerConfig {
    BreakerConfig::new()
        .with_failures(None)
        .with_ratio(0, NonZeroU32::MIN)
        .with_rate_limits(None)
}
