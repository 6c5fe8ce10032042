//! Between which bounds, and how fast, a limit moves.

use std::time::Duration;
use towline_core::{Error, ErrorKind};

/// How a limit adapts. Made by [`Adaptive::builder`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Adaptive {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) initial: usize,
    pub(super) keep: u64,
    pub(super) gradient: Option<Gradient>,
}

/// Builds an [`Adaptive`].
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveBuilder {
    made: Adaptive,
}

/// How a limit follows the time to the first token.
///
/// Times are gathered into windows; the 90th percentile of a window is compared with what is normal.
/// The normal time is the shortest so far. A target that stays slow though half of the calls were
/// taken from it is slower for good, and that is the normal time then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gradient {
    /// Times that make a window full.
    pub(super) samples: usize,
    /// The shortest window.
    pub(super) shortest: Duration,
    /// The longest, where few calls are made.
    pub(super) longest: Duration,
    /// In percent of the normal time: up to there it is no sign of congestion.
    pub(super) tolerance: u64,
}

// === impl Adaptive ===

impl Adaptive {
    /// Starts with 20 calls, between 1 and 200, keeps 90 % after a loss, and goes by loss alone.
    #[must_use]
    pub const fn builder() -> AdaptiveBuilder {
        AdaptiveBuilder {
            made: Self {
                min: 1,
                max: 200,
                initial: 20,
                keep: 90,
                gradient: None,
            },
        }
    }

    /// The lowest limit.
    #[must_use]
    pub const fn min(&self) -> usize {
        self.min
    }

    /// The highest limit.
    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }

    /// The limit to start with.
    #[must_use]
    pub const fn initial(&self) -> usize {
        self.initial
    }
}

/// What [`Adaptive::builder`] starts from.
impl Default for Adaptive {
    fn default() -> Self {
        Self::builder().made
    }
}

// === impl AdaptiveBuilder ===

impl AdaptiveBuilder {
    /// The lowest limit, 1 at least.
    #[must_use]
    pub const fn min(mut self, min: usize) -> Self {
        self.made.min = min;
        self
    }

    /// The highest limit.
    #[must_use]
    pub const fn max(mut self, max: usize) -> Self {
        self.made.max = max;
        self
    }

    /// The limit to start with.
    #[must_use]
    pub const fn initial(mut self, initial: usize) -> Self {
        self.made.initial = initial;
        self
    }

    /// How much of the limit is kept after a loss, in percent: 1 to 99.
    #[must_use]
    pub const fn keep_percent(mut self, percent: u8) -> Self {
        // Widening: there is no `From` in a const fn.
        self.made.keep = percent as u64;
        self
    }

    /// Goes by the time to the first token too.
    #[must_use]
    pub const fn gradient(mut self, gradient: Gradient) -> Self {
        self.made.gradient = Some(gradient);
        self
    }

    /// Checks the bounds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], with every fault in its message.
    pub fn build(self) -> Result<Adaptive, Error> {
        let made = self.made;
        let mut faults = Vec::new();
        if made.min == 0 {
            faults.push("min is 0, no call could ever be made".to_owned());
        }
        if made.max < made.min {
            faults.push(format!("max {} is less than min {}", made.max, made.min));
        } else if !(made.min..=made.max).contains(&made.initial) {
            faults.push(format!(
                "initial {} is not between min {} and max {}",
                made.initial, made.min, made.max
            ));
        }
        if !(1..100).contains(&made.keep) {
            faults.push(format!("keep_percent {} is not 1 to 99", made.keep));
        }
        if faults.is_empty() {
            return Ok(made);
        }
        let message = format!("adaptive concurrency: {}", faults.join("; "));
        Err(Error::new(ErrorKind::Config).with_message(message))
    }
}

// === impl Gradient ===

impl Gradient {
    /// Windows of a second and 50 times, or of 5 seconds where calls are few; half as much again as
    /// normal is still normal.
    ///
    /// Source: failsafe-go has 1 to 30 seconds and 50 times, too slow to follow a target that loses
    /// half of its capacity; Netflix concurrency-limits has the tolerance (both 2026).
    #[must_use]
    pub const fn new() -> Self {
        Self {
            samples: 50,
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(5),
            tolerance: 150,
        }
    }

    /// How much of the normal time is still normal, in percent; 100 at least.
    #[must_use]
    pub const fn with_tolerance_percent(mut self, percent: u16) -> Self {
        // Widening: there is no `From` in a const fn.
        self.tolerance = if percent < 100 { 100 } else { percent as u64 };
        self
    }
}

impl Default for Gradient {
    fn default() -> Self {
        Self::new()
    }
}
