//! Asking one after the other.

use super::{rest::Rest, target::Target};
use crate::{
    ask::Ask,
    begun::{Begun, begin},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;
use towline_core::{Answer, Error, ErrorKind, Metered, Moment};

/// Targets in order. The [module docs](super) say what it promises.
pub struct Fallback<S> {
    /// The first target, which is asked without being cloned.
    first: Target<S>,
    others: Arc<[Target<S>]>,
    filtered: bool,
    reserve: Duration,
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
            // Set where the call is pending and has to make way.
            alarm: Option<Pin<Box<Sleep>>>,
        },
        Readying {
            target: Target<S>,
            // Rings at the end of its turn.
            alarm: Option<Pin<Box<Sleep>>>,
        },
        Failed {
            error: Option<Error>,
        },
        Over,
    }
}

/// The most that is left of the time for who is next.
const RESERVE: Duration = Duration::from_mins(1);

// === impl Fallback ===

impl<S> Fallback<S> {
    /// Asks `target`, and nobody else yet.
    #[must_use]
    pub fn new(target: Target<S>) -> Self {
        Self {
            first: target,
            others: Arc::new([]),
            filtered: false,
            reserve: RESERVE,
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

    /// Sets the most that a target leaves of the time before the deadline to those behind it: it has to
    /// begin its answer before the last quarter of that time, or before so much is left where that is
    /// later. Default 1 minute. Zero: it may take all of it. Who has nobody behind him, or no deadline,
    /// leaves nothing.
    #[must_use]
    pub const fn with_reserve(mut self, most: Duration) -> Self {
        self.reserve = most;
        self
    }

    /// What is needed to ask somebody else than the first, and who is asked in its place, if he is.
    fn rest<Req: Metered>(&self, request: Req) -> (Box<Rest<S, Req>>, Option<usize>) {
        let ways = (self.filtered, self.reserve);
        Rest::new(request, &self.first, &self.others, ways)
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
        let unready = self.unready.take();
        if self.others.is_empty() {
            return FallbackFuture {
                state: match unready {
                    Some(error) => State::Failed { error: Some(error) },
                    None => State::asking(&mut self.first, request),
                },
                rest: None,
            };
        }
        let (rest, instead) = self.rest(request);
        let instead = instead.and_then(|index| self.others.get(index));
        let state = match (instead, unready) {
            (Some(other), _) => State::readying(other.clone()),
            (None, Some(error)) => State::Failed { error: Some(error) },
            (None, None) => State::asking(&mut self.first, rest.request()),
        };
        FallbackFuture {
            state,
            rest: Some(rest),
        }
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
        request: Req,
        mut moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let first = &self.first;
            if self.others.is_empty() {
                let answer = first.service.ask_at(first.address(request), moment);
                return begin(answer.await?).await;
            }
            let (mut rest, instead) = self.rest(request);
            let mut target = instead.and_then(|index| self.others.get(index));
            loop {
                let asked = target.unwrap_or(first);
                let failed = {
                    let request = asked.address(rest.request());
                    let moment = mem::take(&mut moment);
                    let call = pin!(async {
                        let answer = asked.service.ask_at(request, moment);
                        begin(answer.await?).await
                    });
                    match within(call, rest.turn_end()).await {
                        Some(Ok(answer)) => return Ok(answer),
                        Some(Err(error)) => error,
                        None => rest.late(),
                    }
                };
                // The failed call is gone before anybody else is asked.
                let next = rest.move_on(failed, true);
                target = next.and_then(|index| self.others.get(index));
                if target.is_none() {
                    return Err(rest.take_error());
                }
            }
        }
    }
}

/// What `call` comes to, or nothing once `end` has passed.
fn within<T>(
    mut call: Pin<&mut impl Future<Output = T>>,
    end: Option<Instant>,
) -> impl Future<Output = Option<T>> {
    let mut alarm = None;
    poll_fn(move |cx| {
        // The answer is polled first: one that is there is never thrown away.
        match call.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => ring(&mut alarm, end, cx).map(|()| None),
        }
    })
}

/// Ready once `end` has passed. The timer is set when somebody waits.
fn ring(
    alarm: &mut Option<Pin<Box<Sleep>>>,
    end: Option<Instant>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let Some(end) = end else {
        return Poll::Pending;
    };
    let sleep = alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
    sleep.as_mut().poll(cx)
}

impl<S: Clone> Clone for Fallback<S> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            others: Arc::clone(&self.others),
            filtered: self.filtered,
            reserve: self.reserve,
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

// === impl State ===

impl<S, F, A> State<S, F, A> {
    /// `target` is made ready.
    const fn readying(target: Target<S>) -> Self {
        let alarm = None;
        Self::Readying { target, alarm }
    }

    /// A call to `target`, whose service is ready.
    fn asking<Req: Metered>(target: &mut Target<S>, request: Req) -> Self
    where
        S: Service<Req, Future = F>,
    {
        let request = target.address(request);
        Self::Asking {
            call: Begun::new(target.service.call(request)),
            alarm: None,
        }
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
            let (failed, made) = match this.state.as_mut().project() {
                StateProj::Asking { call, alarm } => match call.poll(cx) {
                    Poll::Ready(Ok(answer)) => {
                        this.state.set(State::Over);
                        return Poll::Ready(Ok(answer));
                    }
                    Poll::Ready(Err(error)) => (error, true),
                    Poll::Pending => {
                        let Some(rest) = this.rest.as_ref() else {
                            return Poll::Pending;
                        };
                        ready!(ring(alarm, rest.turn_end(), cx));
                        (rest.late(), true)
                    }
                },
                StateProj::Readying { target, alarm } => {
                    let Some(rest) = this.rest.as_ref() else {
                        return Poll::Ready(Err(over()));
                    };
                    match target.service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {
                            let asking = State::asking(target, rest.request());
                            this.state.set(asking);
                            continue;
                        }
                        Poll::Ready(Err(error)) => (error, false),
                        // To get ready is part of its turn.
                        Poll::Pending => {
                            ready!(ring(alarm, rest.turn_end(), cx));
                            (rest.late(), false)
                        }
                    }
                }
                StateProj::Failed { error } => (error.take().unwrap_or_else(over), false),
                StateProj::Over => return Poll::Ready(Err(over())),
            };
            // The failed call is gone before anybody else is asked.
            this.state.set(State::Over);
            let Some(rest) = this.rest.as_mut() else {
                return Poll::Ready(Err(failed));
            };
            let next = rest.move_on(failed, made);
            match next.and_then(|index| rest.other(index)) {
                Some(target) => this.state.set(State::readying(target)),
                None => return Poll::Ready(Err(rest.take_error())),
            }
        }
    }
}

impl<S, Req, A> fmt::Debug for FallbackFuture<S, Req, A>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.rest.as_ref().map(|rest| rest.asked());
        f.debug_struct("FallbackFuture")
            .field("asked", &asked)
            .finish_non_exhaustive()
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}
