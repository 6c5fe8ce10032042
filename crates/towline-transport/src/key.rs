//! The header that carries a key.

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use std::{
    borrow::Cow,
    fmt,
    sync::{PoisonError, RwLock},
};
use towline_core::{Credential, Error, ErrorKind, Secret};

/// The header in which a provider wants its key: prepared once for each version of the
/// [`Credential`], marked sensitive, and written into a request without an allocation.
///
/// # Examples
///
/// ```
/// use http::HeaderMap;
/// use towline_core::Secret;
/// use towline_transport::KeyHeader;
///
/// let key = KeyHeader::bearer(Secret::new("sk-live-1234"))?;
/// let mut headers = HeaderMap::new();
/// key.write(&mut headers);
/// assert_eq!(headers["authorization"], "Bearer sk-live-1234");
/// assert!(headers["authorization"].is_sensitive());
/// # Ok::<(), towline_core::Error>(())
/// ```
pub struct KeyHeader {
    name: HeaderName,
    scheme: &'static str,
    credential: Credential,
    held: RwLock<Held>,
}

/// What was prepared last.
#[derive(Default)]
struct Held {
    version: u64,
    value: Option<HeaderValue>,
    /// The secret of `value`, and the one before it: a call that went out with that may still be
    /// answered.
    secrets: [Option<Secret>; 2],
    /// Why the newest secret could not be prepared.
    refused: Option<String>,
}

// === impl KeyHeader ===

impl KeyHeader {
    /// `authorization: Bearer KEY`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a key that a header cannot carry.
    pub fn bearer(credential: impl Into<Credential>) -> Result<Self, Error> {
        Self::new(AUTHORIZATION, "Bearer ", credential.into())
    }

    /// `NAME: KEY`.
    ///
    /// # Errors
    ///
    /// As [`bearer`](Self::bearer).
    pub fn plain(name: HeaderName, credential: impl Into<Credential>) -> Result<Self, Error> {
        Self::new(name, "", credential.into())
    }

    fn new(name: HeaderName, scheme: &'static str, credential: Credential) -> Result<Self, Error> {
        // The number first: a secret that changes in between is prepared once more, and never missed.
        let version = credential.version();
        let mut held = Held {
            version,
            ..Held::default()
        };
        if let Some(secret) = credential.secret() {
            held.value = Some(prepare(scheme, &secret)?);
            held.secrets = [Some(secret), None];
        }
        Ok(Self {
            name,
            scheme,
            credential,
            held: RwLock::new(held),
        })
    }

    /// Whether the value can become another one. Where it cannot, a prepared set of headers that
    /// holds it needs no second [`write`](Self::write).
    #[must_use]
    pub const fn can_change(&self) -> bool {
        self.credential.can_change()
    }

    /// Puts the header of the newest key in; nothing where there is no credential. A key that a
    /// header cannot carry is passed over: the one before it stays in use.
    pub fn write(&self, headers: &mut HeaderMap) {
        let version = self.credential.version();
        let known = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if known.version != version {
            drop(known);
            self.renew(version);
            return self.copy(
                &self.held.read().unwrap_or_else(PoisonError::into_inner),
                headers,
            );
        }
        self.copy(&known, headers);
    }

    /// The secrets that a message must not hold: the one in use and the one before it.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.secrets.iter().flatten().cloned().collect()
    }

    /// `held` and, where the key can change, the [`secrets`](Self::secrets) of now. Of a key that stays
    /// nothing is copied: it is to be among those that are held.
    #[must_use]
    pub fn secrets_with<'a>(&self, held: &'a [Secret]) -> Cow<'a, [Secret]> {
        if !self.can_change() {
            return Cow::Borrowed(held);
        }
        Cow::Owned([held, &self.secrets()].concat())
    }

    /// Why the newest key is not in use, for the error of a call that was refused.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let refused = held.refused.clone();
        drop(held);
        refused.or_else(|| self.credential.trouble())
    }

    fn copy(&self, held: &Held, headers: &mut HeaderMap) {
        if let Some(value) = &held.value {
            headers.insert(self.name.clone(), value.clone());
        }
    }

    fn renew(&self, version: u64) {
        let secret = self.credential.secret();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let Some(secret) = secret.filter(|_| held.version != version) else {
            return;
        };
        held.version = version;
        match prepare(self.scheme, &secret) {
            Ok(value) => {
                held.value = Some(value);
                held.refused = None;
                let before = held.secrets[0].replace(secret);
                held.secrets[1] = before;
            }
            Err(error) => {
                let message = error.message().unwrap_or_default();
                held.refused = Some(format!("{message}; the key before it stays in use"));
            }
        }
    }
}

impl fmt::Debug for KeyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHeader")
            .field("name", &self.name)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// A header value that no log shows.
fn prepare(scheme: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let text = Secret::new(format!("{scheme}{}", secret.expose()));
    // The cause is left out: it may quote the value.
    let mut value = HeaderValue::from_str(text.expose()).map_err(|_| {
        Error::new(ErrorKind::Config).with_message(
            "the API key holds characters that a header cannot carry; look for a line break or a quote in it",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
