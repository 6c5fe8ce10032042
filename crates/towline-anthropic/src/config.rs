//! What a client needs to know.

use crate::DIALECT;
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use std::{fmt, sync::Arc};
use towline_core::{Credential, Error, ErrorKind, Secret, Text, redact, redact_id};
use towline_transport::KeyHeader;

/// Settings of a client: where the API is, what goes into the headers. Built once; header values are
/// prepared here and not per call. A key that can change is prepared again when it did.
#[derive(Clone)]
pub struct AnthropicConfig {
    name: Text,
    key: Arc<KeyHeader>,
    /// What must not stand in a message, besides keys that came later.
    secrets: Vec<Secret>,
    /// The headers of every request, with the key of now.
    headers: HeaderMap,
    messages: Uri,
    count_tokens: Uri,
    models: String,
    default_max_tokens: u64,
    max_body: usize,
}

/// Builds an [`AnthropicConfig`].
#[derive(Clone)]
pub struct AnthropicConfigBuilder {
    base_url: String,
    name: Text,
    api_key: Credential,
    version: String,
    beta: Vec<String>,
    headers: Vec<(String, Secret)>,
    default_max_tokens: u64,
    max_body: usize,
}

/// The header of the key.
const KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The version of the API, unless set otherwise.
const VERSION: &str = "2023-06-01";

/// The limit of output tokens where a request sets none: that of LLM4S.
const MAX_TOKENS: u64 = 2048;

/// The largest complete answer, unless set otherwise: 32 MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

// === impl AnthropicConfig ===

impl AnthropicConfig {
    /// Starts from the base URL of the API, `https://api.anthropic.com`, with or without `/v1` at its
    /// end. The path must be the same as that of the channel below.
    #[must_use]
    pub fn builder(base_url: impl Into<String>) -> AnthropicConfigBuilder {
        AnthropicConfigBuilder {
            base_url: base_url.into(),
            name: Text::from_static(DIALECT),
            api_key: Credential::none(),
            version: VERSION.to_owned(),
            beta: Vec::new(),
            headers: Vec::new(),
            default_max_tokens: MAX_TOKENS,
            max_body: MAX_BODY,
        }
    }

    /// The name under which answers and errors speak of this provider.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The limit of output tokens where a request sets none.
    #[must_use]
    pub const fn default_max_tokens(&self) -> u64 {
        self.default_max_tokens
    }

    pub(crate) const fn name_text(&self) -> &Text {
        &self.name
    }

    /// Puts the headers of every request into `headers`, with the newest key.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        headers.clone_from(&self.headers);
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

    pub(crate) const fn messages(&self) -> &Uri {
        &self.messages
    }

    pub(crate) const fn count_tokens(&self) -> &Uri {
        &self.count_tokens
    }

    /// The path of the model list, to which a query is added.
    pub(crate) fn models(&self) -> &str {
        &self.models
    }

    pub(crate) const fn max_body(&self) -> usize {
        self.max_body
    }
}

/// Shows no header value.
impl fmt::Debug for AnthropicConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnthropicConfig")
            .field("name", &self.name)
            .field("messages", &self.messages)
            .field("default_max_tokens", &self.default_max_tokens)
            .finish_non_exhaustive()
    }
}

// === impl AnthropicConfigBuilder ===

impl AnthropicConfigBuilder {
    /// The name of this provider in answers and errors. The default is `anthropic`.
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = name.into();
        self
    }

    /// The key, sent as `x-api-key`: one that stays, or a [`Credential`] that can change between two
    /// calls. Servers of one's own often need none. A [`header`](Self::header) of that name takes its
    /// place.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Credential>) -> Self {
        self.api_key = key.into();
        self
    }

    /// The version of the API, sent as `anthropic-version`. The default is `2023-06-01`.
    ///
    /// Source: <https://docs.anthropic.com/en/api/versioning> (November 2026).
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Asks for a feature that is in beta, in the header `anthropic-beta`. Several add up.
    #[must_use]
    pub fn beta(mut self, feature: impl Into<String>) -> Self {
        self.beta.push(feature.into());
        self
    }

    /// Adds a header to every request. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The limit of output tokens where a request sets none: the API insists on one. What thinking
    /// may take comes on top of it. The default is 2,048.
    #[must_use]
    pub const fn default_max_tokens(mut self, tokens: u64) -> Self {
        self.default_max_tokens = tokens;
        self
    }

    /// The largest complete answer in bytes. The default is 32 MiB.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Checks everything and prepares the headers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the setting: a URL that is none, a key or header that cannot
    /// be sent, a limit of zero tokens.
    pub fn build(self) -> Result<AnthropicConfig, Error> {
        let base: Uri = self
            .base_url
            .parse()
            .map_err(|cause| invalid("the base URL is not a URL".to_owned()).with_source(cause))?;
        if self.default_max_tokens == 0 {
            return Err(invalid(
                "`default_max_tokens` is 0; an answer needs at least one token".to_owned(),
            ));
        }
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path);
        let key = self.key()?;
        let models = format!("{path}/v1/models");
        endpoint(&models)?;
        let headers = self.prepare_headers(&key)?;
        let secrets = self.headers.into_iter().map(|(_, value)| value);
        Ok(AnthropicConfig {
            headers,
            secrets: key.secrets().into_iter().chain(secrets).collect(),
            key: Arc::new(key),
            name: self.name,
            messages: endpoint(&format!("{path}/v1/messages"))?,
            count_tokens: endpoint(&format!("{path}/v1/messages/count_tokens"))?,
            models,
            default_max_tokens: self.default_max_tokens,
            max_body: self.max_body,
        })
    }

    fn key(&self) -> Result<KeyHeader, Error> {
        let mut names = self.headers.iter().map(|(name, _)| name);
        let credential = if names.any(|name| name.eq_ignore_ascii_case(KEY.as_str())) {
            Credential::none()
        } else {
            self.api_key.clone()
        };
        KeyHeader::plain(KEY, credential)
    }

    fn prepare_headers(&self, key: &KeyHeader) -> Result<HeaderMap, Error> {
        const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
        const BETA: HeaderName = HeaderName::from_static("anthropic-beta");
        let mut headers = HeaderMap::with_capacity(12);
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json.clone());
        headers.insert(ACCEPT, json);
        let agent = concat!("towline/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(VERSION, plain("the API version", &self.version)?);
        if !self.beta.is_empty() {
            headers.insert(BETA, plain("a beta feature", &self.beta.join(","))?);
        }
        key.write(&mut headers);
        for (number, (name, value)) in (1..).zip(&self.headers) {
            let what = format!("extra header {number}");
            headers.insert(header_name(name, &what)?, sensitive(&what, value)?);
        }
        Ok(headers)
    }
}

/// Shows neither the address nor a header value.
impl fmt::Debug for AnthropicConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnthropicConfigBuilder")
            .field("name", &self.name)
            .field("default_max_tokens", &self.default_max_tokens)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

/// A header value that no log shows.
fn sensitive(what: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let mut value = plain(what, secret.expose())?;
    value.set_sensitive(true);
    Ok(value)
}

fn plain(what: &str, text: &str) -> Result<HeaderValue, Error> {
    // The cause is left out: it may quote the value.
    HeaderValue::from_str(text).map_err(|_| {
        invalid(format!(
            "{what} holds characters that a header cannot carry; look for a line break or a quote in it"
        ))
    })
}

fn header_name(name: &str, what: &str) -> Result<HeaderName, Error> {
    // Neither the name nor the cause is shown: a slip of the pen puts the value there.
    name.parse().map_err(|_| {
        invalid(format!(
            "the name of {what} holds characters that a name of a header cannot have"
        ))
    })
}

fn endpoint(path: &str) -> Result<Uri, Error> {
    path.parse().map_err(|cause| {
        invalid("the path of the base URL cannot be used".to_owned()).with_source(cause)
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
