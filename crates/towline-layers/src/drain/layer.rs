//! The gate as a layer.

use super::gate::{Drain, Inside, LAYER, Shared, cut};
use crate::{ask::Ask, handle::Handle, refused};
use pin_project_lite::pin_project;
use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::sync::futures::OwnedNotified;
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, Event, Metered, Moment, Watch};

/// Leads calls through a [`Drain`]. The [module docs](super) say where it goes.
#[derive(Clone, Debug)]
pub struct DrainLayer {
    drain: Drain,
}

/// The service that [`DrainLayer`] makes.
#[derive(Clone, Debug)]
pub struct DrainService<S> {
    inner: S,
    drain: Drain,
}

pin_project! {
    /// The future that [`DrainService`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call, which leaves the gate.
    #[derive(Debug)]
    pub struct DrainFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    #[derive(Debug)]
    enum State<F> {
        Refused { error: Option<Error> },
        Inside {
            #[pin]
            call: F,
            inside: Option<Inside<'static>>,
            // Set where the call is pending, not before; on the heap, so that the call is small to move.
            leave: Option<Pin<Box<OwnedNotified>>>,
        },
        Over,
    }
}

/// Keeps the pass to the end of the body, and ends the body when it has to.
struct Stay {
    inside: Inside<'static>,
    leave: Option<Pin<Box<OwnedNotified>>>,
}

// === impl DrainLayer ===

impl DrainLayer {
    /// Leads calls through `drain`.
    #[must_use]
    pub fn new(drain: &Drain) -> Self {
        Self {
            drain: drain.clone(),
        }
    }
}

impl<S> Layer<S> for DrainLayer {
    type Service = DrainService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DrainService {
            inner,
            drain: self.drain.clone(),
        }
    }
}

// === impl DrainService ===

impl<S, Req> Service<Req> for DrainService<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = DrainFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let shared = Handle::Owned(Arc::clone(&self.drain.shared));
        let state = match enter(shared, &request) {
            Ok(inside) => State::Inside {
                inside: Some(inside),
                call: self.inner.call(request),
                leave: None,
            },
            Err(error) => State::Refused { error: Some(error) },
        };
        DrainFuture { state }
    }
}

impl<S, Req> Ask<Req> for DrainService<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        request: Req,
        moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let inside = enter(Handle::Borrowed(&self.drain.shared), &request)?;
            let result = {
                let call = pin!(self.inner.ask_at(request, moment));
                self.drain.shared.until_cut(call).await
            };
            // The call is gone before the result is seen.
            result.map(|answer| stay(answer, Some(inside)))
        }
    }
}

// === impl DrainFuture ===

impl<F, A> Future for DrainFuture<F>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.as_mut().project().state.poll_call(cx));
        // The call and its pass are gone before the result is seen.
        self.project().state.set(State::Over);
        Poll::Ready(result)
    }
}

impl<F> State<F> {
    fn poll_call<A>(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<A, Error>>
    where
        F: Future<Output = Result<A, Error>>,
        A: Answer,
    {
        let (call, inside, leave) = match self.project() {
            StateProj::Refused { error } => {
                return Poll::Ready(Err(error.take().unwrap_or_else(cut)));
            }
            StateProj::Inside {
                call,
                inside,
                leave,
            } => (call, inside, leave),
            StateProj::Over => return Poll::Ready(Err(cut())),
        };
        if let Poll::Ready(result) = call.poll(cx) {
            return Poll::Ready(result.map(|answer| stay(answer, inside.take())));
        }
        let Some(inside) = inside else {
            return Poll::Pending;
        };
        ready!(poll_leave(leave, &inside.shared, cx));
        Poll::Ready(Err(cut()))
    }
}

/// Lets the call of `request` in, or writes down that nobody is let in any more.
fn enter<'a>(shared: Handle<'a, Shared>, request: &impl Metered) -> Result<Inside<'a>, Error> {
    Inside::new(shared).inspect_err(|error| refused::note(request.context(), LAYER, error))
}

/// Ready once those inside have to leave.
fn poll_leave(
    leave: &mut Option<Pin<Box<OwnedNotified>>>,
    shared: &Shared,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let leave = leave.get_or_insert_with(|| Box::pin(Arc::clone(&shared.leave).notified_owned()));
    let told = leave.as_mut().poll(cx).is_ready();
    // Listen before looking: what was told in between is seen.
    if told || shared.is_cut() {
        return Poll::Ready(());
    }
    Poll::Pending
}

/// Keeps the pass for as long as the answer arrives.
fn stay<A: Answer>(mut answer: A, inside: Option<Inside<'_>>) -> A {
    if let (false, Some(inside)) = (answer.is_whole(), inside) {
        answer.watch(Stay {
            inside: inside.into_owned(),
            leave: None,
        });
    }
    answer
}

// === impl Stay ===

impl Watch for Stay {
    fn on_event(&mut self, _event: &Event, _moment: &Moment) -> Result<(), Error> {
        if self.inside.shared.is_cut() {
            return Err(cut());
        }
        Ok(())
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let shared = &self.inside.shared;
        ready!(poll_leave(&mut self.leave, shared, cx));
        Poll::Ready(cut())
    }
}
