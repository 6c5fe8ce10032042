//! The one server that a channel talks to.

use crate::fault;
use http::{HeaderValue, Uri, uri::Authority};
use towline_core::Error;

/// A base URL, taken apart once so that no call has to.
#[derive(Debug)]
pub(crate) struct Origin {
    https: bool,
    host: Box<str>,
    port: u16,
    base_path: Box<str>,
    text: Box<str>,
    authority: Authority,
    host_header: HeaderValue,
}

// === impl Origin ===

impl Origin {
    /// Reads `https://host:port/prefix`.
    ///
    /// No message repeats the URL: it may hold credentials, which is one of the faults.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let url = url.trim();
        if url.contains('#') {
            return Err(fault::config(
                "the base URL has a fragment (#...): leave it out",
            ));
        }
        let https = scheme(url)?;
        let uri: Uri = url
            .parse()
            .map_err(|error| fault::config(format!("the base URL is not a URL: {error}")))?;
        let Some(given) = uri.authority() else {
            return Err(fault::config("the base URL names no host"));
        };
        if given.as_str().contains('@') {
            return Err(fault::config(
                "the base URL has credentials in it (user@host): give the key as a setting of its own",
            ));
        }
        if uri.query().is_some() {
            return Err(fault::config(
                "the base URL has a query (?...): leave it out",
            ));
        }
        let default_port = if https { 443 } else { 80 };
        let port = port(given)?.unwrap_or(default_port);
        let name = given.host().to_ascii_lowercase();
        let shown = if port == default_port {
            name.clone()
        } else {
            format!("{name}:{port}")
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return Err(fault::config("the base URL names no host"));
        }
        Ok(Self {
            https,
            host: bare.into(),
            port,
            base_path: uri.path().trim_end_matches('/').into(),
            text: format!("{}://{shown}", if https { "https" } else { "http" }).into(),
            authority: shown.parse().map_err(|error| {
                fault::config(format!("the base URL's host is malformed: {error}"))
            })?,
            host_header: HeaderValue::try_from(shown).map_err(|error| {
                fault::config(format!("the base URL's host is malformed: {error}"))
            })?,
        })
    }

    pub(crate) const fn is_https(&self) -> bool {
        self.https
    }

    /// Name or address, IPv6 without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// `/v1`: no slash at the end, empty if there is no path.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }

    /// `https://api.example.com`, for messages.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Host, and the port unless it is the scheme's own.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) const fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }
}

/// Whether it is `https`.
fn scheme(url: &str) -> Result<bool, Error> {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("https") => Ok(true),
        Some("http") => Ok(false),
        Some(other) => Err(fault::config(format!(
            "the base URL has the scheme {other:?}: it must be http or https"
        ))),
        None => Err(fault::config(
            "the base URL has no scheme: it must begin with http:// or https://",
        )),
    }
}

/// The port as written. The `http` crate takes an unreadable one for none.
fn port(authority: &Authority) -> Result<Option<u16>, Error> {
    let after_host = authority.as_str().get(authority.host().len()..);
    match after_host.unwrap_or_default().strip_prefix(':') {
        None => Ok(None),
        Some(digits) => match digits.parse() {
            Ok(port) if port != 0 => Ok(Some(port)),
            _ => Err(fault::config(
                "the port of the base URL is no number from 1 to 65535",
            )),
        },
    }
}

#[cfg(test)]
mod tests;
