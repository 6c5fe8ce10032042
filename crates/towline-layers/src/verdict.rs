//! What an answer says about the deployment that gave it.

use towline_core::{Clock, Ending, Error, ErrorKind};

/// What an answer says about the deployment that gave it.
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

// === impl Verdict ===

impl Verdict {
    pub(crate) fn of_error(error: &Error) -> Self {
        // A layer of ours refused it, or the time for the whole call was over, most of which may have
        // passed in our queues or at other deployments.
        if error.refused_by().is_some() || error.clock() == Some(Clock::Total) {
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
