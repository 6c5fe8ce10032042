//! What the end of a call says about its target.

use towline_core::{Clock, Ending, Error, ErrorKind};

/// What the end of a call says about how much its target bears.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signal {
    /// It bore this call.
    Success,
    /// It had too much to do.
    Loss,
    /// Nothing.
    Ignored,
}

// === impl Signal ===

impl Signal {
    /// What an error says. A loss is what the target itself reports as too much (429, 503, 529), and a
    /// clock of the attempt that ran out. Everything else says nothing: what was refused before it
    /// reached the target, a deadline of the caller's, a fault of the request, a broken connection.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        if error.refused_by().is_some() {
            return Self::Ignored;
        }
        match (error.kind(), error.clock()) {
            (ErrorKind::Timeout, Some(Clock::Total)) => Self::Ignored,
            (ErrorKind::RateLimit | ErrorKind::Overloaded | ErrorKind::Timeout, _) => Self::Loss,
            _ => Self::Ignored,
        }
    }

    /// What the end of an answer says. One that the caller dropped says nothing.
    #[must_use]
    pub fn of_ending(ending: &Ending<'_>) -> Self {
        match ending {
            Ending::Whole(_) => Self::Success,
            Ending::Failed(error) => Self::of_error(error),
            _ => Self::Ignored,
        }
    }
}
