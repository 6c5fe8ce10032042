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

/// An address with user and password replaced by `***`.
pub(crate) fn without_userinfo(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Cow::Borrowed(url);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => Cow::Owned(format!("{scheme}://***@{host}{path}")),
        None => Cow::Borrowed(url),
    }
}
