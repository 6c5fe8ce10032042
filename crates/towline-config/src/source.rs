//! Where each value came from.

use std::{borrow::Cow, fmt};

/// A key, its value as it may be shown, and its origin.
///
/// `Display` prints `towline.openai.api_key = *** (environment OPENAI_API_KEY)`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    pub(crate) key: String,
    pub(crate) shown: String,
    pub(crate) origin: String,
}

// === impl Source ===

impl Source {
    /// The key with its root.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value; `***` where it is a secret.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Where the value came from: `--set`, `environment NAME`, `.env NAME`, the name of a file, or
    /// `default`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key, self.shown, self.origin)
    }
}

/// An address with user, password, the values of its query, and its fragment replaced by `***`.
pub(crate) fn without_secrets(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Cow::Borrowed(url);
    };
    let (rest, fragment) = split_before(rest, '#');
    let (rest, query) = split_before(rest, '?');
    let (authority, path) = split_before(rest, '/');
    let host = authority.rsplit_once('@').map(|(_, host)| host);
    if host.is_none() && query.is_empty() && fragment.is_empty() {
        return Cow::Borrowed(url);
    }
    let user = if host.is_some() { "***@" } else { "" };
    let host = host.unwrap_or(authority);
    let fragment = if fragment.is_empty() { "" } else { "#***" };
    let query = masked_query(query);
    Cow::Owned(format!("{scheme}://{user}{host}{path}{query}{fragment}"))
}

/// `?a=1&b` as `?a=***&***`: what has no name may be a secret itself.
fn masked_query(query: &str) -> String {
    let Some(pairs) = query.strip_prefix('?') else {
        return String::new();
    };
    let masked: Vec<String> = pairs
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}=***"),
            None => "***".to_owned(),
        })
        .collect();
    format!("?{}", masked.join("&"))
}

/// Cuts before the first `sign`; the second half is empty where there is none.
fn split_before(text: &str, sign: char) -> (&str, &str) {
    text.split_at(text.find(sign).unwrap_or(text.len()))
}
