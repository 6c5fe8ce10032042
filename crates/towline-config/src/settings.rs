//! The settings of a program, loaded.

use crate::{
    configured::Configured, error::ConfigError, key::snake, provider::ProviderSettings,
    resolve::Book, source::Source, stack::StackSettings,
};
use std::fmt;

/// What [`Loader::load`](crate::Loader::load) gives: the providers, and where every value came from.
///
/// # Examples
///
/// ```
/// use towline_config::Loader;
///
/// // Nothing is configured at all: there is no provider, and that is no fault.
/// assert!(Loader::new().load()?.llm()?.is_none());
///
/// // A provider is chosen and its key is missing: that is one.
/// let settings = Loader::new().env([("LLM_MODEL", "openai/gpt-4o")]).load()?;
/// let error = settings.llm().unwrap_err();
/// assert!(error.to_string().starts_with(
///     "Missing OpenAI API key (towline.openai.api_key / OPENAI_API_KEY)"));
/// # Ok::<(), towline_config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    pub(crate) book: Book,
    pub(crate) llm: Result<Option<ProviderSettings>, ConfigError>,
    pub(crate) embedding: Result<Option<ProviderSettings>, ConfigError>,
    pub(crate) providers: Vec<ProviderSettings>,
    pub(crate) sources: Vec<Source>,
    pub(crate) warnings: Vec<String>,
}

// === impl Settings ===

impl Settings {
    /// The selected provider and model, or none when nothing is configured at all: no model, no
    /// provider section, no key of a vendor.
    ///
    /// # Errors
    ///
    /// The selection is wrong, or the provider lacks something. All of its faults at once.
    pub fn llm(&self) -> Result<Option<&ProviderSettings>, ConfigError> {
        self.llm.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The embedding provider and model, or none when no embedding model is set.
    ///
    /// # Errors
    ///
    /// As for [`llm`](Self::llm).
    pub fn embedding(&self) -> Result<Option<&ProviderSettings>, ConfigError> {
        self.embedding
            .as_ref()
            .map(Option::as_ref)
            .map_err(Clone::clone)
    }

    /// The provider of this name, if it is complete: a named one, or the selected one. The name may
    /// be in kebab, camel or snake case.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&ProviderSettings> {
        let wanted = snake(name);
        self.providers
            .iter()
            .find(|provider| snake(provider.name()) == wanted)
    }

    /// What is set on purpose and has no effect in this version, as it stands among the
    /// [`warnings`](Self::warnings): the keys that a file, a variable of Towline's own or an override
    /// sets. None where there are none.
    #[must_use]
    pub fn without_effect(&self) -> Option<String> {
        self.book.idle_keys(true)
    }

    /// All complete providers: the named ones in the order of their names, and the selected one.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderSettings> {
        self.providers.iter()
    }

    /// Every provider that is configured, complete or not, in the order of their names: the named ones,
    /// the selected one, and every vendor whose section holds a key or an address, or has one by its
    /// variables. Embedding models and vendors of nothing else are left out.
    #[must_use]
    pub fn configured(&self) -> Vec<Configured> {
        let mut all = self.book.configured(&self.llm);
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// The provider for a spec such as `openai/gpt-4o`, the name of a named provider, or
    /// `name/model` for another model of a named provider.
    ///
    /// # Errors
    ///
    /// The spec is wrong, or the provider lacks something. All of its faults at once.
    pub fn for_model(&self, spec: &str) -> Result<ProviderSettings, ConfigError> {
        self.book.for_model(spec)
    }

    /// As [`for_model`](Self::for_model), with the settings for embeddings.
    ///
    /// # Errors
    ///
    /// As for [`for_model`](Self::for_model).
    pub fn for_embedding_model(&self, spec: &str) -> Result<ProviderSettings, ConfigError> {
        self.book.for_embedding_model(spec)
    }

    /// The settings of the layers around a model call. The targets of `fallback` and
    /// `balance.deployments` are built, which reads the files of their keys.
    ///
    /// # Errors
    ///
    /// A target in one of the lists is unknown or lacks something. All faults of all targets at once.
    pub fn stack(&self) -> Result<StackSettings, ConfigError> {
        let selected = self.llm.as_ref().ok().and_then(Option::as_ref);
        self.book.stack(selected)
    }

    /// As [`stack`](Self::stack), without the targets of `fallback` and `balance.deployments`: for
    /// whoever asks one provider alone.
    #[must_use]
    pub fn stack_alone(&self) -> StackSettings {
        let selected = self.llm.as_ref().ok().and_then(Option::as_ref);
        self.book.stack_alone(selected)
    }

    /// Every key that is set, and every default that is in force, in the order of the keys. The
    /// values of secrets are not shown.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// What is odd and does not stand in the way.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("llm", &self.llm)
            .field("embedding", &self.embedding)
            .field("providers", &self.providers)
            .field("sources", &self.sources)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
