//! A key that a test hands over, and changes between two calls.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use towline_core::{Credential, CredentialSource, Secret};

/// The source of a key that changes when a test says so. A clone is the same source.
///
/// # Examples
///
/// ```
/// use towline_testkit::credential::HandedKey;
///
/// let source = HandedKey::new("first");
/// let credential = source.credential();
/// let before = credential.version();
/// source.hand_over("second");
/// assert_ne!(credential.version(), before);
/// assert_eq!(credential.secret().unwrap().expose(), "second");
/// ```
#[derive(Clone, Debug)]
pub struct HandedKey {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    version: AtomicU64,
    key: Mutex<Secret>,
}

/// What a [`HandedKey`] says is wrong with it, for errors that have to tell.
pub const TROUBLE: &str = "the vault is shut";

// === impl HandedKey ===

impl HandedKey {
    /// A source that holds `key`.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self {
            inner: Arc::new(Inner {
                version: AtomicU64::new(1),
                key: Mutex::new(Secret::new(key)),
            }),
        }
    }

    /// The next call has this key.
    pub fn hand_over(&self, key: &str) {
        *self.inner.key() = Secret::new(key);
        self.inner.version.fetch_add(1, Ordering::Release);
    }

    /// For the settings of a client.
    #[must_use]
    pub fn credential(&self) -> Credential {
        Credential::from_source(Arc::clone(&self.inner))
    }
}

// === impl Inner ===

impl Inner {
    fn key(&self) -> MutexGuard<'_, Secret> {
        // The key is replaced whole.
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialSource for Inner {
    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn secret(&self) -> Secret {
        self.key().clone()
    }

    fn trouble(&self) -> Option<String> {
        Some(TROUBLE.to_owned())
    }
}
