//! Ollama's own API, local or in its cloud, as a tower service.
//!
//! API: `/api` of the servers of 2026, by its description and recordings, checked in November 2026.
//!
//! Source: <https://github.com/ollama/ollama/blob/main/docs/openapi.yaml>, <https://docs.ollama.com/api>.
//!
//! | can do | how |
//! |---|---|
//! | completions, whole and streamed | `Service<Request>`, `/api/chat` |
//! | tools, parallel | [`CompletionOptions::with_tools`] |
//! | JSON and JSON schema answers | [`CompletionOptions::with_response_format`] |
//! | images | by value, in user messages |
//! | files, prompt cache | no |
//! | reasoning | on or off, for `gpt-oss` three levels; text in, and back with the history |
//! | usage | input and output tokens, also at the end of streams |
//! | embeddings | `Service<EmbeddingRequest>`, `/api/embed` |
//! | model list | [`Ollama::models`], `/api/tags` |
//! | context window | [`Ollama::context_window`], `/api/show` |
//! | fetching a model | [`Ollama::pull`], `/api/pull` |
//! | the same as data | [`CAPABILITIES`] |
//!
//! What it cannot do is an error before anything is sent, or is left out and reported where the
//! caller is lenient: a tool that has to be called, calls one at a time, a budget for reasoning, the id
//! of the end user. An image by URL and a file are always an error: without it the question would be
//! another one.
//! The name of a speaker, the strictness of a tool's schema and hints for caches have no place in this
//! API; they are not sent.
//!
//! Options of the server itself, such as `num_ctx`, go in raw and join those of the call:
//! `with_extra("ollama", "options", json!({"num_ctx": 16384}))`. It is worth setting: a server cuts
//! a conversation that is longer than its window without a word.
//!
//! # Errors
//!
//! One table turns status and text into an [`ErrorKind`](towline_core::ErrorKind). Messages say what
//! to type: a server that does not run, a model that was not pulled, a missing key. An error line in
//! a stream is an error. A stream ends with a line that says `done`, or is truncated. What a server
//! echoes of the key is taken out of the message.
//!
//! # Examples
//!
//! ```no_run
//! use tower::ServiceExt;
//! use towline_core::{Error, Request};
//! use towline_ollama::{DEFAULT_BASE_URL, Ollama, OllamaConfig};
//! use towline_transport::Channel;
//!
//! # async fn example() -> Result<(), Error> {
//! let config = OllamaConfig::builder(DEFAULT_BASE_URL).build()?;
//! let ollama = Ollama::new(config, Channel::builder(DEFAULT_BASE_URL).build()?);
//!
//! let request = Request::new("qwen3", "Say hello.").with_stream(true);
//! let mut body = ollama.oneshot(request).await?.into_body();
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

mod client;
mod config;
mod convert;
mod embedding;
mod error;
mod line;
mod models;
mod pull;
mod stream;
mod wire;

pub use self::{
    client::{CallFuture, Ollama},
    config::{DEFAULT_BASE_URL, KeepAlive, OllamaConfig, OllamaConfigBuilder},
    pull::{Pull, PullProgress, PullStatus},
};

use towline_core::{Capabilities, Capability};

/// What the provider can do; a model may do less. Several tools may be called in one turn, and the
/// model cannot be told not to.
pub const CAPABILITIES: Capabilities = Capabilities::of(&[
    Capability::Tools,
    Capability::Vision,
    Capability::SchemaOutput,
    Capability::Reasoning,
    Capability::ReasoningReplay,
    Capability::StreamingUsage,
    Capability::Embeddings,
    Capability::ModelList,
]);

/// The name of the dialect: in reasoning that it made, in raw fields, in the cache of messages.
const DIALECT: &str = "ollama";
