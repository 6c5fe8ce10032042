//! The states, and why they change, in words for people.

use std::fmt;
use towline_core::ErrorKind;

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BreakerState {
    /// Lets all in.
    Closed,
    /// Lets nobody in until its cooldown is over; nearly nobody, where there is nobody else to ask.
    Open,
    /// Lets a few in, to see whether the deployment is back.
    HalfOpen,
}

/// Why a breaker changed its state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BreakerCause {
    /// So many calls failed in a row.
    Failures {
        /// How many.
        failures: u32,
        /// How the last one failed.
        last: ErrorKind,
    },
    /// Too large a share of the calls in the window failed.
    Ratio {
        /// How many failed.
        failed: u64,
        /// Of how many.
        calls: u64,
    },
    /// The provider limited the rate so many times in a row, though our limits said that it would not.
    RateLimits {
        /// How many times.
        rate_limits: u32,
    },
    /// A call that tried whether the deployment is back failed like this.
    ProbeFailed(ErrorKind),
    /// The cooldown is over.
    CooledDown,
    /// A call that was let through by chance succeeded.
    Recovering,
    /// So many calls that tried whether the deployment is back succeeded.
    Recovered {
        /// How many.
        successes: u32,
    },
    /// Somebody said so.
    Forced,
}

// === impl BreakerState ===

impl BreakerState {
    /// The stable name, as it stands in metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl BreakerCause ===

/// Completes the sentence "it opened because ...".
impl fmt::Display for BreakerCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures { failures, last } => {
                let last = last.summary();
                write!(f, "{failures} calls failed in a row, the last with: {last}")
            }
            Self::Ratio { failed, calls } => write!(f, "{failed} of {calls} calls failed"),
            Self::RateLimits { rate_limits } => write!(
                f,
                "it was rate limited {rate_limits} times in a row, though within our limits"
            ),
            Self::ProbeFailed(kind) => {
                let kind = kind.summary();
                write!(f, "it failed again when it was tried: {kind}")
            }
            Self::CooledDown => f.write_str("the cooldown is over"),
            Self::Recovering => f.write_str("a call that was let through succeeded"),
            Self::Recovered { successes } => write!(f, "{successes} tries succeeded"),
            Self::Forced => f.write_str("somebody said so"),
        }
    }
}
