//! What is known of a queue from outside.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How many wait in a queue, and for how long. Clones look at the same queue; looking costs a read
/// of memory.
///
/// A layer that queues writes it; see the `with_gauge` of its layer.
#[derive(Clone)]
pub struct QueueGauge {
    shared: Arc<Shared>,
}

struct Shared {
    epoch: Instant,
    len: AtomicUsize,
    /// When the oldest came, in nanoseconds after the epoch and one. 0 where nobody waits.
    oldest: AtomicU64,
}

// === impl QueueGauge ===

impl QueueGauge {
    /// The gauge of a queue in which nobody waits yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                epoch: Instant::now(),
                len: AtomicUsize::new(0),
                oldest: AtomicU64::new(0),
            }),
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.len.load(Ordering::Relaxed)
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long the oldest has waited.
    #[must_use]
    pub fn oldest_age(&self) -> Option<Duration> {
        let nanos = self.shared.oldest.load(Ordering::Relaxed);
        let since = Duration::from_nanos(nanos.checked_sub(1)?);
        let now = Instant::now().saturating_duration_since(self.shared.epoch);
        Some(now.saturating_sub(since))
    }

    /// Shows what a queue is like now.
    #[cfg(any(feature = "limit", feature = "concurrency"))]
    pub(crate) fn show(&self, len: usize, oldest: Option<Instant>) {
        let nanos = oldest.map_or(0, |oldest| {
            let since = oldest.saturating_duration_since(self.shared.epoch);
            u64::try_from(since.as_nanos()).map_or(u64::MAX, |nanos| nanos.saturating_add(1))
        });
        self.shared.oldest.store(nanos, Ordering::Relaxed);
        self.shared.len.store(len, Ordering::Relaxed);
    }
}

impl Default for QueueGauge {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for QueueGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueGauge")
            .field("len", &self.len())
            .field("oldest_age", &self.oldest_age())
            .finish()
    }
}
