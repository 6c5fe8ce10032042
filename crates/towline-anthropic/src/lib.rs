//! Anthropic's Messages API as a tower service.
//!
//! API version: `2023-06-01` of the Messages API, checked in November 2026 against its documentation and
//! recorded exchanges.
//!
//! Source: <https://docs.anthropic.com/en/api/messages>, <https://docs.anthropic.com/en/api/versioning>.
//!
//! | can do | how |
//! |---|---|
//! | completions, whole and streamed | `Service<Request>` |
//! | instructions | system messages become the field `system` |
//! | tools, parallel, in fragments | [`CompletionOptions::with_tools`]; native blocks both ways |
//! | JSON schema answers | [`CompletionOptions::with_response_format`] |
//! | images | by URL or by value, in user messages |
//! | files | [`File`](towline_core::File): PDF by value or URL, plain text by value, what was uploaded by its id, in user messages |
//! | thinking | effort or budget out; text, signature and hidden blocks in, and back unchanged |
//! | prompt cache | [`Message::with_cache_hint`] |
//! | usage, with cached and thinking tokens | also at the end of streams |
//! | rate limits | [`Head::rate_limits`](towline_core::Head::rate_limits) |
//! | counting tokens without an answer | [`Anthropic::count_tokens`] |
//! | embeddings | no: the vendor has none |
//! | model list | [`Anthropic::models`] |
//! | keys that change between two calls | [`AnthropicConfigBuilder::api_key`] with a [`Credential`](towline_core::Credential) |
//! | the same as data | [`CAPABILITIES`] |
//!
//! # What the API cannot do
//!
//! A seed, the two penalties and JSON without a schema are refused with
//! [`ErrorKind::Unsupported`], or left out and reported where the caller is
//! [lenient](towline_core::CompletionOptions::with_lenient). So is a temperature where the model or its thinking
//! forbids one. Not sent, since they change no meaning: how closely to look at an image and the name
//! of a JSON schema. The name of a speaker has no place on the wire either.
//!
//! Blocks of tools that run on Anthropic's side (web search, code execution) are read over: their
//! text is kept, their own content is not.
//!
//! A file of another kind than PDF and plain text is refused with [`ErrorKind::Unsupported`]. A file by
//! its id needs the beta of the Files API: `.beta("files-api-2025-04-14")`, see
//! [`AnthropicConfigBuilder::beta`]. Citations are not asked for.
//!
//! # Turns
//!
//! The API wants roles that alternate. Neighbouring messages of one role become one turn: the
//! results of parallel tool calls, and what the user says after them, go out as one user turn.
//! White space alone, foreign reasoning and empty messages are left out.
//!
//! # The limit of output tokens
//!
//! The API insists on one. Without [`CompletionOptions::with_max_tokens`] it is 2,048 for the answer
//! ([`AnthropicConfigBuilder::default_max_tokens`]), and what thinking may take on top. A budget of
//! thinking that does not fit into a limit that was set is an error before anything is sent.
//!
//! # Errors
//!
//! One table turns status, type and text into an [`ErrorKind`]. An error object under status 200,
//! whole or in a stream, is an error. A stream ends with `message_stop` or is truncated; one in which
//! two answers are mixed is a [`ErrorKind::Protocol`] error. `retry-after` is read on errors only: the
//! API sends it with good answers too. What a server echoes of the key is taken out of the message.
//!
//! # Examples
//!
//! ```no_run
//! use tower::ServiceExt;
//! use towline_anthropic::{Anthropic, AnthropicConfig};
//! use towline_core::{Error, Request, Secret};
//! use towline_transport::Channel;
//!
//! # async fn example(key: Secret) -> Result<(), Error> {
//! let url = "https://api.anthropic.com";
//! let config = AnthropicConfig::builder(url).api_key(key).build()?;
//! let anthropic = Anthropic::new(config, Channel::builder(url).build()?);
//!
//! let request = Request::new("claude-haiku-4-5", "Say hello.").with_stream(true);
//! let mut body = anthropic.oneshot(request).await?.into_body();
//! while let Some(event) = body.next().await {
//!     if let Some(text) = event?.as_text() {
//!         print!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`CompletionOptions::with_max_tokens`]: towline_core::CompletionOptions::with_max_tokens
//! [`CompletionOptions::with_response_format`]: towline_core::CompletionOptions::with_response_format
//! [`CompletionOptions::with_tools`]: towline_core::CompletionOptions::with_tools
//! [`ErrorKind`]: towline_core::ErrorKind
//! [`ErrorKind::Protocol`]: towline_core::ErrorKind::Protocol
//! [`ErrorKind::Unsupported`]: towline_core::ErrorKind::Unsupported
//! [`Message::with_cache_hint`]: towline_core::Message::with_cache_hint

mod client;
mod config;
mod convert;
mod error;
mod limits;
mod models;
mod stream;
mod wire;

pub use self::{
    client::{Anthropic, CallFuture},
    config::{AnthropicConfig, AnthropicConfigBuilder},
};

use towline_core::{Capabilities, Capability};

/// What the provider can do; a model may do less.
pub const CAPABILITIES: Capabilities = Capabilities::of(&[
    Capability::Tools,
    Capability::ParallelTools,
    Capability::ToolChoice,
    Capability::Vision,
    Capability::Files,
    Capability::SchemaOutput,
    Capability::Reasoning,
    Capability::ReasoningReplay,
    Capability::StreamingUsage,
    Capability::PromptCache,
    Capability::ModelList,
]);

/// The name of the dialect: its reasoning carries it, and raw fields are addressed to it.
const DIALECT: &str = "anthropic";
