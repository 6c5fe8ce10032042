//! How long recent calls took to begin.

use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use std::{collections::VecDeque, time::Duration};

/// The last calls, and a percentile of them that is read without a lock.
#[derive(Debug)]
pub(super) struct Window {
    /// Nanoseconds; [`UNKNOWN`] until there is enough.
    percentile: AtomicU64,
    samples: Mutex<Samples>,
}

/// Nanoseconds, in the order in which they came and in that of their size.
#[derive(Debug, Default)]
struct Samples {
    recent: VecDeque<u64>,
    sorted: Vec<u64>,
}

/// Calls that are remembered.
pub(super) const SIZE: usize = 256;

const UNKNOWN: u64 = u64::MAX;

// === impl Window ===

impl Window {
    pub(super) fn new() -> Self {
        Self {
            percentile: AtomicU64::new(UNKNOWN),
            samples: Mutex::new(Samples::default()),
        }
    }

    /// A call took `time`. The percentile is known from `min` of them on.
    pub(super) fn record(&self, time: Duration, millionths: u32, min: usize) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(UNKNOWN - 1);
        let mut samples = lock(&self.samples);
        samples.push(nanos);
        if samples.sorted.len() >= min {
            let percentile = samples.percentile(millionths).unwrap_or(UNKNOWN);
            self.percentile.store(percentile, Ordering::Relaxed);
        }
    }

    /// The percentile of what was recorded, once that is enough.
    pub(super) fn percentile(&self) -> Option<Duration> {
        match self.percentile.load(Ordering::Relaxed) {
            UNKNOWN => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

// === impl Samples ===

impl Samples {
    fn push(&mut self, nanos: u64) {
        if self.recent.len() >= SIZE
            && let Some(oldest) = self.recent.pop_front()
            && let Ok(index) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(index);
        }
        self.recent.push_back(nanos);
        let index = self.sorted.partition_point(|sample| *sample < nanos);
        self.sorted.insert(index, nanos);
    }

    /// The smallest sample that this share of them does not exceed (nearest rank).
    fn percentile(&self, millionths: u32) -> Option<u64> {
        let share = usize::try_from(millionths).ok()?;
        let rank = (self.sorted.len() * share).div_ceil(1_000_000);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
