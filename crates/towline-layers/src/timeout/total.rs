//! The clock of a whole call.

use super::alarm::{Alarm, within};
use crate::{ask::Ask, refused};
use pin_project_lite::pin_project;
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Clock, Error, ErrorKind, Event, Metered, Moment, Watch};

/// Bounds each call, from `call` to the end of its body. The [module docs](super) say where it goes.
#[derive(Clone, Copy, Debug)]
pub struct TotalLayer {
    limits: Limits,
}

/// The limits of calls that are not streamed, and of those that are.
#[derive(Clone, Copy, Debug)]
struct Limits {
    whole: Option<Duration>,
    streamed: Option<Duration>,
}

/// The service that [`TotalLayer`] makes.
#[derive(Clone, Debug)]
pub struct Total<S> {
    inner: S,
    limits: Limits,
}

pin_project! {
    /// The future that [`Total`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call; what was sent by then may be billed.
    #[derive(Debug)]
    pub struct TotalFuture<F> {
        #[pin]
        call: Option<F>,
        alarm: Alarm,
        end: Option<End>,
    }
}

/// When the call has to be over, and who said so.
#[derive(Clone, Copy, Debug)]
struct End {
    at: Instant,
    /// `None` where the caller set the moment himself.
    limit: Option<Duration>,
}

/// Bounds the rest of a streamed answer.
#[derive(Debug)]
struct Rest {
    end: End,
    alarm: Alarm,
}

const LAYER: &str = "timeout";

// === impl TotalLayer ===

impl TotalLayer {
    /// Bounds each call to `limit`, or to the deadline in its context where that is earlier.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self {
            limits: Limits {
                whole: Some(limit),
                streamed: Some(limit),
            },
        }
    }

    /// Holds calls to the deadline in their context alone.
    #[must_use]
    pub const fn deadline_only() -> Self {
        Self {
            limits: Limits {
                whole: None,
                streamed: None,
            },
        }
    }

    /// Sets another limit for streamed calls, or none: a long answer that is being read is no fault.
    #[must_use]
    pub const fn with_streamed(mut self, limit: Option<Duration>) -> Self {
        self.limits.streamed = limit;
        self
    }
}

impl<S> Layer<S> for TotalLayer {
    type Service = Total<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Total {
            inner,
            limits: self.limits,
        }
    }
}

// === impl Total ===

impl<S, Req> Service<Req> for Total<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = TotalFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let (end, late) = self.limits.begin(&mut request, Instant::now());
        TotalFuture {
            call: (!late).then(|| self.inner.call(request)),
            alarm: Alarm::default(),
            end,
        }
    }
}

impl<S, Req> Ask<Req> for Total<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        mut request: Req,
        moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let (end, is_late) = self.limits.begin(&mut request, moment.now());
            if is_late {
                return Err(late());
            }
            let result = {
                let call = pin!(self.inner.ask_at(request, moment));
                let error = || end.map_or_else(late, End::error);
                within(call, || end.map(|end| end.at), error).await
            };
            // What is under way has ended before an error is told.
            result.map(|answer| bound(answer, end))
        }
    }
}

// === impl Limits ===

impl Limits {
    /// When the call has to be over, which it is told; and whether that was before now, which is
    /// written down.
    fn begin(self, request: &mut impl Metered, now: Instant) -> (Option<End>, bool) {
        let limit = match request.streams() {
            true => self.streamed,
            false => self.whole,
        };
        let end = End::of(limit, request.context().deadline(), now);
        if let Some(end) = end {
            request.context_mut().narrow_deadline(end.at);
        }
        let is_late = end.is_some_and(|end| end.at <= now);
        if is_late {
            refused::note(request.context(), LAYER, &late());
        }
        (end, is_late)
    }
}

// === impl TotalFuture ===

impl<F, A> Future for TotalFuture<F>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let end = *this.end;
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(late()));
        };
        // The answer is polled first: one that is there is never thrown away.
        if let Poll::Ready(result) = call.poll(cx) {
            return Poll::Ready(result.map(|answer| bound(answer, end)));
        }
        let Some(end) = end else {
            return Poll::Pending;
        };
        ready!(this.alarm.poll(cx, || Some(end.at)));
        // What is under way ends before the error is told.
        this.call.set(None);
        Poll::Ready(Err(end.error()))
    }
}

/// Keeps the clock running over the body.
fn bound<A: Answer>(mut answer: A, end: Option<End>) -> A {
    if let (false, Some(end)) = (answer.is_whole(), end) {
        answer.watch(Rest {
            end,
            alarm: Alarm::default(),
        });
    }
    answer
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout)
        .with_clock(Clock::Total)
        .with_refused_by(LAYER)
        .with_retryable(false)
        .with_message("the deadline had passed before the call was made: nothing was sent")
}

// === impl End ===

impl End {
    fn of(limit: Option<Duration>, deadline: Option<Instant>, now: Instant) -> Option<Self> {
        // A limit beyond what the clock can say is none.
        let own = limit.and_then(|limit| Some((now.checked_add(limit)?, limit)));
        match (own, deadline) {
            (Some((at, _)), Some(deadline)) if deadline < at => Some(Self::told(deadline)),
            (Some((at, limit)), _) => Some(Self {
                at,
                limit: Some(limit),
            }),
            (None, deadline) => deadline.map(Self::told),
        }
    }

    const fn told(at: Instant) -> Self {
        Self { at, limit: None }
    }

    fn error(self) -> Error {
        let error = Error::new(ErrorKind::Timeout)
            .with_clock(Clock::Total)
            .with_retryable(false);
        match self.limit {
            Some(limit) => error.with_message(format!(
                "the call was not over after {limit:?}, queues, pauses and attempts included; raise \
                 `timeout.total` to wait longer"
            )),
            None => error.with_message("the caller's deadline passed before the answer was whole"),
        }
    }
}

// === impl Rest ===

impl Watch for Rest {
    fn on_event(&mut self, _event: &Event, moment: &Moment) -> Result<(), Error> {
        // A provider that is never silent would else go on for ever.
        if moment.now() >= self.end.at {
            return Err(self.end.error());
        }
        Ok(())
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let end = self.end;
        ready!(self.alarm.poll(cx, || Some(end.at)));
        Poll::Ready(end.error())
    }
}
