//! Times to the first token, and what they say.

use super::Gradient;
use std::time::Duration;
use tokio::time::Instant;

/// More times than that say nothing new.
const MOST: usize = 1_024;

/// Fewer times than that say nothing.
const LEAST: usize = 10;

/// Gathers times, and compares them with what is normal.
#[derive(Debug)]
pub(super) struct Window {
    config: Gradient,
    times: Vec<Duration>,
    began: Option<Instant>,
    /// The normal time, in nanoseconds.
    normal: Option<u128>,
    slow: Option<Slow>,
}

/// The target has been slower than normal for some windows.
#[derive(Debug)]
struct Slow {
    /// The limit when that began.
    limit: u64,
    /// The longest time since.
    worst: u128,
}

// === impl Window ===

impl Window {
    pub(super) fn new(config: Gradient) -> Self {
        Self {
            config,
            times: Vec::with_capacity(MOST),
            began: None,
            normal: None,
            slow: None,
        }
    }

    /// Adds a time, taken under `limit`. Where that fills a window, says how much of the limit there is
    /// room for, in thousandths: 500 to 1000.
    pub(super) fn add(&mut self, time: Duration, limit: u64, now: Instant) -> Option<u64> {
        let began = *self.began.get_or_insert(now);
        if self.times.len() < MOST {
            self.times.push(time);
        }
        let age = now.saturating_duration_since(began);
        let full = age >= self.config.shortest && self.times.len() >= self.config.samples;
        let late = age >= self.config.longest && self.times.len() >= LEAST;
        (full || late).then(|| self.close(limit))
    }

    fn close(&mut self, limit: u64) -> u64 {
        self.times.sort_unstable();
        let at = self.times.len() * 9 / 10;
        let time = self.times.get(at).map_or(1, Duration::as_nanos).max(1);
        self.times.clear();
        self.began = None;
        let normal = self.normal.map_or(time, |normal| match time < normal {
            true => u128::midpoint(time, normal),
            false => normal,
        });
        let room = normal * u128::from(self.config.tolerance) * 10 / time;
        let room = u64::try_from(room).unwrap_or(1_000).clamp(500, 1_000);
        self.normal = Some(if self.is_slow_for_good(room, time, limit) {
            time
        } else {
            normal
        });
        room
    }

    /// Whether half of the calls made it no faster: then it is not the calls that make it slow.
    fn is_slow_for_good(&mut self, room: u64, time: u128, limit: u64) -> bool {
        if room == 1_000 {
            self.slow = None;
            return false;
        }
        let slow = self.slow.get_or_insert(Slow { limit, worst: time });
        slow.worst = slow.worst.max(time);
        let for_good = limit <= slow.limit / 2 && time >= slow.worst / 10 * 9;
        if for_good {
            self.slow = None;
        }
        for_good
    }
}
