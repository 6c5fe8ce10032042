//! The breaker as a layer.

use super::handle::{Breaker, Pass, Shared};
use crate::{
    ask::Ask,
    handle::{self, Handle},
    refused,
    verdict::Verdict,
};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Ending, Error, ErrorKind, Metered, Moment, Usage, Watch};

/// Leads calls through a [`Breaker`]. The [module docs](super) say where it goes.
#[derive(Clone, Debug)]
pub struct BreakerLayer {
    breaker: Breaker,
}

/// The service that [`BreakerLayer`] makes.
#[derive(Clone, Debug)]
pub struct BreakerService<S> {
    inner: S,
    breaker: Breaker,
}

pin_project! {
    /// The future that [`BreakerService`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call, and counts neither for nor against the deployment. A call that
    /// was to try whether the deployment is back leaves its place to another.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct BreakerFuture<F> {
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
            pass: Option<Pass<'static>>,
        },
        Over,
    }
}

/// Follows an answer to its end.
struct Follow<'a> {
    pass: Pass<'a>,
}

// === impl BreakerLayer ===

impl BreakerLayer {
    /// Leads calls through `breaker`.
    #[must_use]
    pub fn new(breaker: &Breaker) -> Self {
        Self {
            breaker: breaker.clone(),
        }
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = BreakerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService {
            inner,
            breaker: self.breaker.clone(),
        }
    }
}

// === impl BreakerService ===

impl<S, Req> Service<Req> for BreakerService<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = BreakerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = match enter(self.breaker.owned(), &request) {
            Ok(pass) => State::Inside {
                pass: Some(pass),
                call: self.inner.call(request),
            },
            Err(error) => State::Refused { error: Some(error) },
        };
        BreakerFuture { state }
    }
}

impl<S, Req> Ask<Req> for BreakerService<S>
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
            let pass = enter(self.breaker.lent(), &request)?;
            let result = self.inner.ask_at(request, moment).await;
            follow(result, pass)
        }
    }
}

/// Lets the call in. That it was turned away is written down.
fn enter<'a>(shared: Handle<'a, Shared>, request: &impl Metered) -> Result<Pass<'a>, Error> {
    let context = request.context();
    Pass::new(shared, context).inspect_err(|error| refused::note(context, "breaker", error))
}

// === impl BreakerFuture ===

impl<F, A> Future for BreakerFuture<F>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match self.as_mut().project().state.project() {
            StateProj::Refused { error } => Err(error.take().unwrap_or_else(over)),
            StateProj::Inside { call, pass } => {
                let result = ready!(call.poll(cx));
                match pass.take() {
                    Some(pass) => follow(result, pass),
                    None => result,
                }
            }
            StateProj::Over => Err(over()),
        };
        // The call is gone before the result is seen.
        self.project().state.set(State::Over);
        Poll::Ready(result)
    }
}

/// An error is the end; an answer is followed to its end.
fn follow<A: Answer>(result: Result<A, Error>, pass: Pass<'_>) -> Result<A, Error> {
    match result {
        Ok(mut answer) => {
            handle::follow(&mut answer, Follow { pass }, |Follow { pass }| Follow {
                pass: pass.into_owned(),
            });
            Ok(answer)
        }
        Err(error) => {
            pass.settle(Verdict::of_error(&error), error.retry_after());
            Err(error)
        }
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}

// === impl Follow ===

impl Watch for Follow<'_> {
    fn on_end(&mut self, ending: Ending<'_>, _usage: Option<&Usage>, moment: &Moment) {
        let hint = match ending {
            Ending::Failed(error) => error.retry_after(),
            _ => None,
        };
        self.pass.tell(Verdict::of_ending(ending), hint, moment);
    }
}
