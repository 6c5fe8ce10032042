//! The time at which something was seen.

use std::cell::Cell;
use tokio::time::Instant;

/// When something happened, for all who look at it: the clock is read by the first who asks, and not
/// at all if nobody does.
///
/// # Examples
///
/// ```
/// use towline_core::Moment;
///
/// let moment = Moment::new();
/// assert_eq!(moment.known(), None);
/// let now = moment.now();
/// assert_eq!(moment.now(), now);
/// assert_eq!(moment.known(), Some(now));
/// ```
#[derive(Debug, Default)]
pub struct Moment {
    at: Cell<Option<Instant>>,
}

// === impl Moment ===

impl Moment {
    /// A moment that nobody has looked at.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            at: Cell::new(None),
        }
    }

    /// Time has passed: who asks next reads the clock.
    pub const fn renew(&mut self) {
        *self = Self::new();
    }

    /// What the clock said, if somebody has asked.
    #[must_use]
    pub const fn known(&self) -> Option<Instant> {
        self.at.get()
    }

    /// What the clock says: the same however often it is asked.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.at.get().unwrap_or_else(|| {
            let now = Instant::now();
            self.at.set(Some(now));
            now
        })
    }
}
