//! Builds the settings, and checks them.

use super::{Endpoint, OpenAiConfig};
use crate::{Api, Flavor};
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT},
};
use std::{fmt, sync::Arc};
use towline_core::{Credential, Error, ErrorKind, Secret, Text};
use towline_transport::KeyHeader;

/// Builds an [`OpenAiConfig`].
#[derive(Clone)]
pub struct OpenAiConfigBuilder {
    base_url: String,
    name: Option<Text>,
    flavor: Option<Flavor>,
    api_key: Credential,
    key_header: Option<String>,
    organization: Option<String>,
    project: Option<String>,
    headers: Vec<(String, Secret)>,
    api: Option<Api>,
    base_model: Option<Text>,
    stream_usage: Option<bool>,
    paths: Paths,
    max_body: usize,
}

/// Below the base URL.
#[derive(Clone, Debug)]
struct Paths {
    chat: String,
    responses: String,
    embeddings: String,
    models: String,
}

/// The largest complete answer, unless set otherwise: 32 MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

// === impl OpenAiConfigBuilder ===

impl OpenAiConfigBuilder {
    pub(super) fn new(base_url: String) -> Self {
        Self {
            base_url,
            name: None,
            flavor: None,
            api_key: Credential::none(),
            key_header: None,
            organization: None,
            project: None,
            headers: Vec::new(),
            api: None,
            base_model: None,
            stream_usage: None,
            paths: Paths::default(),
            max_body: MAX_BODY,
        }
    }

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

    /// The key, sent as a bearer token: a [`Secret`], an `Option` of one, or a [`Credential`] that
    /// can change between two calls. Servers of one's own often need none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Credential>) -> Self {
        self.api_key = key.into();
        self
    }

    /// The header in which the key goes, bare. The default is a bearer token in `authorization`.
    #[must_use]
    pub fn key_header(mut self, name: impl Into<String>) -> Self {
        self.key_header = Some(name.into());
        self
    }

    /// Where completions go, below the base URL. The default is `chat/completions`. In this and the
    /// other paths `{model}` stands for the model of the request, percent-encoded.
    #[must_use]
    pub fn chat_path(mut self, path: impl Into<String>) -> Self {
        self.paths.chat = path.into();
        self
    }

    /// Where completions of the Responses API go. The default is `responses`.
    #[must_use]
    pub fn responses_path(mut self, path: impl Into<String>) -> Self {
        self.paths.responses = path.into();
        self
    }

    /// Where embeddings go. The default is `embeddings`.
    #[must_use]
    pub fn embeddings_path(mut self, path: impl Into<String>) -> Self {
        self.paths.embeddings = path.into();
        self
    }

    /// Where the models are listed. The default is `models`.
    #[must_use]
    pub fn models_path(mut self, path: impl Into<String>) -> Self {
        self.paths.models = path.into();
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

    /// The model behind the names that requests give, where those are names of deployments: by it is
    /// told which options are taken, and through which API to ask. The default is the name itself.
    #[must_use]
    pub fn base_model(mut self, model: impl Into<Option<Text>>) -> Self {
        self.base_model = model.into();
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
        let base: Uri = self
            .base_url
            .parse()
            .map_err(|cause| invalid("the base URL is not a URL".to_owned()).with_source(cause))?;
        let host = base.host().unwrap_or_default();
        let flavor = self.flavor.or_else(|| Flavor::by_host(host));
        let flavor = flavor.unwrap_or(Flavor::COMPATIBLE);
        #[cfg(not(feature = "responses"))]
        if self.api == Some(Api::Responses) {
            return Err(crate::api::not_built_in());
        }
        let stream_options = flavor.traits().stream_options;
        let path = base.path().trim_end_matches('/');
        let key = self.key()?;
        let headers = self.prepare_headers(&key, &base)?;
        let secrets = self.headers.iter().map(|(_, value)| value.clone());
        Ok(OpenAiConfig {
            secrets: key.secrets().into_iter().chain(secrets).collect(),
            headers,
            key: Arc::new(key),
            name: self
                .name
                .unwrap_or_else(|| Text::from_static(flavor.name())),
            flavor,
            api: self.api,
            base_model: self.base_model,
            chat: Endpoint::new(path, &self.paths.chat)?,
            responses: Endpoint::new(path, &self.paths.responses)?,
            embeddings: Endpoint::new(path, &self.paths.embeddings)?,
            models: Endpoint::new(path, &self.paths.models)?,
            stream_usage: self.stream_usage.unwrap_or(stream_options),
            max_body: self.max_body,
        })
    }

    fn key(&self) -> Result<KeyHeader, Error> {
        let name = self
            .key_header
            .as_deref()
            .map(|name| header_name(name, "the header of the key"))
            .transpose()?;
        let wanted = name.as_ref().unwrap_or(&AUTHORIZATION).as_str();
        // A header of that name that was set by hand takes its place.
        let by_hand = |(name, _): &(String, Secret)| name.eq_ignore_ascii_case(wanted);
        if self.headers.iter().any(by_hand) {
            return KeyHeader::bearer(Credential::none());
        }
        let credential = self.api_key.clone();
        match name {
            Some(name) => KeyHeader::plain(name, credential),
            None => KeyHeader::bearer(credential),
        }
    }

    fn prepare_headers(&self, key: &KeyHeader, base: &Uri) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(12);
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json.clone());
        headers.insert(ACCEPT, json);
        let agent = concat!("towline/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        // With it here the map need not grow on its way out.
        if let Some(host) = host(base) {
            headers.insert(HOST, host);
        }
        key.write(&mut headers);
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
        for (number, (name, value)) in (1..).zip(&self.headers) {
            let what = format!("extra header {number}");
            headers.insert(header_name(name, &what)?, sensitive(&what, value)?);
        }
        Ok(headers)
    }
}

/// Shows neither the address nor a header value.
impl fmt::Debug for OpenAiConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiConfigBuilder")
            .field("name", &self.name)
            .field("flavor", &self.flavor)
            .field("api", &self.api)
            .field("stream_usage", &self.stream_usage)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

// === impl Paths ===

impl Default for Paths {
    fn default() -> Self {
        Self {
            chat: "chat/completions".to_owned(),
            responses: "responses".to_owned(),
            embeddings: "embeddings".to_owned(),
            models: "models".to_owned(),
        }
    }
}

/// The host as a request names it: with the port where it is not that of the scheme.
fn host(base: &Uri) -> Option<HeaderValue> {
    let name = base.host()?;
    let usual = match base.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = match base.port_u16() {
        Some(port) if port != usual => format!("{name}:{port}"),
        _ => name.to_owned(),
    };
    host.parse().ok()
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

fn header_name(name: &str, what: &str) -> Result<HeaderName, Error> {
    // Neither the name nor the cause is shown: a slip of the pen puts the value there.
    name.parse().map_err(|_| {
        invalid(format!(
            "the name of {what} holds characters that a name of a header cannot have"
        ))
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
