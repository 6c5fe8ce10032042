//! Exact counts over a window that moves.

use std::time::Duration;
use tokio::time::Instant;

/// Two counts over the last ten parts of a window. Parts begin at multiples of their length, whenever
/// calls come: a burst counts like the same calls spread out.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    began: Instant,
    /// Of one part, in nanoseconds; not 0.
    width: u64,
    /// The part that `began` plus this many widths is in.
    head: u64,
    /// When the head's part is over.
    head_ends: Instant,
    parts: [Counts; PARTS],
    sum: Counts,
}

/// How many were good, and how many bad.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    pub(super) good: u64,
    pub(super) bad: u64,
}

pub(super) const PARTS: usize = 10;

// === impl Ring ===

impl Ring {
    /// Counts over `window`, whose parts are anchored at `began`.
    pub(super) fn new(window: Duration, began: Instant) -> Self {
        let width = u64::try_from((window / 10).as_nanos()).unwrap_or(u64::MAX);
        let width = width.max(1);
        Self {
            began,
            width,
            head: 0,
            head_ends: after(began, width, 1),
            parts: [Counts::default(); PARTS],
            sum: Counts::default(),
        }
    }

    pub(super) fn add_good(&mut self, now: Instant) {
        self.advance(now);
        self.add_good_to_head();
    }

    /// Counts a good one where there is no bad one; else it does nothing.
    pub(super) fn add_good_among_good(&mut self, now: Instant) -> bool {
        let only_good = self.counts(now).bad == 0;
        if only_good {
            self.add_good_to_head();
        }
        only_good
    }

    pub(super) fn add_bad(&mut self, now: Instant) {
        self.advance(now);
        if let Some(part) = self.parts.get_mut(slot(self.head)) {
            part.bad = part.bad.saturating_add(1);
            self.sum.bad = self.sum.bad.saturating_add(1);
        }
    }

    /// The counts of the window that ends at `now`.
    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.advance(now);
        self.sum
    }

    /// Forgets what was counted.
    pub(super) fn clear(&mut self) {
        self.parts = [Counts::default(); PARTS];
        self.sum = Counts::default();
    }

    fn add_good_to_head(&mut self) {
        if let Some(part) = self.parts.get_mut(slot(self.head)) {
            part.good = part.good.saturating_add(1);
            self.sum.good = self.sum.good.saturating_add(1);
        }
    }

    /// Leaves out what the window has left behind. Most calls come within the head's part; where time
    /// went back, they count there too.
    fn advance(&mut self, now: Instant) {
        if now >= self.head_ends {
            self.move_on(now);
        }
    }

    #[cold]
    fn move_on(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began).as_nanos();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let head = passed / self.width;
        for part in self.head.saturating_add(1)..=head.min(self.head.saturating_add(10)) {
            if let Some(counts) = self.parts.get_mut(slot(part)) {
                self.sum.good = self.sum.good.saturating_sub(counts.good);
                self.sum.bad = self.sum.bad.saturating_sub(counts.bad);
                *counts = Counts::default();
            }
        }
        self.head = self.head.max(head);
        self.head_ends = after(self.began, self.width, self.head.saturating_add(1));
    }
}

/// Where part `part` is kept.
fn slot(part: u64) -> usize {
    usize::try_from(part % 10).unwrap_or(0)
}

/// `parts` widths after `began`; far away where that overflows.
fn after(began: Instant, width: u64, parts: u64) -> Instant {
    let time = Duration::from_nanos(width.saturating_mul(parts));
    began.checked_add(time).unwrap_or(began)
}

// === impl Counts ===

impl Counts {
    pub(super) const fn total(self) -> u64 {
        self.good.saturating_add(self.bad)
    }
}
