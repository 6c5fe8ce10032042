//! The limit, and what moves it.

use super::{Adaptive, Signal, window::Window};
use tokio::time::Instant;

/// One slot, in the unit of the limit.
const SLOT: u64 = 1 << 16;

/// How many calls may be under way. See the [module docs](super).
#[derive(Debug)]
pub struct Controller {
    config: Adaptive,
    /// In parts of a slot.
    limit: u64,
    in_flight: usize,
    /// The number of the next call.
    next: u64,
    /// Calls before that number began before the last cut.
    cut: u64,
    /// Nothing was lost yet: the limit is still being looked for.
    searching: bool,
    window: Option<Window>,
}

/// A call under way, to be handed back at its end.
#[derive(Debug)]
#[must_use = "a call that is not ended counts for ever"]
pub struct Flight {
    number: u64,
    started: Instant,
}

// === impl Controller ===

impl Controller {
    /// A controller that starts with the initial limit.
    #[must_use]
    pub fn new(config: Adaptive) -> Self {
        Self {
            config,
            limit: slots(config.initial),
            in_flight: 0,
            next: 0,
            cut: 0,
            searching: true,
            window: config.gradient.map(Window::new),
        }
    }

    /// A call starts. Whether it may is the caller's to see to.
    pub fn on_start(&mut self, now: Instant) -> Flight {
        let number = self.next;
        self.next += 1;
        self.in_flight = self.in_flight.saturating_add(1);
        Flight {
            number,
            started: now,
        }
    }

    /// The first content of a call's answer came.
    pub fn on_first_token(&mut self, flight: &Flight, now: Instant) {
        let time = now.saturating_duration_since(flight.started);
        let limit = self.limit;
        let window = self.window.as_mut();
        let room = window.and_then(|window| window.add(time, limit, now));
        let Some(room) = room else {
            return;
        };
        self.searching &= room == 1_000;
        // A few calls more than there seems to be room for, or it would never be found.
        let more = match self.searching {
            true => self.limit,
            false => (self.limit / 20).max(SLOT),
        };
        let aim = (self.limit / 1_000 * room).saturating_add(more);
        // Half of the way, so that one odd window does little harm.
        if aim < self.limit || self.is_used() {
            self.set(u64::midpoint(self.limit, aim));
        }
    }

    /// A call ended.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a call ends once, and its flight with it"
    )]
    pub fn on_end(&mut self, flight: Flight, signal: Signal) {
        match signal {
            Signal::Success if self.is_used() => self.grow(),
            Signal::Loss if flight.number >= self.cut => self.shrink(),
            _ => {}
        }
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// How many calls may be under way.
    #[must_use]
    pub fn limit(&self) -> usize {
        let slots = usize::try_from(self.limit / SLOT).unwrap_or(usize::MAX);
        slots.clamp(self.config.min, self.config.max)
    }

    /// How many calls are under way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    fn is_used(&self) -> bool {
        self.in_flight.saturating_mul(2) >= self.limit()
    }

    fn grow(&mut self) {
        if self.window.is_some() {
            // It grows by time alone.
            return;
        }
        // Doubles per round trip until the first loss, then one slot per round trip.
        let by = match self.searching {
            true => SLOT,
            false => SLOT * SLOT / self.limit.max(SLOT),
        };
        self.set(self.limit.saturating_add(by));
    }

    fn shrink(&mut self) {
        self.searching = false;
        self.cut = self.next;
        // A limit that was far from being used was never tried.
        let tried = self.limit.min(slots(self.in_flight.saturating_mul(2)));
        let kept = u128::from(tried) * u128::from(self.config.keep) / 100;
        self.set(u64::try_from(kept).unwrap_or(tried));
    }

    fn set(&mut self, limit: u64) {
        self.limit = limit.clamp(slots(self.config.min), slots(self.config.max));
    }
}

fn slots(count: usize) -> u64 {
    u64::try_from(count).map_or(u64::MAX, |count| count.saturating_mul(SLOT))
}
