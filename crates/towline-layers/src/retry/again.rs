//! Whether a failed attempt is made again.

use super::policy::RetryPolicy;
use std::time::Duration;
use tokio::time::Instant;
use towline_core::{Clock, Error, ErrorKind, error::Repeat};

/// What an error allows, whatever time and budget say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// The call ends with this error.
    Final,
    /// One more attempt may be made.
    Again,
    /// Our own layers turned it away: what came from a provider before says more.
    Refused,
}

/// Tokio's timer counts milliseconds, and is never early.
const TICK: Duration = Duration::from_millis(1);

// === impl Class ===

impl Class {
    /// What `error` allows after `retries` retries. Core's table decides, and the provider's word where
    /// it has given one.
    pub(super) fn of(error: &Error, retries: u32) -> Self {
        if error.refused_by().is_some() {
            return Self::Refused;
        }
        // The whole call is out of time, not this attempt.
        if error.clock() == Some(Clock::Total) {
            return Self::Final;
        }
        if !error.is_retryable() {
            return if is_for_sibling(error) {
                Self::Again
            } else {
                Self::Final
            };
        }
        match error.kind().repeat() {
            Repeat::Once if retries > 0 => Self::Final,
            _ => Self::Again,
        }
    }
}

/// Whether one deployment cannot answer, now or ever, and another of its group may: a key that was
/// revoked, a quota that is used up, a model that is not there.
fn is_for_sibling(error: &Error) -> bool {
    let its_own = matches!(
        error.kind(),
        ErrorKind::Auth | ErrorKind::Permission | ErrorKind::Quota | ErrorKind::NotFound
    );
    let begun = error.partial().is_some_and(|partial| !partial.is_empty());
    error.has_sibling() && its_own && !begun
}

/// For how long the provider wants to be left alone. That is not for another deployment.
pub(super) fn hint(error: &Error) -> Option<Duration> {
    error.retry_after().filter(|_| !error.has_sibling())
}

/// How long to wait before the next attempt, with `drawn` for jitter; `None` where it cannot be waited.
pub(super) fn pause(
    policy: &RetryPolicy,
    hint: Option<Duration>,
    drawn: Duration,
    now: Instant,
    deadline: Option<Instant>,
) -> Option<Duration> {
    let hint = hint.unwrap_or(Duration::ZERO);
    if hint > policy.hint_cap() {
        return None;
    }
    let wanted = hint.saturating_add(drawn);
    let Some(deadline) = deadline else {
        return Some(wanted);
    };
    // The latest start that leaves an attempt its time.
    let longest = deadline
        .checked_duration_since(now)?
        .checked_sub(policy.min_attempt().saturating_add(TICK))?;
    (hint <= longest).then(|| wanted.min(longest))
}

// Not in a model of threads, and a policy has a budget with a lock.
#[cfg(not(loom))]
#[cfg(test)]
mod tests;
