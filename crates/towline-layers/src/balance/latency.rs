//! How long answers take to begin.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::time::Instant;

/// A moving average of how long answers take to begin, in one atomic word: seconds as an `f32`, and
/// the millisecond in which it was last heard of. 0 where nothing is known.
#[derive(Default)]
pub(super) struct Latency {
    word: AtomicU64,
}

/// Milliseconds since the balancer was made, modulo 2^32: seven weeks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Millis(pub(super) u32);

/// What is known: so many seconds, as of then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    seconds: f32,
    at: Millis,
}

/// After so many milliseconds an old value counts for a bit more than a third.
const DECAY: f32 = 10_000.0;

/// In seconds, where nothing is known of anybody.
const DEFAULT: f32 = 1.0;

// === impl Latency ===

impl Latency {
    /// An answer began after `seconds`.
    pub(super) fn observe(&self, now: Millis, seconds: f32) {
        self.update(|known| {
            let Some(known) = known else {
                return Some(Known { seconds, at: now });
            };
            // Many answers within a millisecond weigh together as much as that time does: nothing.
            let kept = (known.at != now).then(|| known.kept(now))?;
            let seconds = known.seconds * kept + seconds * (1.0 - kept);
            Some(Known { seconds, at: now })
        });
    }

    /// A failure counts like an answer that took `seconds`, at once and in full: a deployment that
    /// fails fast must not look fast.
    pub(super) fn penalise(&self, now: Millis, seconds: f32) {
        self.update(|known| {
            let seconds = known.map_or(seconds, |known| known.seconds.max(seconds));
            Some(Known { seconds, at: now })
        });
    }

    /// An answer had not begun after `seconds`, and nobody waits for it any more.
    pub(super) fn at_least(&self, now: Millis, seconds: f32) {
        if self.known().map_or(DEFAULT, Known::seconds) < seconds {
            self.observe(now, seconds);
        }
    }

    pub(super) fn known(&self) -> Option<Known> {
        Known::unpack(self.word.load(Ordering::Relaxed))
    }

    fn update(&self, change: impl Fn(Option<Known>) -> Option<Known>) {
        let mut word = self.word.load(Ordering::Relaxed);
        while let Some(known) = change(Known::unpack(word)) {
            let next = known.pack();
            let swapped =
                self.word
                    .compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return,
                Err(found) => word = found,
            }
        }
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.known().fmt(f)
    }
}

// === impl Known ===

impl Known {
    pub(super) const fn seconds(self) -> f32 {
        self.seconds
    }

    /// Two deployments side by side. What is not known is taken to be as good as the other, and never
    /// worse than [`DEFAULT`]: the other may have failed. The slower value fades towards the faster
    /// one as it grows old, so that a deployment that was slow or failed is tried again.
    pub(super) fn side_by_side(a: Option<Self>, b: Option<Self>, now: Millis) -> (f32, f32) {
        match (a, b) {
            (None, None) => (DEFAULT, DEFAULT),
            (Some(a), None) => (a.seconds, a.seconds.min(DEFAULT)),
            (None, Some(b)) => (b.seconds.min(DEFAULT), b.seconds),
            (Some(a), Some(b)) if a.seconds < b.seconds => (a.seconds, b.fade(a.seconds, now)),
            (Some(a), Some(b)) => (a.fade(b.seconds, now), b.seconds),
        }
    }

    fn fade(self, towards: f32, now: Millis) -> f32 {
        let more = self.seconds - towards;
        // What is of now has not faded.
        if more > 0.0 && self.at != now {
            return towards + more * self.kept(now);
        }
        self.seconds
    }

    /// The share of the value that is left at `now`.
    fn kept(self, now: Millis) -> f32 {
        (now.since(self.at) / -DECAY).exp()
    }

    fn pack(self) -> u64 {
        // Never 0: an answer takes some time.
        let seconds = self.seconds.max(f32::MIN_POSITIVE);
        (u64::from(seconds.to_bits()) << 32) | u64::from(self.at.0)
    }

    fn unpack(word: u64) -> Option<Self> {
        if word == 0 {
            return None;
        }
        let [a, b, c, d, e, f, g, h] = word.to_be_bytes();
        Some(Self {
            seconds: f32::from_bits(u32::from_be_bytes([a, b, c, d])),
            at: Millis(u32::from_be_bytes([e, f, g, h])),
        })
    }
}

// === impl Millis ===

impl Millis {
    pub(super) fn between(began: Instant, now: Instant) -> Self {
        let time = now.saturating_duration_since(began);
        let millis = time.as_secs().wrapping_mul(1_000);
        let millis = millis.wrapping_add(u64::from(time.subsec_millis()));
        Self(u32::try_from(millis & u64::from(u32::MAX)).unwrap_or(0))
    }

    /// In milliseconds; zero where another thread has looked at the clock a little later.
    fn since(self, earlier: Self) -> f32 {
        let passed = self.0.wrapping_sub(earlier.0);
        number(if passed > u32::MAX / 2 { 0 } else { passed })
    }
}

#[expect(clippy::cast_precision_loss, reason = "loads are compared roughly")]
pub(super) const fn number(count: u32) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests;
