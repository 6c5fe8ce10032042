//! Typed settings for Towline from command line, environment and files: the only reader of either.
//!
//! A [`Loader`] names the sources, [`Loader::load`] reads them all and gives [`Settings`]. For every
//! key the order is, highest first:
//!
//! 1. overrides from the command line, [`Loader::set`];
//! 2. the environment: `TOWLINE_<KEY>`, then the names of the LLM4S guide such as `OPENAI_API_KEY`;
//! 3. a `.env` file;
//! 4. settings files: `towline.toml` (or YAML, JSON, HOCON), below it `application.conf`;
//! 5. the built-in default.
//!
//! Keys live under `towline` or `llm4s`, in kebab, camel or snake case. `${NAME}` in a file is
//! replaced by a variable, `${?NAME}` leaves the key out when it is not set, `$${` is a plain `${`.
//! Each secret `X` has a twin `X_FILE` (key `x_file`) that names a file which holds it; that of an API
//! key is read again when it changes ([`ProviderSettings::credential`]). Blank values
//! count as missing. The settings of the layers around a call are in [`stack`]. All keys are in `docs/configuration.md`, which [`reference()`] writes.
//!
//! Wrong settings are told all at once, each with key, variable, origin and remedy, and never with
//! the value of a secret.
//!
//! # Examples
//!
//! ```
//! use towline_config::Loader;
//!
//! // A program calls `Loader::new().process_env().discover()`.
//! let settings = Loader::new()
//!     .env([("LLM_MODEL", "groq/llama-3.3-70b-versatile"), ("GROQ_API_KEY", "gsk-test")])
//!     .load()?;
//!
//! let provider = settings.llm()?.expect("a model is set");
//! assert_eq!(provider.base_url(), Some("https://api.groq.com/openai/v1"));
//!
//! let key = settings.sources().find(|source| source.key() == "towline.groq.api_key");
//! assert_eq!(key.map(|key| key.to_string()).as_deref(),
//!     Some("towline.groq.api_key = *** (environment GROQ_API_KEY)"));
//! # Ok::<(), towline_config::ConfigError>(())
//! ```
//!
//! # Features
//!
//! `toml`, `yaml`, `json`, `hocon`, `dotenv`, one per format, none by default; `full` is all of
//! them. A file of a format that is off is a fault that says so.

mod configured;
mod edge;
mod error;
mod format;
mod key;
mod keyfile;
mod layer;
mod loader;
mod provider;
mod reference;
mod resolve;
mod settings;
mod source;
pub mod stack;
mod substitute;
mod transport;
mod vendor;

pub use self::{
    configured::Configured,
    edge::{read_named_file, read_named_text},
    error::{ConfigError, Fault},
    format::Format,
    loader::Loader,
    provider::{ProviderSettings, Timeouts},
    reference::reference,
    settings::Settings,
    source::Source,
    transport::TransportSettings,
    vendor::Vendor,
};
