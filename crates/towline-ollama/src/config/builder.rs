//! Builds the settings, and checks them.

use super::{KeepAlive, OllamaConfig, Origin, Paths, invalid};
use crate::DIALECT;
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use std::{fmt, sync::Arc};
use towline_core::{Credential, Error, Secret, Text};
use towline_transport::KeyHeader;

/// Builds an [`OllamaConfig`].
#[derive(Clone)]
pub struct OllamaConfigBuilder {
    base_url: String,
    name: Option<Text>,
    api_key: Credential,
    headers: Vec<(String, Secret)>,
    keep_alive: Option<KeepAlive>,
    max_body: usize,
}

/// The largest complete answer, unless set otherwise: 32 MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

// === impl OllamaConfigBuilder ===

impl OllamaConfigBuilder {
    pub(super) const fn new(base_url: String) -> Self {
        Self {
            base_url,
            name: None,
            api_key: Credential::none(),
            headers: Vec::new(),
            keep_alive: None,
            max_body: MAX_BODY,
        }
    }

    /// The name of this provider in answers and errors. The default is `ollama`.
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The key, sent as a bearer token: a [`Secret`], an `Option` of one, or a [`Credential`] that
    /// can change between two calls. The cloud wants one, a server of one's own has none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Credential>) -> Self {
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
    /// [`ErrorKind::Config`](towline_core::ErrorKind::Config) that names the setting: a URL that is
    /// none, a key or header that cannot be sent.
    pub fn build(self) -> Result<OllamaConfig, Error> {
        let base: Uri = self
            .base_url
            .parse()
            .map_err(|cause| invalid("the base URL is not a URL".to_owned()).with_source(cause))?;
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path);
        let key = self.key()?;
        let headers = self.prepare_headers(&key)?;
        let secrets = self.headers.iter().map(|(_, value)| value.clone());
        Ok(OllamaConfig {
            secrets: key.secrets().into_iter().chain(secrets).collect(),
            headers,
            key: Arc::new(key),
            name: self.name.unwrap_or_else(|| Text::from_static(DIALECT)),
            keep_alive: self.keep_alive,
            origin: Origin::of(&base),
            paths: Paths::below(path)?,
            max_body: self.max_body,
        })
    }

    fn key(&self) -> Result<KeyHeader, Error> {
        // A header that was set by hand takes its place.
        let by_hand =
            |(name, _): &(String, Secret)| name.eq_ignore_ascii_case(AUTHORIZATION.as_str());
        if self.headers.iter().any(by_hand) {
            return KeyHeader::bearer(Credential::none());
        }
        KeyHeader::bearer(self.api_key.clone())
    }

    fn prepare_headers(&self, key: &KeyHeader) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(8);
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json.clone());
        headers.insert(ACCEPT, json);
        let agent = concat!("towline/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        key.write(&mut headers);
        for (number, (name, value)) in (1..).zip(&self.headers) {
            let what = format!("extra header {number}");
            headers.insert(header_name(name, &what)?, sensitive(&what, value)?);
        }
        Ok(headers)
    }
}

/// Shows neither the address nor a header value.
impl fmt::Debug for OllamaConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OllamaConfigBuilder")
            .field("name", &self.name)
            .field("keep_alive", &self.keep_alive)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

fn header_name(name: &str, what: &str) -> Result<HeaderName, Error> {
    // Neither the name nor the cause is shown: a slip of the pen puts the value there.
    name.parse().map_err(|_| {
        invalid(format!(
            "the name of {what} holds characters that a name of a header cannot have"
        ))
    })
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
