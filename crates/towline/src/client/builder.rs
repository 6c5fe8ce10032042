//! What a client is made of.

use super::{Client, Embedder, Inner, probe::Access};
use crate::{
    Deployment, Stack,
    budget::{known_reserve, known_window},
    provider::Target,
    stack::Names,
};
use std::{any::Any, fmt, sync::Arc, time::Duration};
use towline_config::ProviderSettings;
use towline_core::Text;
use towline_layers::{drain::Drain, timeout::Clocks};

/// Settings of a [`Client`]. Made by [`Client::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline::{Client, ServiceTarget};
/// # use towline_core::{Body, Completion, Error, FinishReason, Head, Request, Response};
/// # let stack = tower::service_fn(|request: Request| async move {
/// #     let body = Body::complete(Completion::new(Vec::new(), FinishReason::Stop));
/// #     Ok::<_, Error>(Response::new(Head::new("any", request.model()), body))
/// # });
///
/// // `stack` is any tower service that answers a `Request` with a `Response`.
/// let client = Client::builder(ServiceTarget::new(stack))
///     .provider("openai")
///     .model("gpt-4o-mini")
///     .request_timeout(Duration::from_secs(60))
///     .build();
/// assert_eq!(client.context_window(), 128_000);
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder {
    target: Arc<dyn Target>,
    /// What goes around the target, where that is more than the clocks.
    stack: Option<Box<Stack>>,
    limits: Limits,
    embedder: Embedding,
    names: Names,
    vendor: Option<String>,
    /// The model behind the name of a deployment.
    base_model: Option<String>,
    window: Option<u64>,
    reserve: Option<u64>,
    access: Access,
    key_origin: Option<String>,
    held: Option<Held>,
}

/// How long things may take where there is no stack that says so.
#[derive(Clone, Copy, Debug)]
struct Limits {
    request: Duration,
    stream: Duration,
    drain: Duration,
}

/// Who answers embedding calls.
#[derive(Debug)]
pub(crate) enum Embedding {
    None,
    Broken(String),
    Target(Arc<dyn Target>, Text),
    Stack(Box<Stack>, Text),
}

/// Something that only has to live.
struct Held(Box<dyn Any + Send + Sync>);

// === impl ClientBuilder ===

impl ClientBuilder {
    pub(crate) fn new(target: Arc<dyn Target>) -> Self {
        Self {
            target,
            stack: None,
            limits: Limits::default(),
            embedder: Embedding::None,
            names: Names::default(),
            vendor: None,
            base_model: None,
            window: None,
            reserve: None,
            access: Access::default(),
            key_origin: None,
            held: None,
        }
    }

    /// What the settings of a provider say.
    pub(crate) fn of_settings(
        settings: &ProviderSettings,
        target: Arc<dyn Target>,
        stack: Stack,
    ) -> Self {
        let mut builder = Self::new(target)
            .provider(Text::interned(settings.name()))
            .vendor(settings.vendor().as_str())
            .model(Text::interned(settings.model()))
            .stack(stack);
        builder.base_model = settings.base_model().map(str::to_owned);
        builder.window = settings.context_window();
        builder.reserve = settings.reserve_completion();
        builder.access = Access::of_settings(settings);
        builder.key_origin = settings.api_key_origin().map(str::to_owned);
        builder
    }

    /// The name that errors give to the provider. Default: none.
    pub fn provider(mut self, name: impl Into<Text>) -> Self {
        self.names.provider = name.into();
        self
    }

    /// The vendor whose models these are, for what is known of them by name. Default: the
    /// provider's name.
    pub fn vendor(mut self, vendor: impl Into<String>) -> Self {
        self.vendor = Some(vendor.into());
        self
    }

    /// The model to ask where a question names none. Default: none, the target decides.
    pub fn model(mut self, name: impl Into<Text>) -> Self {
        self.names.model = name.into();
        self
    }

    /// The target for embeddings, and the model to ask. Default: none.
    pub fn embedding(mut self, target: impl Target + 'static, model: impl Into<Text>) -> Self {
        self.embedder = Embedding::Target(Arc::new(target), model.into());
        self
    }

    /// How many tokens the model takes in all. Default: by its name.
    pub const fn context_window(mut self, tokens: u64) -> Self {
        self.window = Some(tokens);
        self
    }

    /// How many tokens to keep free for the answer. Default: by the model's name.
    pub const fn reserve_completion(mut self, tokens: u64) -> Self {
        self.reserve = Some(tokens);
        self
    }

    /// Puts these layers around the target, in place of the clocks alone. The stack's first deployment
    /// is the one that answers.
    pub(crate) fn stack(mut self, stack: Stack) -> Self {
        self.stack = Some(Box::new(stack));
        self
    }

    /// How long an answer without streaming may take in all. Default 5 minutes.
    ///
    /// Of a client of a [`Stack`], this is said to each deployment that has been added; default there is
    /// what the deployment's own clocks say.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.limits.request = limit;
        self.clocks(|clocks| clocks.with_whole(limit))
    }

    /// How long a stream may be silent, before its first content and between events. Default 10
    /// minutes: models that think at length say nothing meanwhile.
    ///
    /// Of a client of a [`Stack`], this is said to each deployment that has been added; default there is
    /// what the deployment's own clocks say.
    pub fn stream_timeout(mut self, limit: Duration) -> Self {
        self.limits.stream = limit;
        self.clocks(|clocks| silence(clocks, limit))
    }

    /// How long [`Client::close`] waits for what is under way. Default 30 seconds.
    pub fn drain_timeout(mut self, limit: Duration) -> Self {
        self.limits.drain = limit;
        self.stack = self.stack.map(|stack| Box::new(stack.drain_timeout(limit)));
        self
    }

    fn clocks(mut self, set: impl Fn(Clocks) -> Clocks) -> Self {
        self.stack = self.stack.map(|stack| Box::new(stack.each_clocks(set)));
        self
    }

    /// Makes the client.
    #[must_use]
    pub fn build(self) -> Client {
        let vendor = self.vendor.as_deref().unwrap_or(&self.names.provider);
        let model = self.base_model.as_deref().unwrap_or(&self.names.model);
        let window = self.window.unwrap_or_else(|| known_window(vendor, model));
        let reserve = self
            .reserve
            .unwrap_or_else(|| known_reserve(vendor, window));
        let name = &self.names.provider;
        let limits = self.limits;
        let (patience, stack) = match self.stack {
            Some(stack) => (stack.exchange(), *stack),
            None => (limits.request, limits.around(name, &self.target)),
        };
        let stack = stack.complete();
        // One gate for questions and vectors.
        let drain = Drain::new();
        Client {
            inner: Arc::new(Inner {
                layers: stack.compose(name, &drain),
                stack,
                target: self.target,
                embedder: self.embedder.compose(name, limits, &drain),
                names: self.names,
                window,
                reserve,
                access: self.access,
                key_origin: self.key_origin,
                patience,
                _held: self.held.map(|held| held.0),
            }),
        }
    }

    pub(crate) fn embedder(mut self, embedder: Embedding) -> Self {
        self.embedder = embedder;
        self
    }

    /// Keeps `held` for as long as the client lives.
    #[cfg(feature = "sim")]
    pub(crate) fn hold(mut self, held: impl Any + Send + Sync) -> Self {
        self.held = Some(Held(Box::new(held)));
        self
    }
}

// === impl Limits ===

impl Limits {
    /// The clocks alone, around `target`.
    fn around(self, name: &Text, target: &Arc<dyn Target>) -> Stack {
        let deployment = Deployment::of_target(name.clone(), Arc::clone(target));
        let clocks = Clocks::default().with_whole(self.request);
        Stack::new(deployment.clocks(silence(clocks, self.stream))).drain_timeout(self.drain)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(5 * 60),
            stream: Duration::from_secs(10 * 60),
            drain: Duration::from_secs(30),
        }
    }
}

/// With `limit` for each silence of a stream.
fn silence(clocks: Clocks, limit: Duration) -> Clocks {
    clocks
        .with_first_token(limit)
        .with_reasoning_first_token(limit)
        .with_idle(limit)
}

// === impl Embedding ===

impl Embedding {
    fn compose(self, name: &Text, limits: Limits, drain: &Drain) -> Embedder {
        match self {
            Self::None => Embedder::None,
            Self::Broken(reason) => Embedder::Broken(reason),
            Self::Target(target, model) => {
                let stack = limits.around(name, &target).complete();
                Embedder::Ready(Box::new(stack.compose(name, drain)), model)
            }
            Self::Stack(stack, model) => {
                let stack = stack.complete();
                Embedder::Ready(Box::new(stack.compose(&stack.name(), drain)), model)
            }
        }
    }
}

// === impl Held ===

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
