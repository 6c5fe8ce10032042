//! Keys that can change between two calls.

use crate::Secret;
use std::{fmt, sync::Arc};

/// What a provider proves itself with: nothing, one secret, or a source whose secret can change
/// between two calls. A clone shares the source.
///
/// Providers prepare what they send once for each [`version`](Self::version), and ask for that
/// number before each call. `Debug` shows no secret.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
/// use towline_core::{Credential, CredentialSource, Secret};
///
/// let fixed = Credential::from(Secret::new("sk-live-1234"));
/// assert_eq!(fixed.version(), 0);
///
/// /// A key that somebody hands over now and then.
/// #[derive(Default)]
/// struct Handed(Mutex<(u64, String)>);
///
/// impl CredentialSource for Handed {
///     fn version(&self) -> u64 {
///         self.0.lock().unwrap().0
///     }
///
///     fn secret(&self) -> Secret {
///         Secret::new(self.0.lock().unwrap().1.clone())
///     }
/// }
///
/// let handed = Credential::from_source(Handed::default());
/// assert!(handed.can_change());
/// ```
#[derive(Clone, Default)]
pub struct Credential {
    kind: Kind,
}

/// Where a secret comes from that can change between two calls.
///
/// Both functions are called from inside asynchronous code: they may look at a file, and must not
/// wait for a network. What has to be fetched is fetched in the background.
pub trait CredentialSource: Send + Sync {
    /// A number that is another one for each other secret. Asked before every call, so it has to be
    /// cheap. A source that looks for a new secret only when asked does it here.
    fn version(&self) -> u64;

    /// The secret that is in use now.
    fn secret(&self) -> Secret;

    /// Why a newer secret could not be had, in a sentence for a person; `None` while all is well.
    /// Providers add it to the error of a call that was refused. Never holds the secret.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// For those who keep a hand on the source.
impl<T: CredentialSource + ?Sized> CredentialSource for Arc<T> {
    fn version(&self) -> u64 {
        (**self).version()
    }

    fn secret(&self) -> Secret {
        (**self).secret()
    }

    fn trouble(&self) -> Option<String> {
        (**self).trouble()
    }
}

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Fixed(Secret),
    Source(Arc<dyn CredentialSource>),
}

// === impl Credential ===

impl Credential {
    /// No credential: for servers of one's own.
    #[must_use]
    pub const fn none() -> Self {
        Self { kind: Kind::None }
    }

    /// A secret that stays as it is.
    #[must_use]
    pub const fn fixed(secret: Secret) -> Self {
        Self {
            kind: Kind::Fixed(secret),
        }
    }

    /// A secret that can change between two calls.
    #[must_use]
    pub fn from_source(source: impl CredentialSource + 'static) -> Self {
        Self {
            kind: Kind::Source(Arc::new(source)),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self.kind, Kind::None)
    }

    /// Whether the secret can become another one.
    #[must_use]
    pub const fn can_change(&self) -> bool {
        matches!(self.kind, Kind::Source(_))
    }

    /// A number that is another one for each other secret; always 0 for a fixed one.
    #[must_use]
    pub fn version(&self) -> u64 {
        match &self.kind {
            Kind::Source(source) => source.version(),
            Kind::None | Kind::Fixed(_) => 0,
        }
    }

    /// The secret that is in use now.
    #[must_use]
    pub fn secret(&self) -> Option<Secret> {
        match &self.kind {
            Kind::None => None,
            Kind::Fixed(secret) => Some(secret.clone()),
            Kind::Source(source) => Some(source.secret()),
        }
    }

    /// Why a newer secret could not be had; `None` while all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match &self.kind {
            Kind::Source(source) => source.trouble(),
            Kind::None | Kind::Fixed(_) => None,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::None => "Credential(none)",
            Kind::Fixed(_) => "Credential(***)",
            Kind::Source(_) => "Credential(***, can change)",
        })
    }
}

impl From<Secret> for Credential {
    fn from(secret: Secret) -> Self {
        Self::fixed(secret)
    }
}

impl From<Option<Secret>> for Credential {
    fn from(secret: Option<Secret>) -> Self {
        secret.map_or_else(Self::none, Self::fixed)
    }
}
