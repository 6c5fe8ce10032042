//! How providers plug in.
//!
//! A [`Provider`] turns the settings of one provider section into a [`Target`], and a
//! [`Registry`](crate::Registry) holds the providers that a program knows. Whoever has a tower
//! service already needs neither: [`ServiceTarget`] makes a target of it.

#[cfg(feature = "anthropic")]
pub(crate) mod anthropic;
#[cfg(feature = "azure")]
pub(crate) mod azure;
#[cfg(feature = "ollama")]
pub(crate) mod ollama;
#[cfg(feature = "openai")]
pub(crate) mod openai;
mod service;
#[cfg(any(
    feature = "anthropic",
    feature = "azure",
    feature = "ollama",
    feature = "openai"
))]
mod wiring;

pub use self::service::ServiceTarget;

use std::{fmt, pin::Pin, sync::Arc};
use towline_config::ProviderSettings;
use towline_core::{
    Capabilities, EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, ModelInfo, Request,
    Response,
};

/// A future on the heap, as traits that are used as objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes targets from settings, for the vendors that it serves.
///
/// # Examples
///
/// A provider that repeats the question:
///
/// ```
/// use std::sync::Arc;
/// use towline::{BoxFuture, Client, Provider, Registry, ServiceTarget, Target};
/// use towline_config::{Loader, ProviderSettings};
/// use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
/// use tower::service_fn;
///
/// #[derive(Debug)]
/// struct Echo;
///
/// impl Provider for Echo {
///     fn vendors(&self) -> &[&str] {
///         &["lmstudio"]
///     }
///
///     fn connect<'a>(
///         &'a self,
///         settings: &'a ProviderSettings,
///     ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>> {
///         let name = settings.name().to_owned();
///         let echo = service_fn(move |request: Request| {
///             let parts = request.conversation().messages().iter();
///             let parts = parts.map(|message| Part::from(message.text().into_owned())).collect();
///             let head = Head::new(name.clone(), request.model());
///             let body = Body::complete(Completion::new(parts, FinishReason::Stop));
///             async move { Ok::<_, Error>(Response::new(head, body)) }
///         });
///         Box::pin(async move { Ok(Arc::new(ServiceTarget::new(echo)) as Arc<dyn Target>) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let settings = Loader::new()
///     .set("towline.llm.model=lmstudio/parrot")
///     .set("towline.lmstudio.base_url=http://localhost:1234/v1")
///     .load()?;
/// let client = Registry::builtin().with(Echo).connect(&settings).await?;
/// assert_eq!(client.complete("Polly?").await?.text(), "Polly?");
/// # Ok(())
/// # }
/// ```
pub trait Provider: fmt::Debug + Send + Sync {
    /// The vendors that it serves, by the names of [`towline_config::Vendor`].
    fn vendors(&self) -> &[&str];

    /// Makes the target that `settings` describe. Sends nothing that costs money.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the setting at fault.
    fn connect<'a>(
        &'a self,
        settings: &'a ProviderSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>>;
}

/// Something that answers calls: one provider, or a stack of layers around one or many.
///
/// # Cancel safety
///
/// Dropping one of the futures ends the call. What was sent by then may be billed.
pub trait Target: fmt::Debug + Send + Sync {
    /// Answers a call. What needs no waiting, such as writing the request down, may happen before the future
    /// is polled.
    ///
    /// # Errors
    ///
    /// Those of the service contract ([`towline_core`]).
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response, Error>>;

    /// Turns texts into vectors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the target cannot, which is the default.
    fn embed(
        &self,
        request: EmbeddingRequest,
    ) -> BoxFuture<'static, Result<EmbeddingResponse, Error>> {
        let model = request.model().to_owned();
        Box::pin(async move {
            Err(unsupported("embeddings are not supported by this target").with_model(model))
        })
    }

    /// Lists the models. Costs nothing: it is also how a client is validated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the target cannot, which is the default.
    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, Error>> {
        Box::pin(async {
            Err(unsupported(
                "listing models is not supported by this target",
            ))
        })
    }

    /// What the provider can do; a model may do less. `None`, which is the default, where nobody
    /// knows.
    fn capabilities(&self) -> Option<Capabilities> {
        None
    }
}

/// The vendors that the feature `anthropic` serves.
pub(crate) const ANTHROPIC_VENDORS: &[&str] = &["anthropic"];

/// The vendors that the feature `azure` serves.
pub(crate) const AZURE_VENDORS: &[&str] = &["azure"];

/// The vendors that the feature `ollama` serves.
pub(crate) const OLLAMA_VENDORS: &[&str] = &["ollama"];

/// The vendors that the feature `openai` serves: those whose API is OpenAI's, or has it beside its
/// own. Ollama has both, and is asked through its own whatever features are on: what a setting means
/// must not hang on a feature that some other crate may switch on.
pub(crate) const OPENAI_VENDORS: &[&str] = &[
    "openai",
    "openai-compatible",
    "openrouter",
    "deepseek",
    "groq",
    "mistral",
    "xai",
    "together",
    "perplexity",
    "cerebras",
    "fireworks",
    "nvidia",
    "huggingface",
    "requesty",
    "zai",
    "llamacpp",
    "vllm",
    "lmstudio",
];

fn unsupported(message: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported).with_message(message)
}
