//! What a client of one server needs to know.

mod keep_alive;

pub use self::keep_alive::KeepAlive;

use crate::DIALECT;
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use std::fmt;
use towline_core::{Error, ErrorKind, Secret, Text};

/// Where a server listens that was started without settings.
pub const DEFAULT_BASE_URL: &str = "http://localhost:11434";

/// Settings of a client: where the server is, what goes into the headers. Built once; header values
/// are prepared here and not per call.
#[derive(Clone)]
pub struct OllamaConfig {
    name: Text,
    secrets: Vec<Secret>,
    headers: HeaderMap,
    keep_alive: Option<KeepAlive>,
    origin: Origin,
    paths: Paths,
    max_body: usize,
}

/// Builds an [`OllamaConfig`].
#[derive(Clone, Debug)]
pub struct OllamaConfigBuilder {
    base_url: String,
    name: Option<Text>,
    api_key: Option<Secret>,
    headers: Vec<(String, Secret)>,
    keep_alive: Option<KeepAlive>,
    max_body: usize,
}

/// The server, in the words of messages.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Without user, password and path.
    pub(crate) url: String,
    pub(crate) host: String,
}

/// The paths of the API.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) chat: Uri,
    pub(crate) embed: Uri,
    pub(crate) tags: Uri,
    pub(crate) show: Uri,
    pub(crate) pull: Uri,
}

/// The largest complete answer, unless set otherwise: 32 MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

// === impl OllamaConfig ===

impl OllamaConfig {
    /// Starts from the base URL of the server, such as [`DEFAULT_BASE_URL`] or `https://ollama.com`;
    /// `/api` at its end is understood. The host must be the same as that of the channel below.
    #[must_use]
    pub fn builder(base_url: impl Into<String>) -> OllamaConfigBuilder {
        OllamaConfigBuilder {
            base_url: base_url.into(),
            name: None,
            api_key: None,
            headers: Vec::new(),
            keep_alive: None,
            max_body: MAX_BODY,
        }
    }

    /// The name under which answers and errors speak of this provider.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long the server keeps a model loaded after a call; `None` leaves it to the server.
    #[must_use]
    pub const fn keep_alive(&self) -> Option<&KeepAlive> {
        self.keep_alive.as_ref()
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

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) const fn paths(&self) -> &Paths {
        &self.paths
    }

    pub(crate) const fn max_body(&self) -> usize {
        self.max_body
    }
}

/// Shows no header value.
impl fmt::Debug for OllamaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OllamaConfig")
            .field("name", &self.name)
            .field("server", &self.origin.url)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

// === impl OllamaConfigBuilder ===

impl OllamaConfigBuilder {
    /// The name of this provider in answers and errors. The default is `ollama`.
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The key, sent as a bearer token. The cloud wants one, a server of one's own has none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Option<Secret>>) -> Self {
        self.api_key = key.into();
        self
    }

    /// Adds a header to every request. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long the server keeps a model loaded after a call. The default is the server's, five
    /// minutes unless its administrator set another.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: impl Into<Option<KeepAlive>>) -> Self {
        self.keep_alive = keep_alive.into();
        self
    }

    /// The largest complete answer in bytes. The default is 32 MiB.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Checks the settings and prepares what every call needs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the setting: a URL that is none, a key or header that cannot
    /// be sent.
    pub fn build(self) -> Result<OllamaConfig, Error> {
        let base: Uri = self.base_url.parse().map_err(|cause| {
            // Before the last `@` a password may stand.
            let shown = self.base_url.rsplit('@').next().unwrap_or_default();
            invalid(format!("the base URL `{shown}` is not a URL")).with_source(cause)
        })?;
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path);
        let (headers, secrets) = (self.prepare_headers()?, self.secrets());
        Ok(OllamaConfig {
            headers,
            secrets,
            name: self.name.unwrap_or_else(|| Text::from_static(DIALECT)),
            keep_alive: self.keep_alive,
            origin: Origin::of(&base),
            paths: Paths::below(path)?,
            max_body: self.max_body,
        })
    }

    fn secrets(&self) -> Vec<Secret> {
        let values = self.headers.iter().map(|(_, value)| value);
        self.api_key.iter().chain(values).cloned().collect()
    }

    fn prepare_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(8);
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json.clone());
        headers.insert(ACCEPT, json);
        let agent = concat!("towline/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(key) = &self.api_key {
            let bearer = Secret::new(format!("Bearer {}", key.expose()));
            headers.insert(AUTHORIZATION, sensitive("the API key", &bearer)?);
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

// === impl Origin ===

impl Origin {
    fn of(base: &Uri) -> Self {
        let host = base.host().unwrap_or("localhost");
        let scheme = base.scheme_str().unwrap_or("http");
        let port = base.port_u16().map(|port| format!(":{port}"));
        Self {
            url: format!("{scheme}://{host}{}", port.unwrap_or_default()),
            host: host.trim_matches(['[', ']']).to_owned(),
        }
    }

    /// Whether it is the vendor's cloud, where nobody can type a command.
    pub(crate) fn is_cloud(&self) -> bool {
        self.host == "ollama.com" || self.host.ends_with(".ollama.com")
    }
}

// === impl Paths ===

impl Paths {
    fn below(base: &str) -> Result<Self, Error> {
        Ok(Self {
            chat: endpoint(base, "chat")?,
            embed: endpoint(base, "embed")?,
            tags: endpoint(base, "tags")?,
            show: endpoint(base, "show")?,
            pull: endpoint(base, "pull")?,
        })
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

fn endpoint(base: &str, name: &str) -> Result<Uri, Error> {
    let uri = format!("{base}/api/{name}");
    uri.parse()
        .map_err(|cause| invalid(format!("`{uri}` is not a path")).with_source(cause))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
