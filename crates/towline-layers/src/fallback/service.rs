//! Asking one after the other.

use super::{
    failures::{Failures, Next},
    target::Target,
};
use crate::{
    ask::Ask,
    begun::{Begun, begin},
};
use pin_project_lite::pin_project;
use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_service::Service;
use towline_core::{Answer, Capabilities, Error, ErrorKind, Metered, Moment, Step};

/// Targets in order. The [module docs](super) say what it promises.
pub struct Fallback<S> {
    /// The first target, which is asked without being cloned.
    first: Target<S>,
    others: Arc<[Target<S>]>,
    filtered: bool,
    /// Why the first target cannot get ready.
    unready: Option<Error>,
}

pin_project! {
    /// The future that [`Fallback`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call to the target that is being asked. What others were asked before
    /// may be billed.
    #[must_use = "futures do nothing unless polled"]
    pub struct FallbackFuture<S, Req, A>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, S::Future, A>,
        // On the heap, so that a call to the only target carries no room for another.
        rest: Option<Box<Rest<S, Req>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, A> {
        Asking {
            #[pin]
            call: Begun<F, A>,
        },
        Readying {
            target: Target<S>,
        },
        Failed {
            error: Option<Error>,
        },
        Over,
    }
}

/// What is needed to ask somebody else. Absent where there is nobody else.
struct Rest<S, Req> {
    request: Req,
    /// Found out when it is needed first.
    needs: Option<Capabilities>,
    others: Arc<[Target<S>]>,
    /// The first of them that was not looked at.
    next: usize,
    /// The target that is being asked.
    asked: towline_core::Text,
    window: Option<u64>,
    filtered: bool,
    failures: Failures,
}

// === impl Fallback ===

impl<S> Fallback<S> {
    /// Asks `target`, and nobody else yet.
    #[must_use]
    pub fn new(target: Target<S>) -> Self {
        Self {
            first: target,
            others: Arc::new([]),
            filtered: false,
            unready: None,
        }
    }

    /// Asks `target` where those before it cannot answer.
    #[must_use]
    pub fn then(mut self, target: Target<S>) -> Self
    where
        S: Clone,
    {
        self.others = self.others.iter().cloned().chain([target]).collect();
        self
    }

    /// Whether a request that a content filter refused is sent to the others; no by default: it is for
    /// the application to say whether a refusal may be shopped around.
    #[must_use]
    pub const fn with_filtered(mut self, filtered: bool) -> Self {
        self.filtered = filtered;
        self
    }

    /// What is needed to ask somebody else, if there is anybody.
    fn rest<Req: Metered + Clone>(&self, request: &Req) -> Option<Box<Rest<S, Req>>> {
        (!self.others.is_empty()).then(|| {
            Box::new(Rest {
                request: request.clone(),
                needs: None,
                others: Arc::clone(&self.others),
                next: 0,
                asked: self.first.name().clone(),
                window: self.first.window(),
                filtered: self.filtered,
                failures: Failures::default(),
            })
        })
    }

    /// How many targets there are.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.others.len() + 1
    }
}

impl<S, Req> Service<Req> for Fallback<S>
where
    S: Service<Req, Error = Error> + Clone,
    S::Response: Answer,
    Req: Metered + Clone,
{
    type Response = S::Response;
    type Error = Error;
    type Future = FallbackFuture<S, Req, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.unready.is_some() {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.first.service.poll_ready(cx)) {
            // The others may be able to answer.
            Err(error) if !self.others.is_empty() => {
                self.unready = Some(error);
                Poll::Ready(Ok(()))
            }
            result => Poll::Ready(result),
        }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let rest = self.rest(&request);
        let state = match self.unready.take() {
            Some(error) => State::Failed { error: Some(error) },
            None => {
                let request = self.first.address(request);
                let call = Begun::new(self.first.service.call(request));
                State::Asking { call }
            }
        };
        FallbackFuture { state, rest }
    }
}

impl<S, Req> Ask<Req> for Fallback<S>
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
            let mut rest = self.rest(&request);
            let mut target = &self.first;
            loop {
                // The failed call is gone before anybody else is asked.
                let failed = match target
                    .service
                    .ask_at(target.address(request), mem::take(&mut moment))
                    .await
                {
                    Ok(answer) => match begin(answer).await {
                        Ok(answer) => return Ok(answer),
                        Err(error) => error,
                    },
                    Err(error) => error,
                };
                let Some(rest) = &mut rest else {
                    return Err(failed);
                };
                let next = rest.move_on(failed);
                target = match next.and_then(|index| self.others.get(index)) {
                    Some(next) => next,
                    None => return Err(mem::take(&mut rest.failures).into_error()),
                };
                request = rest.request.clone();
            }
        }
    }
}

impl<S: Clone> Clone for Fallback<S> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            others: Arc::clone(&self.others),
            filtered: self.filtered,
            unready: None,
        }
    }
}

/// Shows the names of the targets.
impl<S> fmt::Debug for Fallback<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [&self.first].into_iter().chain(self.others.iter());
        let names: Vec<_> = names.map(Target::name).collect();
        f.debug_struct("Fallback")
            .field("targets", &names)
            .field("filtered", &self.filtered)
            .finish()
    }
}

// === impl FallbackFuture ===

impl<S, Req, A> Future for FallbackFuture<S, Req, A>
where
    S: Service<Req, Response = A, Error = Error> + Clone,
    A: Answer,
    Req: Metered + Clone,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let failed = match this.state.as_mut().project() {
                StateProj::Asking { call } => match ready!(call.poll(cx)) {
                    Ok(answer) => {
                        this.state.set(State::Over);
                        return Poll::Ready(Ok(answer));
                    }
                    Err(error) => error,
                },
                StateProj::Readying { target } => match ready!(target.service.poll_ready(cx)) {
                    Ok(()) => {
                        let Some(rest) = this.rest.as_ref() else {
                            return Poll::Ready(Err(over()));
                        };
                        let request = target.address(rest.request.clone());
                        let call = Begun::new(target.service.call(request));
                        this.state.set(State::Asking { call });
                        continue;
                    }
                    Err(error) => error,
                },
                StateProj::Failed { error } => error.take().unwrap_or_else(over),
                StateProj::Over => return Poll::Ready(Err(over())),
            };
            // The failed call is gone before anybody else is asked.
            this.state.set(State::Over);
            let Some(rest) = this.rest.as_mut() else {
                return Poll::Ready(Err(failed));
            };
            let next = rest.move_on(failed);
            match next.and_then(|index| rest.others.get(index).cloned()) {
                Some(target) => this.state.set(State::Readying { target }),
                None => {
                    let failures = mem::take(&mut rest.failures);
                    return Poll::Ready(Err(failures.into_error()));
                }
            }
        }
    }
}

impl<S, Req, A> fmt::Debug for FallbackFuture<S, Req, A>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.rest.as_ref().map(|rest| &rest.asked);
        f.debug_struct("FallbackFuture")
            .field("asked", &asked)
            .finish_non_exhaustive()
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}

// === impl Rest ===

impl<S, Req: Metered> Rest<S, Req> {
    /// Keeps the error, and says which of the others is asked next.
    fn move_on(&mut self, failed: Error) -> Option<usize> {
        let kind = failed.kind();
        let deadline = self.request.context().deadline();
        let next = Next::after(&failed, self.filtered, deadline);
        self.failures.push(failed);
        let index = self.pick(next)?;
        let target = self.others.get(index)?;
        let from = mem::replace(&mut self.asked, target.name().clone());
        self.window = target.window();
        if let Some(journey) = self.request.context().journey() {
            journey.push(Step::Moved {
                layer: "fallback",
                from,
                to: target.name().clone(),
                kind,
            });
        }
        Some(index)
    }

    /// The next target that can answer.
    fn pick(&mut self, next: Next) -> Option<usize> {
        if next == Next::Nobody {
            return None;
        }
        let request = &self.request;
        let needs = *self.needs.get_or_insert_with(|| request.needs());
        loop {
            let index = self.next;
            let target = self.others.get(index)?;
            self.next += 1;
            let large = next == Next::Anybody || target.is_larger_than(self.window);
            if large && target.can(needs, request) {
                return Some(index);
            }
        }
    }
}
