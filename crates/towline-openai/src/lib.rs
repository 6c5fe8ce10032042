//! The `OpenAI` chat completions dialect, and the servers that speak it, as a tower service.
//!
//! API version: v1 of chat completions, Responses and embeddings, checked in November 2026 against its
//! description and recorded exchanges with the servers of [`Flavor`].
//!
//! Source: <https://platform.openai.com/docs/api-reference>, <https://github.com/openai/openai-openapi>.
//!
//! | can do | how |
//! |---|---|
//! | completions, whole and streamed | `Service<Request>`, over chat completions or the Responses API ([`Api`]) |
//! | tools, parallel, in fragments by index | [`CompletionOptions::with_tools`] |
//! | JSON and JSON schema answers | [`CompletionOptions::with_response_format`] |
//! | images | by URL or by value, in user messages |
//! | files | [`File`](towline_core::File), in user messages: by value or by id; by URL through the Responses API |
//! | reasoning | effort or budget out; text and details in, and back where the server wants them |
//! | usage, with cached and reasoning tokens | also at the end of streams |
//! | rate limits | [`Head::rate_limits`](towline_core::Head::rate_limits) |
//! | embeddings | `Service<EmbeddingRequest>` |
//! | model list | [`OpenAi::models`] |
//! | keys that change between two calls | [`OpenAiConfigBuilder::api_key`] with a [`Credential`](towline_core::Credential) |
//! | prompt cache | the server's own affair; what it saved is in the usage |
//! | the same as data, for each server | [`Flavor::capabilities`] |
//! | other paths, also by model | [`OpenAiConfigBuilder::chat_path`] and its kin |
//!
//! A server that takes no files, or not from there, is not sent any: that is an error of kind
//! [`ErrorKind::Unsupported`](towline_core::ErrorKind::Unsupported) before the request. `OpenRouter`
//! takes them by value and by URL, Mistral too, in a form of its own.
//!
//! The Responses API is a feature, `responses`, which is on unless default features are off.
//!
//! How servers differ is a small table, [`Flavor`]. Fields and values that are not known here never
//! break an answer. Only the first choice is read where a raw `n` asks for several.
//!
//! # Errors
//!
//! One table turns status, code and type into an [`ErrorKind`](towline_core::ErrorKind); messages
//! are read only from the server whose messages they are. An error object under status 200, whole or
//! in a stream, is an error. A stream ends with `[DONE]` or is truncated. What a server echoes of the
//! key is taken out of the message.
//!
//! # Examples
//!
//! ```no_run
//! use tower::ServiceExt;
//! use towline_core::{Error, Request, Secret};
//! use towline_openai::{OpenAi, OpenAiConfig};
//! use towline_transport::Channel;
//!
//! # async fn example(key: Secret) -> Result<(), Error> {
//! let url = "https://api.openai.com/v1";
//! let config = OpenAiConfig::builder(url).api_key(key).build()?;
//! let openai = OpenAi::new(config, Channel::builder(url).build()?);
//!
//! let request = Request::new("gpt-4o-mini", "Say hello.").with_stream(true);
//! let mut body = openai.oneshot(request).await?.into_body();
//! while let Some(event) = body.next().await {
//!     if let Some(text) = event?.as_text() {
//!         print!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`CompletionOptions::with_tools`]: towline_core::CompletionOptions::with_tools
//! [`CompletionOptions::with_response_format`]: towline_core::CompletionOptions::with_response_format

mod api;
mod client;
mod config;
mod convert;
mod embedding;
mod error;
mod flavor;
mod limits;
mod models;
#[cfg(feature = "responses")]
mod responses;
mod stream;
mod wire;

pub use self::{
    api::Api,
    client::{CallFuture, OpenAi},
    config::{OpenAiConfig, OpenAiConfigBuilder},
    flavor::Flavor,
};
