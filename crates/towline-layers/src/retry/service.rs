//! The layer, its service and its future.

use super::{
    policy::RetryPolicy,
    rest::{Rest, over},
};
use crate::{
    ask::Ask,
    begun::{Begun, begin},
    handle::Handle,
    seed::Seeds,
};
use pin_project_lite::pin_project;
use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::time::{Sleep, sleep};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, Metered, Moment};

/// Tries failed calls of the inner service again. The [module docs](super) say what it promises.
#[derive(Clone, Debug)]
pub struct RetryLayer {
    shared: Arc<Shared>,
}

/// The service that [`RetryLayer`] makes.
#[derive(Clone, Debug)]
pub struct Retry<S> {
    inner: S,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) policy: RetryPolicy,
    pub(super) seeds: Seeds,
}

pin_project! {
    /// The future that [`Retry`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempt under way. What was sent by then may be billed, and stays spent in
    /// the budget; tokens of an attempt that was waited for go back.
    #[must_use = "futures do nothing unless polled"]
    pub struct RetryFuture<S, Req, A>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S::Future, A>,
        // Absent where nothing may be tried again.
        service: Option<S>,
        rest: Rest<'static, Req>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, A> {
        // => (Over | Waiting)
        Asking {
            #[pin]
            call: Begun<F, A>,
        },
        // => (Over | Asking)
        Waiting {
            #[pin]
            sleep: Sleep,
        },
        Over,
    }
}

// === impl RetryLayer ===

impl RetryLayer {
    /// Tries again as `policy` says.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            shared: Arc::new(Shared {
                policy,
                seeds: Seeds::random(),
            }),
        }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

// === impl Retry ===

impl<S, Req> Service<Req> for Retry<S>
where
    S: Service<Req, Error = Error> + Clone,
    S::Response: Answer,
    Req: Metered + Clone,
{
    type Response = S::Response;
    type Error = Error;
    type Future = RetryFuture<S, Req, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let rest = Rest::new(Handle::Owned(Arc::clone(&self.shared)), &request);
        RetryFuture {
            service: rest.may_repeat().then(|| self.inner.clone()),
            state: State::Asking {
                call: Begun::new(self.inner.call(request)),
            },
            rest,
        }
    }
}

impl<S, Req> Ask<Req> for Retry<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered + Clone + Sync,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        mut request: Req,
        mut moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let mut rest = Rest::new(Handle::Borrowed(&self.shared), &request);
            loop {
                // The attempt is gone before anything is waited for.
                let result = match self.inner.ask_at(request, mem::take(&mut moment)).await {
                    Ok(answer) => begin(answer).await,
                    Err(error) => Err(error),
                };
                rest.settle(&result);
                let error = match result {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                let pause = rest.after(error)?;
                Box::pin(sleep(pause)).await;
                request = rest.again()?;
            }
        }
    }
}

// === impl RetryFuture ===

impl<S, Req, A> Future for RetryFuture<S, Req, A>
where
    S: Service<Req, Response = A, Error = Error> + Clone,
    A: Answer,
    Req: Metered + Clone,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Asking { call } => {
                    let result = ready!(call.poll(cx));
                    // The attempt is gone before anything is waited for.
                    this.state.set(State::Over);
                    this.rest.settle(&result);
                    let error = match result {
                        Ok(answer) => return Poll::Ready(Ok(answer)),
                        Err(error) => error,
                    };
                    match this.rest.after(error) {
                        Ok(pause) => this.state.set(State::Waiting {
                            sleep: sleep(pause),
                        }),
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                StateProj::Waiting { sleep } => {
                    ready!(sleep.poll(cx));
                    match this.rest.call(this.service.as_mut(), cx) {
                        Ok(call) => this.state.set(State::Asking {
                            call: Begun::new(call),
                        }),
                        Err(error) => {
                            this.state.set(State::Over);
                            return Poll::Ready(Err(error));
                        }
                    }
                }
                StateProj::Over => return Poll::Ready(Err(over())),
            }
        }
    }
}

impl<S, Req, A> fmt::Debug for RetryFuture<S, Req, A>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("retries", &self.rest.retries())
            .finish_non_exhaustive()
    }
}
