//! When a queue has to let somebody go.

use super::AgeBound;
use tokio::time::Instant;

/// Follows the age of a queue. It has no clock and no queue: its owner tells it both.
#[derive(Debug)]
pub(crate) struct Shedder {
    rule: AgeBound,
    /// Since when the queue has been older than the target.
    above: Option<Instant>,
    /// When the next goes without another having come, and how many went so.
    next: Option<(Instant, u32)>,
}

// === impl Shedder ===

impl Shedder {
    pub(crate) const fn new(rule: AgeBound) -> Self {
        Self {
            rule,
            above: None,
            next: None,
        }
    }

    /// Whether a call that has just come, or another in its place, has to go.
    pub(crate) fn on_arrival(&mut self, oldest: Option<Instant>, now: Instant) -> bool {
        self.stands(oldest, now)
    }

    /// Whether one has to go though none came. Asked after every change until the answer is no.
    pub(crate) fn step(&mut self, oldest: Option<Instant>, now: Instant) -> bool {
        // Draining => Draining
        if !self.stands(oldest, now) {
            return false;
        }
        match self.next {
            // Draining => Standing: the first goes.
            None => {
                self.next = now.checked_add(self.rule.interval).map(|next| (next, 1));
                true
            }
            // Standing => Standing: the next goes sooner each time.
            Some((due, count)) if due <= now => {
                let count = count.saturating_add(1);
                let pause = self.rule.interval.div_f64(f64::from(count).sqrt());
                self.next = due.checked_add(pause).map(|next| (next, count));
                true
            }
            Some(_) => false,
        }
    }

    /// Whether the queue has been old for so long that it does not drain by itself.
    fn stands(&mut self, oldest: Option<Instant>, now: Instant) -> bool {
        let old = oldest.and_then(|oldest| oldest.checked_add(self.rule.target));
        match old {
            Some(old) if old <= now => {
                // The oldest crossed the target then: before, whoever was the oldest was younger.
                let above = *self.above.get_or_insert(old);
                now.saturating_duration_since(above) >= self.rule.interval
            }
            // Standing => Draining
            _ => {
                self.above = None;
                self.next = None;
                false
            }
        }
    }
}
