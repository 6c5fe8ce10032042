//! The future.

use super::slots::{Permit, Place};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::time::{Sleep, sleep_until};
use tower_service::Service;
use towline_core::{Answer, Error, ErrorKind, Metered};

pin_project! {
    /// The future that [`Concurrency`](super::Concurrency) returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the place in the queue as if it had never been taken, or the slot, which
    /// goes to who is next. What was sent by then may be billed.
    pub struct ConcurrencyFuture<S, R, F> {
        #[pin]
        state: State<S, R, F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, R, F> {
        // Boxed, so that a call that need not wait is not the larger for it.
        Waiting {
            wait: Option<Box<Wait<S, R>>>,
        },
        Calling {
            #[pin]
            call: F,
            permit: Option<Permit>,
        },
        Refused {
            error: Option<Error>,
        },
    }
}

/// A call that waits for a slot. Its place is given up first when it is dropped.
struct Wait<S, R> {
    turn: Turn,
    service: S,
    request: R,
}

/// A place in the queue, and the end of the patience with it.
pub(super) struct Turn {
    place: Box<Place>,
    /// Set where the wait is pending and bounded, not before.
    sleep: Option<Pin<Box<Sleep>>>,
}

// === impl ConcurrencyFuture ===

impl<S, R, F> ConcurrencyFuture<S, R, F> {
    pub(super) const fn calling(call: F, permit: Option<Permit>) -> Self {
        let state = State::Calling { call, permit };
        Self { state }
    }

    pub(super) fn waiting(service: S, request: R, place: Box<Place>) -> Self {
        let wait = Wait {
            turn: Turn::new(place),
            service,
            request,
        };
        let state = State::Waiting {
            wait: Some(Box::new(wait)),
        };
        Self { state }
    }

    pub(super) const fn refused(error: Error) -> Self {
        let state = State::Refused { error: Some(error) };
        Self { state }
    }
}

impl<S, R> Future for ConcurrencyFuture<S, R, S::Future>
where
    S: Service<R, Error = Error>,
    S::Response: Answer,
    R: Metered,
{
    type Output = Result<S::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Waiting { wait: waiting } => {
                    let Some(wait) = waiting else {
                        return Poll::Ready(Err(polled_again()));
                    };
                    let admitted = ready!(wait.turn.poll(cx));
                    let Some(mut wait) = waiting.take() else {
                        return Poll::Ready(Err(polled_again()));
                    };
                    let permit = wait.turn.end(&wait.request, admitted)?;
                    let call = wait.service.call(wait.request);
                    state.set(State::Calling {
                        call,
                        permit: Some(permit),
                    });
                }
                StateProj::Calling { call, permit } => {
                    let result = ready!(call.poll(cx));
                    return Poll::Ready(match permit.take() {
                        Some(permit) => hold(result, permit),
                        None => result,
                    });
                }
                StateProj::Refused { error } => {
                    let error = error.take().unwrap_or_else(polled_again);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

/// Keeps the slot to the end of the answer.
pub(super) fn hold<A: Answer>(result: Result<A, Error>, mut permit: Permit) -> Result<A, Error> {
    match result {
        Ok(mut answer) => {
            answer.watch(permit);
            Ok(answer)
        }
        Err(error) => {
            permit.fail(&error);
            Err(error)
        }
    }
}

/// No caller does that.
fn polled_again() -> Error {
    Error::new(ErrorKind::Cancelled).with_message("the call was polled after its end")
}

impl<S, R, F> fmt::Debug for ConcurrencyFuture<S, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Waiting { .. } => "waiting",
            State::Calling { .. } => "calling",
            State::Refused { .. } => "refused",
        };
        f.debug_struct("ConcurrencyFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

// === impl Turn ===

impl Turn {
    pub(super) const fn new(place: Box<Place>) -> Self {
        Self { place, sleep: None }
    }

    /// Waits for a slot, and no longer than the place allows. The slot wins where both are there.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit, Error>> {
        if let Poll::Ready(verdict) = self.place.poll(cx) {
            return Poll::Ready(verdict);
        }
        let Some(due) = self.place.due() else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(self.place.give_up())
    }

    /// Takes what the wait for `request` came to, and writes it down.
    pub(super) fn end(
        &self,
        request: &impl Metered,
        admitted: Result<Permit, Error>,
    ) -> Result<Permit, Error> {
        let admitted = admitted.and_then(|permit| self.place.settle(permit));
        self.place.note(request, admitted.as_ref().err());
        admitted
    }
}
