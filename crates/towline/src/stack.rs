//! The layers around a model call, in their order.
//!
//! A [`Stack`] composes what `towline-layers` has, outer to inner:
//!
//! ```text
//! journey → names → drain → guard → total deadline → coalesce → tenant limit → fallback →
//!    per target: retry → hedge → balance →
//!       per deployment: breaker → slots → limit → attempt record → attempt clocks → provider
//! ```
//!
//! One deployment is asked without fallback and balance, which have nothing to do there.
//!
//! The reasons for the order are in `docs/resilience.md`. [`connect`](crate::connect) makes the stack
//! from settings; a program composes its own here, or with `tower::ServiceBuilder` from the layers
//! themselves.

mod admission;
mod deployment;
mod named;
mod settings;
mod shown;
mod target;

pub use self::deployment::Deployment;
pub(crate) use self::{deployment::Deployments, named::Names};

use self::{
    admission::Admission,
    deployment::Layered,
    named::{Named, NamedLayer},
};
use crate::{ClientBuilder, provider::Target};
use std::{fmt, sync::Arc, time::Duration};
use tower_layer::Layer;
use towline_config::{ProviderSettings, stack::StackSettings};
use towline_core::{
    Answer, Capabilities, EmbeddingRequest, EmbeddingResponse, Metered, Request, Response, Text,
};
use towline_layers::{
    ask::{Ask, Cloning},
    balance::{self, Balance},
    coalesce::CoalesceLayer,
    drain::{Drain, DrainLayer, DrainService},
    erased::Erased,
    fallback::{Fallback, Target as FallbackTarget, continuation::ContinueLayer},
    guard::{Guard, GuardLayer, GuardService},
    hedge::{HedgeLayer, HedgePolicy},
    journey::{JourneyLayer, Root},
    limit::{LimitConfig, LimitLayer, Quotas, Rules},
    retry::{Retry, RetryLayer},
    timeout::{Clocks, Total, TotalLayer},
};

/// The layers around one target or several, for a [`Client`](crate::Client). `Debug` shows them in their
/// order.
#[derive(Clone)]
#[must_use = "a stack does nothing until a client is made of it"]
pub struct Stack {
    drain: Duration,
    guard: Guard<Request>,
    total: TotalLayer,
    tenants: LimitLayer,
    coalesce: CoalesceLayer,
    continues: bool,
    filtered: bool,
    hedge: HedgePolicy,
    sticky: bool,
    first: Deployment,
    beside: Vec<Deployment>,
    others: Vec<Deployment>,
}

/// A stack that is put together.
#[derive(Clone)]
pub(crate) struct Composed {
    /// What answers questions.
    pub(crate) chat: Enclosed<GuardService<Total<Admission<Request, Response>>, Request>>,
    /// What makes vectors.
    pub(crate) embed: Enclosed<Total<Admission<EmbeddingRequest, EmbeddingResponse>>>,
    pub(crate) drain: Drain,
}

/// What is outside of everything, around `S`.
type Enclosed<S> = Root<Named<DrainService<S>>>;

// === impl Stack ===

impl Stack {
    /// The layers around one deployment: its clocks, the deadline of the caller, and the gate that
    /// [`Client::close`](crate::Client::close) shuts.
    pub fn new(deployment: Deployment) -> Self {
        let tenants = LimitConfig::new("tenant").with_learn(false);
        Self {
            drain: Duration::from_secs(30),
            guard: Guard::new(),
            total: TotalLayer::deadline_only(),
            tenants: LimitLayer::new(tenants, Rules::new(Quotas::unlimited())),
            coalesce: CoalesceLayer::off(),
            continues: false,
            filtered: false,
            hedge: HedgePolicy::never(),
            sticky: false,
            first: deployment,
            beside: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Asks `deployment` where those before it cannot answer.
    pub fn fallback(mut self, deployment: Deployment) -> Self {
        self.others.push(deployment);
        self
    }

    /// Spreads the calls of the first deployment over `deployment` too. The retries are those of the
    /// first.
    pub fn beside(mut self, deployment: Deployment) -> Self {
        self.beside.push(deployment);
        self
    }

    /// Whether calls that begin alike go to one deployment of those that stand side by side, whose
    /// prompt cache knows the beginning. Default no.
    pub const fn sticky(mut self, sticky: bool) -> Self {
        self.sticky = sticky;
        self
    }

    /// Makes one call of equal calls that one tenant makes at one time. Default: never.
    pub const fn coalesce(mut self, layer: CoalesceLayer) -> Self {
        self.coalesce = layer;
        self
    }

    /// Whether a streamed answer that breaks off is continued by the next target, behind an
    /// [`Event::Seam`](towline_core::Event::Seam). Default no: the reader gets the error.
    pub const fn continues(mut self, continues: bool) -> Self {
        self.continues = continues;
        self
    }

    /// Whether the next target is asked too where the content filter of one refused the call. Default
    /// no: whether a refusal may be shopped around is for the application to say.
    pub const fn filtered(mut self, filtered: bool) -> Self {
        self.filtered = filtered;
        self
    }

    /// Asks a second deployment where the first is slow to begin. Default: never.
    pub fn hedge(mut self, policy: HedgePolicy) -> Self {
        self.hedge = policy;
        self
    }

    /// Admits the calls of each tenant, before any target is asked. Default: without limit.
    pub fn tenants(mut self, limit: LimitLayer) -> Self {
        self.tenants = limit;
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

    /// Settings of a client whose calls go through these layers. Its errors, and what is known of its
    /// model by name, go by the name of the first deployment.
    ///
    /// # Examples
    ///
    /// ```
    /// use towline::{Deployment, ServiceTarget, Stack, layers::retry::RetryPolicy};
    /// # use towline_core::{Body, Completion, Error, ErrorKind, FinishReason, Head, Part, Request, Response};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Error> {
    /// # let down = tower::service_fn(|_: Request| async { Err::<Response, _>(Error::new(ErrorKind::Server)) });
    /// # let up = tower::service_fn(|request: Request| async move {
    /// #     let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
    /// #     Ok::<_, Error>(Response::new(Head::new("second", request.model()), body))
    /// # });
    /// // `down` and `up` are tower services that answer a `Request` with a `Response`.
    /// let first = Deployment::new("first", ServiceTarget::new(down)).retry(RetryPolicy::default());
    /// let second = Deployment::new("second", ServiceTarget::new(up)).model("gpt-4o-mini");
    /// let client = Stack::new(first).fallback(second).client().model("gpt-4o").build();
    /// assert_eq!(client.complete("Hello?").await?.text(), "Hi.");
    /// # Ok(())
    /// # }
    /// ```
    pub fn client(self) -> ClientBuilder {
        let target = Arc::clone(&self.first.target);
        let name = self.name();
        ClientBuilder::new(target).provider(name).stack(self)
    }

    /// What the settings say, around `first`.
    pub(crate) fn of_settings(
        settings: &StackSettings,
        provider: &ProviderSettings,
        first: Deployment,
    ) -> Self {
        Self::new(first)
            .tenants(settings::per_tenant(settings))
            .hedge(settings::hedge(settings.hedge()))
            .sticky(settings.sticky())
            .continues(settings.fallback_continue())
            .filtered(settings.fallback_filtered())
            .coalesce(match settings.coalesce() {
                true => CoalesceLayer::new(),
                false => CoalesceLayer::off(),
            })
            .total(settings::total(provider.timeout()))
            .guard(settings::guard(settings.guard()))
            .drain_timeout(settings.drain_timeout())
    }

    /// As this one says, around `first` alone, for vectors: a tenant has one limit for all it asks.
    pub(crate) fn for_vectors(&self, provider: &ProviderSettings, first: Deployment) -> Self {
        Self::new(first)
            .tenants(self.tenants.clone())
            .total(settings::total(provider.timeout()))
            .drain_timeout(self.drain)
    }

    /// One provider by itself, with what its settings say.
    pub(crate) fn of_provider(settings: &ProviderSettings, target: Arc<dyn Target>) -> Self {
        Self::new(Deployment::of_settings(settings, target, None))
            .total(settings::total(settings.timeout()))
    }

    /// With the clocks of each deployment as `set` makes them.
    pub(crate) fn each_clocks(mut self, set: impl Fn(Clocks) -> Clocks) -> Self {
        let others = self.beside.iter_mut().chain(&mut self.others);
        for deployment in others.chain([&mut self.first]) {
            deployment.clocks = set(deployment.clocks);
        }
        self
    }

    /// How long an exchange that is no model call may take.
    pub(crate) const fn exchange(&self) -> Duration {
        self.first.exchange
    }

    /// The name of the first deployment.
    pub(crate) fn name(&self) -> Text {
        self.first.provider.clone()
    }

    pub(crate) const fn patience(&self) -> Duration {
        self.drain
    }

    /// Tells each deployment who can be asked besides it: the first when there is nobody, and those that
    /// have a target behind them that they make way where they are silent. To be done before the layers
    /// are put together.
    pub(crate) fn complete(mut self) -> Self {
        if self.others.is_empty() && self.beside.is_empty() {
            self.first = self.first.alone();
        }
        if let Some((_last, before)) = self.others.split_last_mut() {
            self.first.make_way(self.beside.len().saturating_add(1));
            before.iter_mut().for_each(|other| other.make_way(1));
        }
        self
    }

    /// Puts the layers together. Errors that name no provider get `provider`.
    /// Their calls pass `drain`.
    pub(crate) fn compose(&self, provider: &Text, drain: &Drain) -> Composed {
        // Vectors of another model are of no use to who compares them: nobody else is asked.
        let vectors = self.total.layer(self.sole(&[]));
        let guard = GuardLayer::new(self.guard.clone());
        let questions = guard.layer(self.total.layer(self.questions()));
        Composed {
            chat: enclosed(questions, provider, drain),
            embed: enclosed(vectors, provider, drain),
            drain: drain.clone(),
        }
    }

    /// The targets in their order, with what bounds a call to all of them. What is off is left out.
    fn questions(&self) -> Admission<Request, Response> {
        let is_plain = !self.continues && self.coalesce.is_off();
        if is_plain && self.others.is_empty() && self.hedge.is_off() {
            // One target: its type need not be forgotten once more, which a call would pay for.
            return self.sole(&self.beside);
        }
        let first = self.target(&self.first, &self.beside);
        let others = self.others.iter().map(|other| self.target(other, &[]));
        let others: Vec<_> = others.collect();
        let chain = Fallback::new(first.clone()).with_filtered(self.filtered);
        let chain = others.iter().cloned().fold(chain, Fallback::then);
        if is_plain {
            return self.admission(chain);
        }
        // Who continues an answer asks the very targets that the fallback does.
        let targets = std::iter::once(first).chain(others);
        let targets: Vec<_> = targets.filter(|_| self.continues).collect();
        let continued = ContinueLayer::new(targets).layer(chain);
        let coalesced = self.coalesce.layer(self.tenants.layer(continued));
        Admission::Within(Erased::of(Cloning::new(coalesced)))
    }

    /// The first target alone, with those `beside` it, of which there are mostly none.
    fn sole<Req, A>(&self, beside: &[Deployment]) -> Admission<Req, A>
    where
        Layered: Ask<Req, Answer = A>,
        Req: Metered + Clone + Sync,
        A: Answer,
    {
        let first = &self.first;
        if !beside.is_empty() {
            let route = described(first, beside, self.route(first, beside));
            return self.admission(Fallback::new(route));
        }
        match &first.model {
            None => self.admission(alone(first)),
            // The fallback is who asks for another model than the caller.
            Some(_) => self.admission(Fallback::new(described(first, &[], alone(first)))),
        }
    }

    /// `targets`, within what bounds the calls of a tenant.
    fn admission<Req, A, S>(&self, targets: S) -> Admission<Req, A>
    where
        S: Ask<Req, Answer = A> + 'static,
        Req: Send + 'static,
        A: 'static,
    {
        Admission::Around(self.tenants.layer(Erased::of(targets)))
    }

    /// One of the targets: `first` and those that stand beside it.
    fn target(
        &self,
        first: &Deployment,
        beside: &[Deployment],
    ) -> FallbackTarget<Erased<Request, Response>> {
        let tried = match self.hedge.is_off() {
            true if beside.is_empty() => Erased::of(alone(first)),
            true => Erased::of(self.route(first, beside)),
            false => {
                let balance = self.balance(first, beside);
                // Second attempts and further ones spend from one purse.
                let hedge = match first.retry.budget() {
                    Some(budget) => self.hedge.clone().with_budget(budget.clone()),
                    None => self.hedge.clone(),
                };
                let hedged = HedgeLayer::new(hedge).layer(Erased::of(balance));
                let retry = RetryLayer::new(first.retry.clone());
                Erased::of(retry.layer(Cloning::new(hedged)))
            }
        };
        described(first, beside, tried)
    }

    /// The deployments of a target, asked once more where that may help.
    fn route(&self, first: &Deployment, beside: &[Deployment]) -> Retry<Balance<Layered>> {
        RetryLayer::new(first.retry.clone()).layer(self.balance(first, beside))
    }

    fn balance(&self, first: &Deployment, beside: &[Deployment]) -> Balance<Layered> {
        let balance = Balance::new(balanced(first)).with_sticky(self.sticky);
        beside.iter().map(balanced).fold(balance, Balance::and)
    }
}

/// A deployment that nobody stands beside, asked once more where that may help.
fn alone(deployment: &Deployment) -> Retry<Layered> {
    RetryLayer::new(deployment.retry.clone()).layer(deployment.service())
}

/// A target of `first` and those that stand beside it. What one of them can do, the target can.
fn described<S>(first: &Deployment, beside: &[Deployment], service: S) -> FallbackTarget<S> {
    let group = || std::iter::once(first).chain(beside);
    let mut target = FallbackTarget::new(first.name.clone(), service);
    if let Some(model) = &first.model {
        target = target.with_model(model.clone());
    }
    let capabilities: Option<Vec<_>> = group().map(|one| one.capabilities).collect();
    if let Some(capabilities) = capabilities {
        let all = capabilities.into_iter().flat_map(Capabilities::iter);
        target = target.with_capabilities(all.fold(Capabilities::default(), Capabilities::with));
    }
    if let Some(budget) = first.retry.budget() {
        target = target.with_budget(budget.clone());
    }
    if let Some(model) = &first.window_of {
        target = target.with_window_of(model.clone());
    }
    let windows: Option<Vec<_>> = group().map(|one| one.window).collect();
    match windows.and_then(|windows| windows.into_iter().max()) {
        Some(window) => target.with_window(window),
        None => target,
    }
}

fn balanced(deployment: &Deployment) -> balance::Deployment<Layered> {
    let balanced = balance::Deployment::new(deployment.name.clone(), deployment.service())
        .with_weight(deployment.weight)
        .with_health(deployment.breaker.health());
    match &deployment.model {
        Some(model) => balanced.with_model(model.clone()),
        None => balanced,
    }
}

/// Puts around `stack` what is outside of everything.
fn enclosed<S>(stack: S, provider: &Text, drain: &Drain) -> Enclosed<S> {
    let gated = DrainLayer::new(drain).layer(stack);
    let named = NamedLayer::new(provider.clone()).layer(gated);
    JourneyLayer::new().layer(named)
}

// === impl Composed ===

impl fmt::Debug for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Composed").finish_non_exhaustive()
    }
}
