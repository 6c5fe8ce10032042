//! The providers that a program knows.

use crate::{
    Client, ClientBuilder, Deployment, Stack,
    client::Embedding,
    provider::{self, Provider, Target},
    stack::Deployments,
};
use std::sync::Arc;
use towline_config::{ProviderSettings, Settings, stack::StackSettings};
use towline_core::{Error, ErrorKind, Text};

/// The providers that a program knows, by the vendors they serve.
///
/// # Examples
///
/// ```
/// use towline::Registry;
///
/// let registry = Registry::builtin();
/// # #[cfg(feature = "openai")]
/// assert!(registry.vendors().any(|vendor| vendor == "groq"));
/// assert!(Registry::new().vendors().next().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    providers: Vec<Arc<dyn Provider>>,
}

/// The features of this crate that hold a provider, and whom it serves.
const FEATURES: &[(&str, &[&str])] = &[
    ("anthropic", provider::ANTHROPIC_VENDORS),
    ("azure", provider::AZURE_VENDORS),
    ("ollama", provider::OLLAMA_VENDORS),
    ("openai", provider::OPENAI_VENDORS),
];

// === impl Registry ===

impl Registry {
    /// No provider.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The providers whose features are on.
    #[must_use]
    pub fn builtin() -> Self {
        let registry = Self::new();
        #[cfg(feature = "anthropic")]
        let registry = registry.with(provider::anthropic::AnthropicProvider);
        #[cfg(feature = "azure")]
        let registry = registry.with(provider::azure::AzureProvider);
        #[cfg(feature = "ollama")]
        let registry = registry.with(provider::ollama::OllamaProvider);
        #[cfg(feature = "openai")]
        let registry = registry.with(provider::openai::OpenAiProvider);
        registry
    }

    /// Adds a provider. Where two serve a vendor, the one that was added last does.
    #[must_use]
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// The vendors that are served.
    pub fn vendors(&self) -> impl Iterator<Item = &str> {
        self.providers
            .iter()
            .flat_map(|provider| provider.vendors())
            .copied()
    }

    /// Makes the client that `settings` describe. Sends nothing: [`Client::validate`] does.
    ///
    /// An embedding model that cannot be used is reported by [`Client::embed`], not here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when no model is configured, its settings are wrong, or no provider
    /// here serves its vendor.
    ///
    /// # Cancel safety
    ///
    /// Nothing is left behind when the future is dropped.
    pub async fn connect(&self, settings: &Settings) -> Result<Client, Error> {
        self.prepare(settings).await.map(ClientBuilder::build)
    }

    /// Makes a client for embeddings alone, of the embedding model that `settings` describe. No other
    /// model needs to be configured. The client's calls, list of models and validation are those of
    /// the embedding model's provider.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), for the embedding model.
    ///
    /// # Cancel safety
    ///
    /// Nothing is left behind when the future is dropped.
    pub async fn connect_embedder(&self, settings: &Settings) -> Result<Client, Error> {
        let provider = settings.embedding()?.ok_or_else(|| {
            Error::new(ErrorKind::Config).with_message(crate::client::NO_EMBEDDING_MODEL)
        })?;
        let target = self.target(provider).await?;
        let model = Text::interned(provider.model());
        let alone = settings.stack_alone();
        let mut deployments = Deployments::new(alone.max_queue_age());
        let first = deployments.add(provider, Arc::clone(&target), false);
        let stack = Stack::of_settings(&alone, provider, first).complete();
        let embedding = Embedding::Stack(Box::new(stack.clone()), model);
        Ok(ClientBuilder::of_settings(provider, target, stack)
            .embedder(embedding)
            .build())
    }

    /// Makes a client of one provider, such as one of
    /// [`Settings::configured`](towline_config::Settings::configured). It has no embedding model, and
    /// nothing of what the program's settings say of tenants, shedding, prompts and other targets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when no provider here serves the vendor, or a setting cannot be used.
    ///
    /// # Cancel safety
    ///
    /// Nothing is left behind when the future is dropped.
    pub async fn connect_provider(&self, provider: &ProviderSettings) -> Result<Client, Error> {
        let target = self.target(provider).await?;
        let stack = Stack::of_provider(provider, Arc::clone(&target));
        Ok(ClientBuilder::of_settings(provider, target, stack).build())
    }

    pub(crate) async fn prepare(&self, settings: &Settings) -> Result<ClientBuilder, Error> {
        let provider = settings.llm()?.ok_or_else(nothing_configured)?;
        let target = self.target(provider).await?;
        // Boxed: it is large, and kept while targets are made.
        let layers = Box::new(settings.stack()?);
        let mut deployments = Deployments::new(layers.max_queue_age());
        let stack = self
            .stack(&layers, provider, &target, &mut deployments)
            .await?;
        let embedder = match self.embedder(settings, &stack, &mut deployments).await {
            Ok(Some(embedding)) => embedding,
            Ok(None) => Embedding::None,
            Err(error) => Embedding::Broken(error.message().unwrap_or_default().to_owned()),
        };
        Ok(ClientBuilder::of_settings(provider, target, stack).embedder(embedder))
    }

    /// The layers that the settings describe, around `target` and those that stand beside and behind
    /// it.
    async fn stack(
        &self,
        layers: &StackSettings,
        provider: &ProviderSettings,
        target: &Arc<dyn Target>,
        deployments: &mut Deployments,
    ) -> Result<Stack, Error> {
        let beside: Vec<_> = layers.deployments_beside(provider).collect();
        let behind: Vec<_> = layers.fallback_after(provider).collect();
        let all = || std::iter::once(provider).chain(beside.iter().chain(&behind).copied());
        let twice = |one: &ProviderSettings| {
            all().any(|other| other.is_same_provider(one) && !other.is_same_target(one))
        };
        let first = deployments.add(provider, Arc::clone(target), twice(provider));
        let mut stack = Stack::of_settings(layers, provider, first);
        for other in &beside {
            let other = self.deployment(other, twice(other), deployments).await?;
            stack = stack.beside(other);
        }
        for other in &behind {
            let other = self.deployment(other, twice(other), deployments).await?;
            stack = stack.fallback(other);
        }
        Ok(stack)
    }

    /// The deployment of one of the other targets.
    async fn deployment(
        &self,
        settings: &ProviderSettings,
        twice: bool,
        deployments: &mut Deployments,
    ) -> Result<Deployment, Error> {
        let deployment = match deployments.get(settings) {
            Some(made) => made,
            None => deployments.add(settings, self.target(settings).await?, twice),
        };
        Ok(deployment.model(settings.model()))
    }

    async fn embedder(
        &self,
        settings: &Settings,
        stack: &Stack,
        deployments: &mut Deployments,
    ) -> Result<Option<Embedding>, Error> {
        let Some(provider) = settings.embedding()? else {
            return Ok(None);
        };
        let target = self.target(provider).await?;
        let first = deployments.add(provider, target, false);
        let vectors = stack.for_vectors(provider, first);
        Ok(Some(Embedding::Stack(
            Box::new(vectors),
            Text::interned(provider.model()),
        )))
    }

    async fn target(&self, settings: &ProviderSettings) -> Result<Arc<dyn Target>, Error> {
        let vendor = settings.vendor().as_str();
        let serves = |provider: &&Arc<dyn Provider>| provider.vendors().contains(&vendor);
        let Some(provider) = self.providers.iter().rev().find(serves) else {
            return Err(self.not_served(settings));
        };
        let target = provider.connect(settings).await;
        target.map_err(|error| match error.provider() {
            Some(_) => error,
            None => error.with_provider(settings.name().to_owned()),
        })
    }

    /// Says who is served, and what would serve this one.
    fn not_served(&self, settings: &ProviderSettings) -> Error {
        let vendor = settings.vendor();
        let served: Vec<&str> = self.vendors().collect();
        let served = match served.as_slice() {
            [] => "no vendor at all".to_owned(),
            names => names.join(", "),
        };
        let feature = FEATURES
            .iter()
            .find(|(_, vendors)| vendors.contains(&vendor.as_str()));
        let remedy = match feature {
            Some((feature, _)) => {
                format!("switch on the feature `{feature}` of the crate towline, or add a provider")
            }
            None => "choose one of these, or add a provider".to_owned(),
        };
        Error::new(ErrorKind::Config)
            .with_provider(settings.name().to_owned())
            .with_model(settings.model().to_owned())
            .with_message(format!(
                "{} cannot be called by this build, which serves {served}; {remedy} with \
                 Registry::with",
                vendor.title()
            ))
    }
}

fn nothing_configured() -> Error {
    Error::new(ErrorKind::Config).with_message(
        "no provider is configured: set LLM_MODEL to `provider/model` and the provider's key, \
         such as LLM_MODEL=openai/gpt-4o-mini and OPENAI_API_KEY",
    )
}
