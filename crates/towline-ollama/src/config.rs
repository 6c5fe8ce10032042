//! What a client of one server needs to know.

mod builder;
mod keep_alive;

pub use self::{builder::OllamaConfigBuilder, keep_alive::KeepAlive};

use http::{HeaderMap, Uri};
use std::{fmt, sync::Arc};
use towline_core::{Error, ErrorKind, Secret, Text, redact, redact_id};
use towline_transport::KeyHeader;

/// Where a server listens that was started without settings.
pub const DEFAULT_BASE_URL: &str = "http://localhost:11434";

/// Settings of a client: where the server is, what goes into the headers. Built once; header values
/// are prepared here and not per call. A key that can change is prepared again when it did.
#[derive(Clone)]
pub struct OllamaConfig {
    name: Text,
    key: Arc<KeyHeader>,
    /// What must not stand in a message, besides keys that came later.
    secrets: Vec<Secret>,
    /// The headers of every request, with the key of when they were built.
    headers: HeaderMap,
    keep_alive: Option<KeepAlive>,
    origin: Origin,
    paths: Paths,
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

// === impl OllamaConfig ===

impl OllamaConfig {
    /// Starts from the base URL of the server, such as [`DEFAULT_BASE_URL`] or `https://ollama.com`;
    /// `/api` at its end is understood. The host must be the same as that of the channel below.
    #[must_use]
    pub fn builder(base_url: impl Into<String>) -> OllamaConfigBuilder {
        OllamaConfigBuilder::new(base_url.into())
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

fn endpoint(base: &str, name: &str) -> Result<Uri, Error> {
    let uri = format!("{base}/api/{name}");
    uri.parse().map_err(|cause| {
        invalid("the path of the base URL cannot be used".to_owned()).with_source(cause)
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
