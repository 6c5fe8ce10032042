//! Towline: a production runtime for large language models, built on tower.
//!
//! This crate puts the others together: settings become a [`Client`] that asks the configured
//! model, whoever runs it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = towline::config::Loader::new().process_env().discover().load()?;
//! # let sim = towline_sim::Simulator::start().await?;
//! # let settings = towline::config::Loader::new()
//! #     .set("towline.llm.model=openai/gpt-4o-mini")
//! #     .set(format!("towline.openai.base_url={}", sim.base_url()))
//! #     .load()?;
//! let client = towline::connect(&settings).await?;
//! let answer = client.complete("Say hello in five words.").await?;
//! println!("{}", answer.text());
//! client.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The settings are a model and its key, from the environment or a file:
//!
//! ```text
//! LLM_MODEL=openai/gpt-4o-mini
//! OPENAI_API_KEY=...
//! ```
//!
//! # What is where
//!
//! - [`connect`] makes a client from settings, with the providers whose features are on.
//! - [`Client`] is what a program holds: [`complete`](Client::complete),
//!   [`stream`](Client::stream), [`embed`](Client::embed), [`validate`](Client::validate),
//!   [`close`](Client::close).
//! - [`Registry`] and [`Provider`] are how other providers plug in.
//! - [`Client::from_service`] takes a tower service instead: a stack that you composed yourself.
//! - Messages, options and errors are those of [`core`], settings those of [`config`]: both are
//!   the crates of these names, re-exported so that one dependency is enough.
//!
//! # Features
//!
//! A provider and a format for the settings make a useful client: `features = ["openai", "toml"]`.
//!
//! - `openai`: OpenAI and the many servers that speak its dialect.
//! - `anthropic`, `azure`, `ollama`: these providers, each through its own API. Ollama's OpenAI dialect
//!   is reached as `openai-compatible`, at its address with `/v1`.
//! - `toml`, `yaml`, `json`, `hocon`, `dotenv`: formats of settings files. The environment needs none.
//! - `platform-verifier` (default): trust the certificates that the system trusts.
//! - `webpki-roots`: trust Mozilla's, compiled in.
//! - `responses` (default): the Responses API of OpenAI and Azure beside chat completions.
//! - `http2`: HTTP/2, where the server agrees to it.
//! - `sim`: [`simulated`], a client of a built-in provider simulator.
//! - `full`: all of these but `webpki-roots`.

mod accumulator;
mod budget;
mod client;
mod prompt;
mod provider;
mod registry;
#[cfg(feature = "sim")]
mod simulated;
mod stack;

pub use self::{
    accumulator::Accumulator,
    budget::{Headroom, Share},
    client::{Client, ClientBuilder, Validation},
    prompt::Prompt,
    provider::{BoxFuture, Provider, ServiceTarget, Target},
    registry::Registry,
    stack::{Deployment, Stack},
};
#[cfg(feature = "sim")]
pub use simulated::simulated;
pub use towline_config as config;
pub use towline_core as core;
pub use towline_layers as layers;

use towline_config::Settings;
use towline_core::Error;

/// Makes the client that `settings` describe, with the built-in providers.
///
/// Sends nothing yet: [`Client::validate`] tells whether it works.
///
/// # Errors
///
/// As [`Registry::connect`].
///
/// # Cancel safety
///
/// Nothing is left behind when the future is dropped.
pub async fn connect(settings: &Settings) -> Result<Client, Error> {
    Registry::builtin().connect(settings).await
}
