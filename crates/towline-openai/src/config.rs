//! What a client of one server needs to know.

use crate::{Api, Flavor};
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use std::fmt;
use towline_core::{Error, ErrorKind, Secret, Text};

/// Settings of a client: where the server is, how it differs, what goes into the headers. Built once;
/// header values are prepared here and not per call.
#[derive(Clone)]
pub struct OpenAiConfig {
    name: Text,
    flavor: Flavor,
    secrets: Vec<Secret>,
    headers: HeaderMap,
    api: Option<Api>,
    chat: Uri,
    responses: Uri,
    embeddings: Uri,
    models: Uri,
    stream_usage: bool,
    max_body: usize,
}

/// Builds an [`OpenAiConfig`].
#[derive(Clone, Debug)]
pub struct OpenAiConfigBuilder {
    base_url: String,
    name: Option<Text>,
    flavor: Option<Flavor>,
    api_key: Option<Secret>,
    organization: Option<String>,
    project: Option<String>,
    headers: Vec<(String, Secret)>,
    api: Option<Api>,
    stream_usage: Option<bool>,
    max_body: usize,
}

/// The largest complete answer, unless set otherwise: 32 MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

// === impl OpenAiConfig ===

impl OpenAiConfig {
    /// Starts from the base URL of the API, such as `https://api.openai.com/v1`. The path must be
    /// the same as that of the channel below.
    #[must_use]
    pub fn builder(base_url: impl Into<String>) -> OpenAiConfigBuilder {
        OpenAiConfigBuilder {
            base_url: base_url.into(),
            name: None,
            flavor: None,
            api_key: None,
            organization: None,
            project: None,
            headers: Vec::new(),
            api: None,
            stream_usage: None,
            max_body: MAX_BODY,
        }
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

    /// What must not stand in a message.
    pub(crate) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) const fn chat(&self) -> &Uri {
        &self.chat
    }

    /// The API through which `model` is asked.
    pub(crate) fn api(&self, model: &str) -> Api {
        self.api
            .unwrap_or_else(|| Api::default_for(self.flavor, model))
    }

    pub(crate) const fn responses(&self) -> &Uri {
        &self.responses
    }

    pub(crate) const fn embeddings(&self) -> &Uri {
        &self.embeddings
    }

    pub(crate) const fn models(&self) -> &Uri {
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

// === impl OpenAiConfigBuilder ===

impl OpenAiConfigBuilder {
    /// The name of this provider in answers and errors. The default is that of the flavor.
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How the server differs from the dialect. The default is told by the host of the base URL;
    /// an unknown host is [`Flavor::COMPATIBLE`].
    #[must_use]
    pub const fn flavor(mut self, flavor: Flavor) -> Self {
        self.flavor = Some(flavor);
        self
    }

    /// The key, sent as a bearer token. Servers of one's own often need none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Option<Secret>>) -> Self {
        self.api_key = key.into();
        self
    }

    /// `OpenAI`'s organization.
    #[must_use]
    pub fn organization(mut self, organization: impl Into<Option<String>>) -> Self {
        self.organization = organization.into();
        self
    }

    /// `OpenAI`'s project.
    #[must_use]
    pub fn project(mut self, project: impl Into<Option<String>>) -> Self {
        self.project = project.into();
        self
    }

    /// Adds a header to every request. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Through which API to ask. The default is that of the model ([`Api::default_for`]).
    #[must_use]
    pub fn api(mut self, api: impl Into<Option<Api>>) -> Self {
        self.api = api.into();
        self
    }

    /// Whether to ask for the usage of streams with `stream_options`. The default is the flavor's;
    /// some servers refuse the option.
    #[must_use]
    pub fn stream_usage(mut self, ask: impl Into<Option<bool>>) -> Self {
        self.stream_usage = ask.into();
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
    /// be sent.
    pub fn build(self) -> Result<OpenAiConfig, Error> {
        let base: Uri = self.base_url.parse().map_err(|cause| {
            invalid(format!("the base URL `{}` is not a URL", self.base_url)).with_source(cause)
        })?;
        let host = base.host().unwrap_or_default();
        let flavor = self.flavor.or_else(|| Flavor::by_host(host));
        let flavor = flavor.unwrap_or(Flavor::COMPATIBLE);
        let stream_options = flavor.traits().stream_options;
        let path = base.path().trim_end_matches('/');
        let (headers, secrets) = (self.prepare_headers()?, self.secrets());
        Ok(OpenAiConfig {
            headers,
            name: self
                .name
                .unwrap_or_else(|| Text::from_static(flavor.name())),
            flavor,
            secrets,
            api: self.api,
            chat: endpoint(path, "chat/completions")?,
            responses: endpoint(path, "responses")?,
            embeddings: endpoint(path, "embeddings")?,
            models: endpoint(path, "models")?,
            stream_usage: self.stream_usage.unwrap_or(stream_options),
            max_body: self.max_body,
        })
    }

    fn secrets(&self) -> Vec<Secret> {
        let values = self.headers.iter().map(|(_, value)| value);
        self.api_key.iter().chain(values).cloned().collect()
    }

    fn prepare_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(12);
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json.clone());
        headers.insert(ACCEPT, json);
        let agent = concat!("towline/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(key) = &self.api_key {
            let bearer = Secret::new(format!("Bearer {}", key.expose()));
            headers.insert(AUTHORIZATION, sensitive("the API key", &bearer)?);
        }
        let scopes = [
            ("openai-organization", &self.organization),
            ("openai-project", &self.project),
        ];
        for (name, value) in scopes {
            if let Some(value) = value {
                let value = sensitive(name, &Secret::new(value.clone()))?;
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        for (name, value) in &self.headers {
            let header: HeaderName = name.parse().map_err(|cause| {
                invalid(format!("`{name}` cannot be the name of a header")).with_source(cause)
            })?;
            headers.insert(header, sensitive(name, value)?);
        }
        Ok(headers)
    }
}

/// A header value that no log shows.
fn sensitive(what: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    // The cause is left out: it may quote the value.
    let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
        invalid(format!(
            "{what} holds characters that a header cannot carry; look for a line break or a quote in it"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn endpoint(base: &str, path: &str) -> Result<Uri, Error> {
    let uri = format!("{base}/{path}");
    uri.parse()
        .map_err(|cause| invalid(format!("`{uri}` is not a path")).with_source(cause))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
