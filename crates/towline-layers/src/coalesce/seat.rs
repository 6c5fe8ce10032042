//! One of those who wait for a call, or read its answer.

use super::{
    flight::{Answered, Call, Flight, Look},
    registry::Registry,
};
use futures_core::Stream;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::time::{Instant, Sleep, sleep_until};
use towline_core::{Body, Clock, Error, ErrorKind, Event, Response};

/// A seat in a call. Dropping it leaves the call to the others; the last one takes the call along.
pub(super) struct Seat {
    registry: Arc<Registry>,
    flight: Arc<Flight>,
    place: usize,
    deadline: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Reads a streamed answer from its start.
struct Reader {
    seat: Seat,
    next: u64,
}

// === impl Seat ===

impl Seat {
    pub(super) fn new(
        registry: Arc<Registry>,
        flight: Arc<Flight>,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            registry,
            place: flight.bell().enter(),
            flight,
            deadline,
            alarm: None,
        }
    }

    /// Makes the call that the others wait for.
    pub(super) fn begin(&self, call: impl FnOnce() -> Call) {
        let turn = self.flight.open();
        turn.begin(call());
    }

    /// The answer, for this caller.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, Error>> {
        self.poll_for(cx, Flight::answer)
    }

    /// The answer as this caller reads it.
    pub(super) fn into_response(self, answer: Answered) -> Response {
        match answer {
            Answered::Whole(whole) => {
                let (head, completion) = *whole;
                Response::new(head, Body::complete(completion))
            }
            Answered::Streamed(head) => {
                let reader = Reader {
                    seat: self,
                    next: 0,
                };
                Response::new(*head, Body::stream(reader))
            }
        }
    }

    /// Polls the call until what this caller looks for is there, or it has nothing for anybody. What
    /// is there wins over a deadline that passed meanwhile.
    fn poll_for<T>(
        &mut self,
        cx: &mut Context<'_>,
        look: impl Fn(&Flight) -> Look<'_, Result<T, Error>>,
    ) -> Poll<Result<T, Error>> {
        let bell = self.flight.bell();
        bell.wait(self.place, cx.waker());
        loop {
            let news = match look(&self.flight) {
                Look::Found(result) => {
                    bell.hush(self.place);
                    return Poll::Ready(result);
                }
                Look::Turn(turn) => turn.poll(self.place),
                Look::Wait => false,
            };
            if !news {
                break;
            }
        }
        ready!(self.poll_deadline(cx));
        self.flight.bell().hush(self.place);
        Poll::Ready(Err(late()))
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        alarm.as_mut().poll(cx)
    }

    fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.flight.bell().leave(self.place);
        if self.flight.leave() {
            self.registry.remove(&self.flight);
        }
    }
}

// === impl Reader ===

impl Stream for Reader {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.next;
        let event = ready!(self.seat.poll_for(cx, |flight| flight.piece(next)));
        self.next += 1;
        // An answer that is never silent would else go on for ever.
        if event.is_ok() && self.seat.is_late() {
            return Poll::Ready(Some(Err(late())));
        }
        Poll::Ready(Some(event))
    }
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout)
        .with_clock(Clock::Total)
        .with_retryable(false)
        .with_message("the caller's deadline passed before the shared answer was whole")
}
