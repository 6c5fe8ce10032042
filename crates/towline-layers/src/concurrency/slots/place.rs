//! A place in the queue.

use super::{Key, Permit, Slots};
use crate::{overload, refused};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::time::Instant;
use towline_core::{Clock, Error, ErrorKind, Metered, Step};

const LAYER: &str = "concurrency";

/// The waiting call's side. Dropping it gives up the place, or the slot where one was given.
pub(in crate::concurrency) struct Place {
    slots: Arc<Slots>,
    seat: Arc<Seat>,
    key: Option<Key>,
    since: Instant,
    deadline: Option<Instant>,
    /// The end of the wait, by the rules of the layer.
    patience: Option<(Instant, Reason)>,
}

/// The side of the slots.
pub(super) struct Seat {
    state: Mutex<Called>,
}

#[derive(Default)]
struct Called {
    verdict: Option<Verdict>,
    waker: Option<Waker>,
}

enum Verdict {
    Admitted(Permit),
    TurnedAway(Reason, Duration),
}

/// Why a call is not served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    /// Too many wait.
    Full,
    /// The queue is too old.
    Shed,
    /// It waited for as long as it may.
    Waited,
}

// === impl Place ===

impl Place {
    /// A place that is not in the queue yet.
    pub(super) fn new<R: Metered>(slots: Arc<Slots>, request: &R, now: Instant) -> Self {
        let config = &slots.config;
        let wait = config.max_wait.and_then(|most| now.checked_add(most));
        let bound = config.age_bound.map(|rule| rule.bound());
        let bound = bound.and_then(|bound| now.checked_add(bound));
        let wait = wait.map(|at| (at, Reason::Waited));
        let bound = bound.map(|at| (at, Reason::Shed));
        Self {
            patience: wait.into_iter().chain(bound).min_by_key(|(at, _)| *at),
            deadline: request.context().begin_by(),
            seat: Arc::new(Seat {
                state: Mutex::default(),
            }),
            key: None,
            since: now,
            slots,
        }
    }

    pub(super) const fn with_key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    pub(super) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.seat)
    }

    /// Says so where the call is of no use any more.
    pub(super) fn is_late(&self, now: Instant) -> Option<Error> {
        let late = self.deadline.is_some_and(|deadline| deadline <= now);
        late.then(|| {
            let (limit, raise) = self.slots.limit_and_remedy();
            Error::new(ErrorKind::Timeout)
                .with_clock(Clock::Total)
                .with_refused_by(LAYER)
                .with_retryable(false)
                .with_message(format!(
                    "nothing was sent: the deadline passed while the call waited for one of {limit} \
                     slots; {raise}, or give calls more time"
                ))
        })
    }

    /// When the wait ends at the latest.
    pub(in crate::concurrency) fn due(&self) -> Option<Instant> {
        let patience = self.patience.map(|(at, _)| at);
        patience.into_iter().chain(self.deadline).min()
    }

    pub(in crate::concurrency) fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<Permit, Error>> {
        let mut called = self.seat.lock();
        if let Some(verdict) = called.verdict.take() {
            drop(called);
            return Poll::Ready(self.hear(verdict));
        }
        match &mut called.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            waker => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// The wait is over. A slot that was given meanwhile is taken.
    pub(in crate::concurrency) fn give_up(&mut self) -> Result<Permit, Error> {
        let now = Instant::now();
        let left = self.key.take().is_some_and(|key| self.slots.leave(key));
        let verdict = if left {
            None
        } else {
            self.seat.lock().verdict.take()
        };
        if let Some(verdict) = verdict {
            return self.hear(verdict);
        }
        if let Some(error) = self.is_late(now) {
            return Err(error);
        }
        let reason = self.patience.map_or(Reason::Waited, |(_, reason)| reason);
        Err(self.refusal(reason, now.saturating_duration_since(self.since)))
    }

    /// What is too late is not sent, though a slot is there.
    pub(in crate::concurrency) fn settle(&self, permit: Permit) -> Result<Permit, Error> {
        match self.is_late(Instant::now()) {
            None => Ok(permit),
            Some(error) => Err(error),
        }
    }

    /// Writes down how long the call waited, and why it goes.
    pub(in crate::concurrency) fn note<R: Metered>(&self, request: &R, error: Option<&Error>) {
        let Some(journey) = request.context().journey() else {
            return;
        };
        let time = Instant::now().saturating_duration_since(self.since);
        if !time.is_zero() {
            journey.push(Step::waited(LAYER, "slot", time));
        }
        if let Some(error) = error {
            note_refusal(request, error);
        }
    }

    fn hear(&mut self, verdict: Verdict) -> Result<Permit, Error> {
        // Whoever called took it out of the queue.
        self.key = None;
        match verdict {
            Verdict::Admitted(permit) => Ok(permit),
            Verdict::TurnedAway(reason, age) => Err(self.refusal(reason, age)),
        }
    }

    fn refusal(&self, reason: Reason, age: Duration) -> Error {
        let (limit, raise) = self.slots.limit_and_remedy();
        let message = match reason {
            Reason::Shed => return overload::shed(&format!("one of {limit} slots"), age),
            Reason::Full => match self.slots.config.max_queued.unwrap_or_default() {
                0 => format!(
                    "nothing was sent: {limit} calls are under way, and none is to wait; {raise}, \
                     or let calls wait with `limit.mode` and `limit.max_queued`"
                ),
                most => format!(
                    "nothing was sent: {limit} calls are under way and {most} wait already; {raise}, \
                     or raise `limit.max_queued`"
                ),
            },
            Reason::Waited => format!(
                "nothing was sent: none of {limit} slots was free within {age:.1?}; {raise}, \
                 or raise `limit.max_wait`"
            ),
        };
        let age = age.max(self.slots.oldest_age(Instant::now()));
        Error::new(ErrorKind::Overloaded)
            .with_refused_by(LAYER)
            .with_retry_after(overload::retry_after(age))
            .with_message(message)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.slots.leave(key);
        }
        // A slot that was given and not seen yet goes on to who is next.
        let unseen = self.seat.lock().verdict.take();
        drop(unseen);
    }
}

/// Writes down that the call goes.
pub(super) fn note_refusal<R: Metered>(request: &R, error: &Error) {
    if let Some(layer) = error.refused_by() {
        refused::note(request.context(), layer, error);
    }
}

// === impl Seat ===

impl Seat {
    pub(super) fn admit(&self, permit: Permit) {
        self.lock().verdict = Some(Verdict::Admitted(permit));
    }

    pub(super) fn turn_away(&self, reason: Reason, age: Duration) {
        self.lock().verdict = Some(Verdict::TurnedAway(reason, age));
    }

    /// Wakes who sits here. Not under a lock of the slots.
    pub(super) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Called> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
