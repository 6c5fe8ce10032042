//! The stack of the facade, in its order and asked as it is, put together here so that its counters can be
//! read.

use crate::weather::Weather;
use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceBuilder};
use towline::{
    core::{Error, Request, Response, Secret},
    layers::{
        adaptive::Adaptive,
        ask::Cloning,
        balance::{Balance, Deployment},
        breaker::{Breaker, BreakerConfig, BreakerLayer},
        budget::Budget,
        coalesce::CoalesceLayer,
        concurrency::{ConcurrencyHandle, ConcurrencyLayer},
        drain::{Drain, DrainLayer},
        erased::Erased,
        fallback::{Fallback, Target, continuation::ContinueLayer},
        guard::{Guard, GuardLayer},
        hedge::{HedgeLayer, HedgePolicy},
        journey::{self, JourneyLayer},
        limit::{
            Charge, Dimension, LimitConfig, LimitHandle, LimitKey, LimitLayer, Quota, Quotas, Rules,
        },
        retry::{RetryLayer, RetryPolicy},
        timeout::{self, Clocks, TotalLayer},
    },
};
use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_openai::{OpenAi, OpenAiConfig};
use towline_transport::Channel;

pub(crate) type Model = Erased<Request, Response>;

/// A stack, and what tells whether its layers let go of everything.
pub(crate) struct Soaked {
    pub(crate) model: Model,
    drain: Drain,
    limits: Vec<LimitHandle>,
    slots: Vec<ConcurrencyHandle>,
    breakers: Vec<Breaker>,
    channels: Vec<Channel>,
}

/// The handles while the stack is put together.
#[derive(Default)]
struct Handles {
    limits: Vec<LimitHandle>,
    slots: Vec<ConcurrencyHandle>,
    breakers: Vec<Breaker>,
    channels: Vec<Channel>,
}

// === impl Soaked ===

impl Soaked {
    pub(crate) fn new(weather: &Weather) -> Result<Self, Error> {
        let mut handles = Handles::default();
        let budget = Budget::new(200_000, 100_000);
        let east = openai(handles.channel(weather.origin('e') + "/v1")?)?;
        let west = openai(handles.channel(weather.origin('w') + "/v1")?)?;
        let claude = anthropic(handles.channel(weather.origin('a'))?)?;
        let pair = Balance::new(handles.deployment("east", east)?)
            .and(handles.deployment("west", west)?)
            .with_sticky(false);
        let hedge = HedgePolicy::default()
            .with_delay(Duration::from_millis(600))
            .with_max_extra(100_000, 100_000)
            .with_budget(budget.clone());
        let pair = HedgeLayer::new(hedge).layer(Model::of(pair));
        let pair = Model::of(retry(budget).layer(Cloning::new(pair)));
        let other = Balance::new(handles.deployment("claude", claude)?);
        let other = Model::of(retry(Budget::new(200_000, 100_000)).layer(other));
        let targets = [
            Target::new("pair", pair),
            Target::new("claude", other).with_model("sim-claude"),
        ];
        let [first, second] = targets.clone();
        let chain = ContinueLayer::new(targets).layer(Fallback::new(first).then(second));
        let shared = CoalesceLayer::new().layer(handles.tenants().layer(chain));
        let drain = Drain::new();
        let stack = ServiceBuilder::new()
            .layer(JourneyLayer::new())
            .layer(DrainLayer::new(&drain))
            .layer(GuardLayer::new(Guard::new().with_max_bytes(10_000)))
            .layer(TotalLayer::new(Duration::from_secs(15)))
            .service(Cloning::new(shared));
        Ok(Self {
            model: Model::of(stack),
            drain,
            limits: handles.limits,
            slots: handles.slots,
            breakers: handles.breakers,
            channels: handles.channels,
        })
    }

    /// What is taken now.
    pub(crate) fn state(&self) -> String {
        let sum = |counts: &mut dyn Iterator<Item = usize>| counts.sum::<usize>();
        let in_use = sum(&mut self.limits.iter().map(LimitHandle::in_use));
        let waiting = sum(&mut self.limits.iter().map(LimitHandle::waiting));
        let flying = sum(&mut self.slots.iter().map(ConcurrencyHandle::in_flight));
        let queued = sum(&mut self.slots.iter().map(ConcurrencyHandle::waiting));
        let inside = self.drain.inside();
        let states: Vec<String> = self
            .breakers
            .iter()
            .map(|b| format!("{:?}", b.state()))
            .collect();
        format!(
            "limits {in_use} in use, {waiting} waiting; slots {flying} in use, {queued} waiting; \
             {inside} inside; breakers {}",
            states.join(" ")
        )
    }

    /// Waits until all is quiet, and tells what is still taken. No provider and no connection is left then.
    pub(crate) async fn faults_at_rest(&self, weather: &Weather) -> Vec<String> {
        let mut faults = until_none(|| self.faults(weather)).await;
        weather.close().await;
        faults.extend(until_none(|| self.connections()).await);
        faults
    }

    /// Connections that nobody closed, though their server is gone.
    fn connections(&self) -> Vec<String> {
        let stats = self.channels.iter().map(Channel::stats);
        let left = stats.filter(|stats| stats.idle + stats.in_use > 0);
        left.map(|stats| format!("connections are left: {stats:?}"))
            .collect()
    }

    /// Shuts the gate, and tells what it had to end.
    pub(crate) async fn fault_of_gate(&self) -> Option<String> {
        let cut = self.drain.run(Duration::from_secs(20)).await.cut();
        (cut > 0).then(|| format!("{cut} calls had to be ended"))
    }

    fn faults(&self, weather: &Weather) -> Vec<String> {
        let limits = self.limits.iter().flat_map(|handle| {
            [
                ("slots of a limit", handle.in_use()),
                ("waiters of a limit", handle.waiting()),
            ]
        });
        let slots = self.slots.iter().flat_map(|handle| {
            [
                ("adaptive slots", handle.in_flight()),
                ("waiters for adaptive slots", handle.waiting()),
            ]
        });
        let live = usize::try_from(weather.live()).unwrap_or(usize::MAX);
        let gate = [
            ("calls inside the gate", self.drain.inside()),
            ("requests at the providers", live),
        ];
        let counts = limits.chain(slots).chain(gate);
        let left = counts.filter(|(_, count)| *count > 0);
        left.map(|(what, count)| format!("{count} {what} are left"))
            .collect()
    }
}

/// Faults that are still there after ten seconds.
pub(crate) async fn until_none(mut faults: impl FnMut() -> Vec<String>) -> Vec<String> {
    for _ in 0..100 {
        if faults().is_empty() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    faults()
}

// === impl Handles ===

impl Handles {
    /// A pool of connections, whose numbers can be read.
    fn channel(&mut self, base_url: String) -> Result<Channel, Error> {
        let channel = Channel::builder(base_url).build()?;
        self.channels.push(channel.clone());
        Ok(channel)
    }

    /// One deployment with all that is its own.
    fn deployment<S>(&mut self, name: &'static str, provider: S) -> Result<Deployment<Model>, Error>
    where
        S: Service<Request, Response = Response, Error = Error, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        let config = BreakerConfig::new()
            .with_failures(NonZeroU32::new(20))
            .with_cooldown(Duration::from_millis(500), Duration::from_secs(3));
        let breaker = Breaker::new(name, config);
        let adaptive = Adaptive::builder().min(150).initial(150).max(400).build()?;
        let slots = ConcurrencyLayer::adaptive(adaptive);
        let quotas = [
            (Dimension::Requests, 30_000),
            (Dimension::Tokens, 8_000_000),
        ];
        let quotas = quotas.into_iter().fold(
            Quotas::unlimited().with_slots(220),
            |quotas, (dimension, amount)| {
                let amount = NonZeroU64::new(amount).unwrap_or(NonZeroU64::MIN);
                let burst = NonZeroU64::new(amount.get() / 60).unwrap_or(NonZeroU64::MIN);
                quotas.with(dimension, Quota::per_minute(amount).with_burst(burst))
            },
        );
        let config = LimitConfig::new(name)
            .with_key(LimitKey::Model)
            .with_charge(Charge::openai());
        let limit = LimitLayer::new(config, Rules::new(quotas));
        self.limits.push(limit.handle());
        self.slots.push(slots.handle());
        self.breakers.push(breaker.clone());
        let clocks = Clocks::default()
            .with_first_token(Duration::from_secs(2))
            .with_whole(Duration::from_secs(8))
            .with_idle(Duration::from_secs(2));
        let service = ServiceBuilder::new()
            .layer(BreakerLayer::new(&breaker))
            .layer(slots)
            .layer(limit)
            .layer(journey::AttemptLayer::new(name))
            .layer(timeout::AttemptLayer::new(clocks))
            .service(Cloning::new(provider));
        Ok(Deployment::new(name, Model::of(service)).with_health(breaker.health()))
    }

    /// Ten tenants share a hundred calls a second each.
    fn tenants(&mut self) -> LimitLayer {
        let config = LimitConfig::new("tenant")
            .with_key(LimitKey::Tenant)
            .with_learn(false);
        let amount = NonZeroU64::new(6000).unwrap_or(NonZeroU64::MIN);
        let quotas = Quotas::unlimited().with(Dimension::Requests, Quota::per_minute(amount));
        let layer = LimitLayer::new(config, Rules::new(quotas));
        self.limits.push(layer.handle());
        layer
    }
}

fn retry(budget: Budget) -> RetryLayer {
    let policy = RetryPolicy::default()
        .with_base_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_millis(500))
        .with_hint_cap(Duration::from_secs(2))
        .with_budget(budget);
    RetryLayer::new(policy)
}

fn openai(channel: Channel) -> Result<OpenAi<Channel>, Error> {
    let url = format!("{}{}", channel.origin(), channel.base_path());
    let config = OpenAiConfig::builder(url).api_key(Secret::from("sk-soak"));
    Ok(OpenAi::new(config.build()?, channel))
}

fn anthropic(channel: Channel) -> Result<Anthropic<Channel>, Error> {
    let config = AnthropicConfig::builder(channel.origin()).api_key(Secret::from("sk-soak"));
    Ok(Anthropic::new(config.build()?, channel))
}
