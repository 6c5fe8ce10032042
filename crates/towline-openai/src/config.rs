//! What a client of one server needs to know.

mod builder;
mod endpoint;

pub use self::builder::OpenAiConfigBuilder;
pub(crate) use self::endpoint::Endpoint;

use crate::{Api, Flavor, convert::rules::ModelRules};
use http::{HeaderMap, header::CONTENT_LENGTH};
use std::{fmt, sync::Arc};
use towline_core::{Secret, Text, redact, redact_id};
use towline_transport::KeyHeader;

/// Settings of a client: where the server is, how it differs, what goes into the headers. Built once;
/// header values are prepared here and not per call. A key that can change is prepared again when it did.
#[derive(Clone)]
pub struct OpenAiConfig {
    name: Text,
    flavor: Flavor,
    key: Arc<KeyHeader>,
    /// What must not stand in a message, besides keys that came later.
    secrets: Vec<Secret>,
    /// The headers of every request, with the key of now.
    headers: HeaderMap,
    api: Option<Api>,
    /// The model behind the names that requests give.
    base_model: Option<Text>,
    chat: Endpoint,
    responses: Endpoint,
    embeddings: Endpoint,
    models: Endpoint,
    stream_usage: bool,
    max_body: usize,
}

// === impl OpenAiConfig ===

impl OpenAiConfig {
    /// Starts from the base URL of the API, such as `https://api.openai.com/v1`. The path must be
    /// the same as that of the channel below.
    #[must_use]
    pub fn builder(base_url: impl Into<String>) -> OpenAiConfigBuilder {
        OpenAiConfigBuilder::new(base_url.into())
    }

    /// The name under which answers and errors speak of this provider.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the server differs from the dialect.
    #[must_use]
    pub const fn flavor(&self) -> Flavor {
        self.flavor
    }

    pub(crate) const fn name_text(&self) -> &Text {
        &self.name
    }

    /// Puts the headers of every request into `headers`, with the newest key.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        headers.clone_from(&self.headers);
        // Its place is for the length, which the connection adds: a clone has no room to spare.
        headers.remove(CONTENT_LENGTH);
        if self.key.can_change() {
            self.key.write(headers);
        }
    }

    /// `text` without what must not stand in a message.
    pub(crate) fn redact(&self, text: &str) -> String {
        redact(text, &self.key.secrets_with(&self.secrets))
    }

    /// The id of a call, as it may stand in an error. Of a key that stays nothing is copied.
    pub(crate) fn redact_id(&self, id: &str) -> Text {
        redact_id(id, &self.key.secrets_with(&self.secrets))
    }

    /// Why the newest key is not in use.
    pub(crate) fn key_trouble(&self) -> Option<String> {
        self.key.trouble()
    }

    pub(crate) const fn chat(&self) -> &Endpoint {
        &self.chat
    }

    /// The API through which the model `name` of a request is asked.
    pub(crate) fn api(&self, name: &str) -> Api {
        self.api
            .unwrap_or_else(|| Api::default_for(self.flavor, self.model(name)))
    }

    /// What the model `name` of a request takes.
    pub(crate) fn rules(&self, name: &str) -> ModelRules {
        ModelRules::of(self.flavor, self.model(name))
    }

    /// The model that is meant by `name`, which may be that of a deployment.
    fn model<'a>(&'a self, name: &'a str) -> &'a str {
        self.base_model.as_deref().unwrap_or(name)
    }

    pub(crate) const fn responses(&self) -> &Endpoint {
        &self.responses
    }

    pub(crate) const fn embeddings(&self) -> &Endpoint {
        &self.embeddings
    }

    pub(crate) const fn models(&self) -> &Endpoint {
        &self.models
    }

    pub(crate) const fn stream_usage(&self) -> bool {
        self.stream_usage
    }

    pub(crate) const fn max_body(&self) -> usize {
        self.max_body
    }
}

/// Shows no header value.
impl fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiConfig")
            .field("name", &self.name)
            .field("flavor", &self.flavor)
            .field("chat", &self.chat)
            .finish_non_exhaustive()
    }
}
