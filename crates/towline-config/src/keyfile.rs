//! A secret in a file, read again when the file changes.

use crate::edge::{self, Stamp};
use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};
use towline_core::{CredentialSource, Secret};

/// Hears what is wrong with a file.
pub(crate) type Notice = Box<dyn Fn(&str) + Send + Sync>;

/// The secret that a file holds now. Looks at the file before each call, and reads it when it is
/// another one than before.
pub(crate) struct KeyFile {
    path: PathBuf,
    notice: Option<Notice>,
    held: Mutex<Held>,
}

struct Held {
    secret: Secret,
    version: u64,
    /// The file as it was when it was read last.
    stamp: Option<Stamp>,
    trouble: Option<String>,
}

// === impl KeyFile ===

impl KeyFile {
    /// The file at `path`, out of which `secret` was read before.
    pub(crate) fn new(path: PathBuf, secret: Secret, notice: Option<Notice>) -> Self {
        let held = Held {
            secret,
            version: 1,
            stamp: None,
            trouble: None,
        };
        Self {
            path,
            notice,
            held: Mutex::new(held),
        }
    }

    /// Takes the file in if it is another one than before. Gives what has to be said.
    fn look(&self, held: &mut Held) -> Option<String> {
        let stamp = edge::stamp(&self.path);
        if stamp.is_some() && stamp == held.stamp {
            return None;
        }
        held.stamp = stamp;
        let fault = match edge::read_secret(&self.path) {
            Ok(secret) => {
                held.take(secret);
                return None;
            }
            Err(unread) => unread.at(&self.path),
        };
        let problem = fault.problem();
        let trouble = format!("{problem}; the key that was read from it before stays in use");
        let news = held.trouble.as_ref() != Some(&trouble);
        held.trouble = Some(trouble.clone());
        news.then_some(trouble)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialSource for KeyFile {
    fn version(&self) -> u64 {
        let mut held = self.lock();
        let news = self.look(&mut held);
        let version = held.version;
        drop(held);
        if let (Some(news), Some(notice)) = (news, &self.notice) {
            notice(&news);
        }
        version
    }

    fn secret(&self) -> Secret {
        self.lock().secret.clone()
    }

    fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

// === impl Held ===

impl Held {
    fn take(&mut self, secret: Secret) {
        self.trouble = None;
        if self.secret != secret {
            self.secret = secret;
            self.version += 1;
        }
    }
}
