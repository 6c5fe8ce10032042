//! The way through an HTTP proxy, and the hosts that do not take it.

mod bypass;

use self::bypass::Bypass;
use crate::fault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use std::fmt;
use towline_core::{Error, Secret};

/// An HTTP proxy.
///
/// An `https` origin is reached by CONNECT, so the proxy sees host and port only. A request to an
/// `http` origin is handed to the proxy in absolute form.
///
/// # Examples
///
/// ```
/// use towline_transport::ProxyConfig;
///
/// let proxy = ProxyConfig::builder("http://user:secret@proxy.internal:3128")
///     .no_proxy("localhost, 10.0.0.0/8, .internal")
///     .build()?;
/// assert!(proxy.applies_to("api.example.com", 443));
/// assert!(!proxy.applies_to("models.internal", 8080));
/// assert!(!format!("{proxy:?}").contains("secret"));
/// # Ok::<_, towline_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ProxyConfig {
    host: String,
    port: u16,
    authorization: Option<HeaderValue>,
    bypass: Bypass,
}

/// Makes a [`ProxyConfig`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct ProxyConfigBuilder {
    /// May hold a password.
    url: Secret,
    credentials: Option<(String, Secret)>,
    no_proxy: Vec<String>,
}

// === impl ProxyConfig ===

impl ProxyConfig {
    /// Starts from the proxy's URL: `http://host:port`, with `user:password@` before the host where
    /// the proxy asks for it (percent-encoded as in any URL). The scheme may be left out, the port
    /// is 80 unless given.
    pub fn builder(url: impl Into<Secret>) -> ProxyConfigBuilder {
        ProxyConfigBuilder {
            url: url.into(),
            credentials: None,
            no_proxy: Vec::new(),
        }
    }

    /// Whether a connection to `port` on `host` goes through the proxy.
    #[must_use]
    pub fn applies_to(&self, host: &str, port: u16) -> bool {
        !self.bypass.matches(host, port)
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, for messages.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The `proxy-authorization` header, marked as sensitive.
    pub(crate) const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// Shows the address and the exceptions, and whether there is a password.
impl fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConfig")
            .field("address", &self.address())
            .field("authorization", &self.authorization.is_some())
            .field("no_proxy", &self.bypass)
            .finish()
    }
}

// === impl ProxyConfigBuilder ===

impl ProxyConfigBuilder {
    /// User and password, instead of those in the URL.
    pub fn credentials(mut self, user: impl Into<String>, password: Secret) -> Self {
        self.credentials = Some((user.into(), password));
        self
    }

    /// Hosts that are reached without the proxy: a list divided by commas or spaces, in the form of
    /// the `NO_PROXY` variable. May be called several times.
    ///
    /// - `example.com`: that host and the hosts below it;
    /// - `.example.com`: only the hosts below it;
    /// - `10.1.2.3`, `::1`: that address; `10.0.0.0/8`, `fd00::/8`: that network. Only a host given
    ///   as an address is compared, no name is looked up;
    /// - any of the above with `:port`: only on that port (IPv6 in brackets);
    /// - `*`: every host.
    pub fn no_proxy(mut self, list: impl AsRef<str>) -> Self {
        self.no_proxy.push(list.as_ref().to_owned());
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// [`Config`](towline_core::ErrorKind::Config) if the URL is not that of an HTTP proxy, or an
    /// entry of the exceptions cannot be read. No message repeats the URL.
    pub fn build(self) -> Result<ProxyConfig, Error> {
        let url = self.url.expose().trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(fault::config(format!(
                "the proxy URL has the scheme {scheme}: only http proxies are supported"
            )));
        }
        let (user_info, address) = match rest.rsplit_once('@') {
            Some((user_info, address)) => (Some(user_info), address),
            None => (None, rest),
        };
        let (host, port) = address_of(address)?;
        let authorization = match (&self.credentials, user_info) {
            (Some((user, password)), _) => {
                Some(basic(user.as_bytes(), password.expose().as_bytes())?)
            }
            (None, Some(user_info)) => {
                let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
                Some(basic(&percent_decoded(user), &percent_decoded(password))?)
            }
            (None, None) => None,
        };
        Ok(ProxyConfig {
            host,
            port,
            authorization,
            bypass: Bypass::parse(&self.no_proxy)?,
        })
    }
}

fn address_of(address: &str) -> Result<(String, u16), Error> {
    let malformed = || fault::config("the proxy URL is malformed: it must be http://host:port");
    let address = address.split(['/', '?', '#']).next().unwrap_or_default();
    let uri: Uri = format!("http://{address}/")
        .parse()
        .map_err(|_| malformed())?;
    let authority = uri.authority().ok_or_else(malformed)?;
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let given = authority
        .as_str()
        .get(authority.host().len()..)
        .unwrap_or_default();
    let port = match given.strip_prefix(':') {
        None => 80,
        Some(digits) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| {
                fault::config(
                    "the proxy URL has an unusable port: it must be a number from 1 to 65535",
                )
            })?,
    };
    if host.is_empty() {
        return Err(malformed());
    }
    Ok((host.to_owned(), port))
}

fn basic(user: &[u8], password: &[u8]) -> Result<HeaderValue, Error> {
    let pair = [user, b":", password].concat();
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| fault::config("the proxy's user and password cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Undoes percent-encoding. What is not an encoding stays as it is.
fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        match pair {
            (Some(high), Some(low)) if *byte == b'%' => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests;
