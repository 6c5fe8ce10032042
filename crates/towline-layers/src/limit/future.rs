//! A call that waits for its turn, and is then made.

use super::{Bucket, Store, held::Held, refusal, waiting::Waiting};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;
use towline_core::{Answer, Error, ErrorKind, Metered};

pin_project! {
    /// The future that [`Limit`](super::Limit) returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it while it waits leaves the queue as if it had never come. Dropping it after that
    /// drops the call: the slot is free at once, and what was reserved stays taken, since nobody knows
    /// what the provider has done by then.
    pub struct LimitFuture<S, Req, T>
    where
        S: Service<Req>,
        T: Store,
    {
        #[pin]
        state: State<S, Req, T>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req, T>
    where
        S: Service<Req>,
        T: Store,
    {
        // On the heap, so that a call that need not wait is not the larger for it.
        Waiting {
            parked: Box<Parked<S, Req, T>>,
        },
        Calling {
            #[pin]
            call: S::Future,
            held: Option<Held<'static, T::Bucket>>,
        },
        Refused { error: Option<Error> },
        Over,
    }
}

/// A call that waits.
struct Parked<S, Req, T>
where
    T: Store,
{
    waiting: Pin<Box<Waiting<T>>>,
    service: Option<S>,
    request: Option<Req>,
}

// === impl LimitFuture ===

impl<S, Req, T> LimitFuture<S, Req, T>
where
    S: Service<Req>,
    T: Store,
{
    pub(super) const fn calling(call: S::Future, held: Option<Held<'static, T::Bucket>>) -> Self {
        Self {
            state: State::Calling { call, held },
        }
    }

    pub(super) fn waiting(waiting: Pin<Box<Waiting<T>>>, service: S, request: Req) -> Self {
        Self {
            state: State::Waiting {
                parked: Box::new(Parked {
                    waiting,
                    service: Some(service),
                    request: Some(request),
                }),
            },
        }
    }
}

impl<S, Req, T, A> Future for LimitFuture<S, Req, T>
where
    S: Service<Req, Response = A, Error = Error>,
    T: Store,
    Req: Metered,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Calling { call, held } => {
                    let result = ready!(call.poll(cx));
                    let held = held.take();
                    // The call is over before what it held is given back.
                    state.set(State::Over);
                    return Poll::Ready(end(result, held));
                }
                StateProj::Waiting { parked } => {
                    let Some(asked) = parked.request.as_ref() else {
                        return Poll::Ready(Err(over()));
                    };
                    let result = ready!(parked.waiting.as_mut().poll(cx, asked.context()));
                    let (Some(mut service), Some(request)) =
                        (parked.service.take(), parked.request.take())
                    else {
                        return Poll::Ready(Err(over()));
                    };
                    match result {
                        Ok(held) => State::Calling {
                            call: service.call(request),
                            held: Some(held),
                        },
                        Err(error) => State::Refused {
                            error: Some(refusal::noted(error, request.context())),
                        },
                    }
                }
                StateProj::Refused { error } => {
                    return Poll::Ready(Err(error.take().unwrap_or_else(over)));
                }
                StateProj::Over => return Poll::Ready(Err(over())),
            };
            state.set(next);
        }
    }
}

impl<S, Req, T> fmt::Debug for LimitFuture<S, Req, T>
where
    S: Service<Req>,
    T: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "waiting",
            State::Calling { .. } => "calling",
            State::Refused { .. } => "refused",
            State::Over => "over",
        };
        f.debug_struct("LimitFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

pub(super) fn end<A: Answer, B: Bucket>(
    result: Result<A, Error>,
    held: Option<Held<'_, B>>,
) -> Result<A, Error> {
    match (result, held) {
        (Ok(answer), Some(held)) => Ok(held.follow(answer)),
        (Err(error), Some(held)) => {
            held.fail(&error);
            Err(error)
        }
        (result, None) => result,
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}
