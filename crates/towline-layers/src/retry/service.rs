//! The layer, its service and its future.

use super::{
    again::{Class, pause},
    backoff::Pauses,
    policy::RetryPolicy,
};
use crate::{begun::Begun, budget::Withdrawal, seed::Seeds};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, ErrorKind, Metered, RetrySafety, Step};

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
struct Shared {
    policy: RetryPolicy,
    seeds: Seeds,
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
        // Absent where there is no budget and no retry.
        rest: Rest<S, Req>,
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

/// What is needed to try again.
struct Rest<S, Req> {
    shared: Arc<Shared>,
    /// Absent where nothing may be tried again.
    spare: Option<Spare<S, Req>>,
    /// Of the first attempt, or of each.
    tokens: u64,
    retries: u32,
}

struct Spare<S, Req> {
    service: S,
    request: Req,
    /// Absent before the first failure; on the heap, so that a call that succeeds is small to move.
    later: Option<Box<Later>>,
}

/// What a call carries that has failed once.
struct Later {
    pauses: Pauses,
    /// Of the attempt that is waited for or under way.
    withdrawal: Option<Withdrawal>,
    /// The last error that came from a provider, and for how long is waited after it.
    failed: Option<(Error, Duration)>,
}

const LAYER: &str = "retry";

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
        let policy = &self.shared.policy;
        // Weighing a request looks through its conversation.
        let tokens = match policy.budget() {
            Some(_) => request.estimated_tokens(),
            None => 0,
        };
        let may_repeat =
            policy.max_attempts() > 1 && request.context().retry() != RetrySafety::Once;
        let spare = may_repeat.then(|| Spare {
            service: self.inner.clone(),
            request: request.clone(),
            later: None,
        });
        RetryFuture {
            state: State::Asking {
                call: Begun::new(self.inner.call(request)),
            },
            rest: Rest {
                shared: Arc::clone(&self.shared),
                spare,
                tokens,
                retries: 0,
            },
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
                    match this.rest.ask(cx) {
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
            .field("retries", &self.rest.retries)
            .finish_non_exhaustive()
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}

// === impl Rest ===

impl<S, Req> Rest<S, Req> {
    /// Books an attempt that has ended, or whose answer has begun. What our own layers turned away
    /// asked no provider: it neither earns nor costs.
    fn settle<A>(&mut self, result: &Result<A, Error>) {
        let refused = result.as_ref().is_err_and(|e| e.refused_by().is_some());
        let later = self.spare.as_mut().and_then(|spare| spare.later.as_mut());
        match later.and_then(|later| later.withdrawal.take()) {
            Some(withdrawal) if refused => withdrawal.refund(),
            Some(_spent) => {}
            None if refused || self.retries > 0 => {}
            None => {
                if let Some(budget) = self.shared.policy.budget() {
                    budget.deposit(self.tokens);
                }
            }
        }
    }
}

impl<S, Req: Metered> Rest<S, Req> {
    /// How long to wait before the attempt after the one that failed with `error`.
    ///
    /// # Errors
    ///
    /// There is none, and this is what the caller gets.
    fn after(&mut self, error: Error) -> Result<Duration, Error> {
        let policy = &self.shared.policy;
        let Some(spare) = &mut self.spare else {
            return Err(error);
        };
        match Class::of(&error, self.retries) {
            Class::Again if self.retries.saturating_add(1) < policy.max_attempts() => {}
            Class::Refused => return Err(spare.last_of_provider(error)),
            _ => return Err(error),
        }
        let context = spare.request.context();
        let seeds = &self.shared.seeds;
        let later = spare.later.get_or_insert_with(|| {
            Box::new(Later {
                pauses: Pauses::new(seeds.rng(context)),
                withdrawal: None,
                failed: None,
            })
        });
        let drawn = later.pauses.draw(policy.backoff(), self.retries);
        let (hint, deadline) = (error.retry_after(), context.deadline());
        let Some(pause) = pause(policy, hint, drawn, Instant::now(), deadline) else {
            return Err(error);
        };
        if let Some(budget) = policy.budget() {
            later.withdrawal = budget.withdraw(self.tokens);
            if later.withdrawal.is_none() {
                spare.refuse(&error);
                return Err(error);
            }
        }
        if let Some(deployment) = error.deployment() {
            let deployment = deployment.clone();
            spare.request.context_mut().avoid(deployment);
        }
        later.failed = Some((error, pause));
        Ok(pause)
    }
}

impl<S, Req> Rest<S, Req>
where
    S: Service<Req, Error = Error>,
    Req: Metered + Clone,
{
    /// Makes the attempt that was waited for, if the inner service is ready for it now.
    ///
    /// # Errors
    ///
    /// It is not, and this is what the caller gets.
    fn ask(&mut self, cx: &mut Context<'_>) -> Result<S::Future, Error> {
        let Some(spare) = &mut self.spare else {
            return Err(over());
        };
        spare.waited();
        match spare.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                self.retries = self.retries.saturating_add(1);
                spare.settle_withdrawal(true);
                Ok(spare.service.call(spare.request.clone()))
            }
            result => {
                // Nothing was sent: the tokens go back.
                spare.settle_withdrawal(false);
                let unready = match result {
                    Poll::Ready(Err(error)) => error,
                    _ => over(),
                };
                let error = spare.last_of_provider(unready);
                spare.refuse(&error);
                Err(error)
            }
        }
    }
}

// === impl Spare ===

impl<S, Req: Metered> Spare<S, Req> {
    /// The last error of a provider, or `error` where none was asked.
    fn last_of_provider(&mut self, error: Error) -> Error {
        let failed = self.later.as_mut().and_then(|later| later.failed.take());
        failed.map_or(error, |(failed, _)| failed)
    }

    /// What was withdrawn is spent, or goes back.
    fn settle_withdrawal(&mut self, sent: bool) {
        if let Some(later) = &mut self.later {
            let withdrawal = later.withdrawal.take().filter(|_| sent);
            later.withdrawal = withdrawal.map(Withdrawal::sent);
        }
    }

    /// Writes down how long was waited, and why.
    fn waited(&self) {
        let journey = self.request.context().journey();
        let failed = self.later.as_ref().and_then(|later| later.failed.as_ref());
        if let (Some(journey), Some((failed, pause))) = (journey, failed) {
            journey.push(Step::waited(LAYER, failed.kind().as_str(), *pause));
        }
    }

    /// Writes down that a retry would have been right, and was not made.
    fn refuse(&self, error: &Error) {
        if let Some(journey) = self.request.context().journey() {
            journey.push(Step::Refused {
                layer: LAYER,
                kind: error.kind(),
                retry_after: error.retry_after(),
            });
        }
    }
}
