//! How old a queue may grow, and what others may know of it.
//!
//! [`AgeBound`] is the rule by which queues shed: those inside `concurrency` and `limit`, and the
//! layer of the feature `shed`, which turns calls away before they cost anything. [`QueueGauge`] is
//! how such a layer sees the age of a queue further inside.
//!
//! The rule is on age, not on length: what a queue of a hundred means depends on how fast it moves,
//! while a wait of ten seconds is ten seconds.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use towline_layers::overload::{AgeBound, QueueGauge};
//!
//! let rule = AgeBound::new(Duration::from_secs(8));
//! assert_eq!(rule.target(), Duration::from_secs(2));
//!
//! let gauge = QueueGauge::new();
//! assert_eq!(gauge.oldest_age(), None, "nobody waits");
//! ```

mod gauge;
#[cfg(any(feature = "limit", feature = "concurrency"))]
mod shedder;

pub use self::gauge::QueueGauge;
#[cfg(any(feature = "limit", feature = "concurrency"))]
pub(crate) use self::shedder::Shedder;

use std::time::Duration;
use towline_core::{Error, ErrorKind, Priority};

/// How old a queue may grow before calls are shed.
///
/// Three numbers, as in `CoDel`: a queue whose oldest call has been older than the *target* for a whole
/// *interval* does not drain by itself. While that lasts, each call that comes costs one its place,
/// and one more goes from time to time, sooner each time. Who goes is of the lowest priority, and the
/// youngest of the tenant that waits for most tokens. And no call waits longer than the *bound*.
///
/// A burst that drains within the interval costs nobody anything.
///
/// Source: Nichols et al., RFC 8289, "Controlled Delay Active Queue Management", 2018.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AgeBound {
    target: Duration,
    interval: Duration,
    bound: Duration,
}

// === impl AgeBound ===

impl AgeBound {
    /// No call waits longer than `bound`; target and interval are a quarter of it each.
    #[must_use]
    pub fn new(bound: Duration) -> Self {
        Self {
            target: bound / 4,
            interval: bound / 4,
            bound,
        }
    }

    /// The age from which a queue may be one that does not drain.
    #[must_use]
    pub const fn with_target(mut self, target: Duration) -> Self {
        self.target = target;
        self
    }

    /// How long it has to be that old before calls are shed.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The age from which a queue may be one that does not drain.
    #[must_use]
    pub const fn target(&self) -> Duration {
        self.target
    }

    /// How long it has to be that old before calls are shed.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// The longest that a call waits.
    #[must_use]
    pub const fn bound(&self) -> Duration {
        self.bound
    }

    /// The age of a queue in front of which a call of `priority` turns round: the target in the
    /// background, the bound where a person waits, and halfway between for others.
    #[must_use]
    pub fn gate(&self, priority: Priority) -> Duration {
        let target = self.target.min(self.bound);
        match priority {
            Priority::Background => target,
            Priority::Interactive => self.bound,
            _ => target + (self.bound - target) / 2,
        }
    }
}

/// 20 seconds: longer than a person waits for the first word, shorter than most deadlines.
impl Default for AgeBound {
    fn default() -> Self {
        Self::new(Duration::from_secs(20))
    }
}

/// When another try is worth it: a queue of that age is about that far from being empty.
pub(crate) fn retry_after(age: Duration) -> Duration {
    age.clamp(Duration::from_millis(100), Duration::from_secs(60))
}

/// A call that goes because the queue for `what` is `age` old.
pub(crate) fn shed(what: &str, age: Duration) -> Error {
    Error::new(ErrorKind::Overloaded)
        .with_refused_by("shed")
        .with_retry_after(retry_after(age))
        .with_message(format!(
            "nothing was sent: calls wait for {what} for {age:.1?}, longer than their queue may grow old; \
             send fewer, raise what they wait for, or raise `shed.max_queue_age`"
        ))
}

#[cfg(all(test, any(feature = "limit", feature = "concurrency")))]
mod tests;
