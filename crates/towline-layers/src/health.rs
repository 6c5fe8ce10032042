//! What a breaker tells those who pick among deployments.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Whether a deployment takes calls just now, told by whoever guards it, without asking it. Clones
/// are handles of the same deployment.
///
/// A breaker has one ([`Breaker::health`](crate::breaker::Breaker::health)); hand it to the
/// [`Deployment`](crate::balance::Deployment) that the breaker guards, and no call is sent there while
/// the breaker is open and another deployment is not. A guard of your own may tell in the same way.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use towline_layers::health::Health;
///
/// let health = Health::new();
/// let now = Instant::now();
/// assert!(health.admits(now));
/// health.eject_until(now + Duration::from_secs(30));
/// assert!(!health.admits(now));
/// assert_eq!(health.retry_after(now), Duration::from_secs(30));
/// assert!(health.admits(now + Duration::from_secs(30)));
/// ```
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    /// Nanoseconds from `began`: nobody is let in before that. 0 where everybody is let in.
    until: AtomicU64,
}

/// For ever, and longer than a program runs.
const NEVER: u64 = u64::MAX;

// === impl Health ===

impl Health {
    /// Takes calls.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                began: Instant::now(),
                until: AtomicU64::new(0),
            }),
        }
    }

    /// It takes calls from now on.
    pub fn admit(&self) {
        self.shared.until.store(0, Ordering::Release);
    }

    /// It takes no calls before `until`.
    pub fn eject_until(&self, until: Instant) {
        let until = self.since_began(until).max(1);
        self.shared.until.store(until, Ordering::Release);
    }

    /// It takes no calls before `until`, or later where somebody said so.
    #[cfg(feature = "balance")]
    pub(crate) fn eject_at_least_until(&self, until: Instant) {
        let until = self.since_began(until).max(1);
        self.shared.until.fetch_max(until, Ordering::AcqRel);
    }

    /// It takes no calls until somebody says otherwise.
    pub fn eject(&self) {
        self.shared.until.store(NEVER, Ordering::Release);
    }

    /// Whether it takes calls at `now`.
    #[must_use]
    pub fn admits(&self, now: Instant) -> bool {
        let until = self.shared.until.load(Ordering::Acquire);
        until == 0 || (until != NEVER && until <= self.since_began(now))
    }

    /// How long from `now` until it takes calls: zero where it does, [`Duration::MAX`] where nobody
    /// has said.
    #[must_use]
    pub fn retry_after(&self, now: Instant) -> Duration {
        match self.shared.until.load(Ordering::Acquire) {
            NEVER => Duration::MAX,
            until => Duration::from_nanos(until.saturating_sub(self.since_began(now))),
        }
    }

    /// Saturates below [`NEVER`].
    fn since_began(&self, at: Instant) -> u64 {
        let time = at.saturating_duration_since(self.shared.began);
        u64::try_from(time.as_nanos()).map_or(NEVER - 1, |nanos| nanos.min(NEVER - 1))
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows how long it takes no calls.
impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("retry_after", &self.retry_after(Instant::now()))
            .finish()
    }
}
