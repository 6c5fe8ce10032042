//! What the targets said that could not answer.

use tokio::time::Instant;
use towline_core::{Clock, Error, ErrorKind, error::Elsewhere};

/// Errors of the targets so far, in their order.
#[derive(Debug, Default)]
pub(super) struct Failures {
    errors: Vec<Error>,
}

/// Where a call may go after an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Nobody,
    Anybody,
    /// Who has a larger window.
    Larger,
    /// Who has no smaller window.
    NotSmaller,
}

// === impl Failures ===

impl Failures {
    pub(super) fn push(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// The most telling error, with the others attached: the last that came from a provider, else the
    /// last. What a layer of ours refused says less.
    pub(super) fn into_error(mut self) -> Error {
        let told = self
            .errors
            .iter()
            .rposition(|error| error.refused_by().is_none());
        let chosen = match told {
            Some(index) => self.errors.remove(index),
            None => match self.errors.pop() {
                Some(error) => error,
                None => Error::new(ErrorKind::Config)
                    .with_refused_by("fallback")
                    .with_message("there is no target to ask"),
            },
        };
        if self.errors.is_empty() {
            return chosen;
        }
        chosen.with_others(self.errors)
    }
}

// === impl Next ===

impl Next {
    /// By the table of core, and by the clock: what is over for the caller is over for all targets. A
    /// target whose `turn` has ended was told to begin by then, which is not the end of the others.
    pub(super) fn after(
        error: &Error,
        filtered: bool,
        deadline: Option<Instant>,
        turn: Option<Instant>,
    ) -> Self {
        let now = Instant::now();
        let has_passed = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        let is_over = error.clock() == Some(Clock::Total) && !has_passed(turn);
        if is_over || has_passed(deadline) {
            return Self::Nobody;
        }
        match error.kind().elsewhere() {
            Elsewhere::Yes => Self::Anybody,
            // Too many tokens a minute, or bytes: another with the same window may take it.
            Elsewhere::IfLarger if error.kind() == ErrorKind::TooLarge => Self::NotSmaller,
            Elsewhere::IfLarger => Self::Larger,
            Elsewhere::ByPolicy if filtered => Self::Anybody,
            _ => Self::Nobody,
        }
    }
}
