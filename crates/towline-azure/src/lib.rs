//! Azure OpenAI, by deployment and API version, as a tower service.
//!
//! API version: `2025-01-01-preview` unless set otherwise, and v1 for the Responses API, checked in
//! November 2026 against the documentation and recorded exchanges.
//!
//! Source: <https://learn.microsoft.com/azure/ai-foundry/openai/reference>,
//! <https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>.
//!
//! | can do | how |
//! |---|---|
//! | completions, whole and streamed | `Service<Request>`, over chat completions or the Responses API |
//! | tools, parallel, in fragments by index | [`CompletionOptions::with_tools`] |
//! | JSON and JSON schema answers | [`CompletionOptions::with_response_format`] |
//! | images | by URL or by value, in user messages |
//! | files | by value or by id, in user messages; by URL through the Responses API |
//! | reasoning | effort out; text in; back through the Responses API |
//! | usage, with cached and reasoning tokens | also at the end of streams |
//! | prompt cache | the server's own affair; what it saved is in the usage |
//! | embeddings | `Service<EmbeddingRequest>` |
//! | model list | [`Azure::models`] |
//! | keys and tokens that change between two calls | [`AzureConfigBuilder::api_key`], [`AzureConfigBuilder::token`] with a [`Credential`](towline_core::Credential) |
//! | the same as data | [`CAPABILITIES`] |
//!
//! The dialect is that of `towline-openai`, whose docs say what of a request is sent how. Here stands
//! what is Azure's own:
//!
//! | what | how |
//! |---|---|
//! | the model of a request | is the name of the deployment, and goes into the path |
//! | API version | in the query; [`AzureConfigBuilder::api_version`] also takes `V2025_01_01_PREVIEW` |
//! | key | header `api-key`, or a bearer token of Microsoft Entra; both may change between two calls |
//! | paths | by deployment, with the model in the body, or v1: [`Surface`] |
//! | Responses API | [`AzureConfigBuilder::api`]; below `/openai/v1`, without a version |
//! | content filter | stopped prompts are an error of kind `content_filter` that names the filters, under whatever status; a stopped answer ends with that reason |
//! | rate limits | from the headers, but for the resets, whose unit changes; `-1` is unknown |
//! | waits | `retry-after-ms` and `retry-after`, the larger; then `x-rate-limit-reset-tokens`, then the text |
//! | a rate limit inside an answer with status 200 | is one: `response.failed` becomes an error of kind `rate_limit` |
//! | model list | the models that the resource can deploy, not its deployments |
//!
//! Which API a completion goes through, and which options a model takes, is told by the name of the
//! model ([`Api::default_for`](towline_openai::Api::default_for)):
//! [`AzureConfigBuilder::base_model`], or else the name of the deployment. One that is not named like
//! its model, and of which nothing else is said, is taken for a model of before reasoning.
//!
//! # Examples
//!
//! ```no_run
//! use tower::ServiceExt;
//! use towline_azure::{Azure, AzureConfig};
//! use towline_core::{Error, Request, Secret};
//! use towline_transport::Channel;
//!
//! # async fn example(key: Secret) -> Result<(), Error> {
//! let config = AzureConfig::builder("https://my-resource.openai.azure.com")
//!     .api_key(key)
//!     .build()?;
//! let channel = Channel::builder(config.base_url()).build()?;
//! let azure = Azure::new(config, channel);
//!
//! let answer = azure.oneshot(Request::new("my-gpt-4o", "Say hello.")).await?;
//! println!("{}", answer.collect().await?.text());
//! # Ok(())
//! # }
//! ```
//!
//! [`CompletionOptions::with_tools`]: towline_core::CompletionOptions::with_tools
//! [`CompletionOptions::with_response_format`]: towline_core::CompletionOptions::with_response_format

mod client;
mod config;

pub use self::{
    client::Azure,
    config::{AzureConfig, AzureConfigBuilder, Surface},
};
use towline_core::{Capabilities, Capability};

/// What is there through this crate. A deployed model may do less.
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
    Capability::Embeddings,
    Capability::ModelList,
]);
