//! What an answer says about the deployment that gave it.

use towline_core::{Clock, Error};
#[cfg(feature = "breaker")]
use towline_core::{Ending, ErrorKind};

#[cfg(feature = "balance")]
use towline_core::error::Elsewhere;

/// What an answer says about the deployment that gave it.
#[cfg(feature = "breaker")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It answered in full.
    Success,
    /// It failed.
    Failure(ErrorKind),
    /// It is fine, and says: not so fast.
    RateLimited,
    /// Nothing: the fault is in the request or with the caller, or the deployment was not asked.
    Nothing,
}

/// Whether another deployment might have answered where this one did not.
#[cfg(feature = "balance")]
pub(crate) fn is_at_fault(error: &Error) -> bool {
    !is_ours(error) && error.kind().elsewhere() == Elsewhere::Yes
}

/// A layer of ours refused it, or the time for the whole call was over, most of which may have passed
/// in our queues or at other deployments.
fn is_ours(error: &Error) -> bool {
    error.refused_by().is_some() || error.clock() == Some(Clock::Total)
}

// === impl Verdict ===

#[cfg(feature = "breaker")]
impl Verdict {
    pub(crate) fn of_error(error: &Error) -> Self {
        if is_ours(error) {
            return Self::Nothing;
        }
        match error.kind() {
            ErrorKind::RateLimit => Self::RateLimited,
            kind @ (ErrorKind::Overloaded
            | ErrorKind::Server
            | ErrorKind::Timeout
            | ErrorKind::Truncated
            | ErrorKind::Transport
            | ErrorKind::Protocol) => Self::Failure(kind),
            _ => Self::Nothing,
        }
    }

    /// Of the body: its beginning says nothing, and a reader who left neither.
    pub(crate) fn of_ending(ending: Ending<'_>) -> Self {
        match ending {
            Ending::Whole(_) => Self::Success,
            Ending::Failed(error) => Self::of_error(error),
            _ => Self::Nothing,
        }
    }
}
