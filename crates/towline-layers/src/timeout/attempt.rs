//! The clocks of one attempt.

use super::{
    alarm::{Alarm, within},
    clocks::Clocks,
};
use crate::{
    ask::Ask,
    begun::{Begun, begin},
};
use pin_project_lite::pin_project;
use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Clock, Error, ErrorKind, Event, Metered, Moment, Watch};

/// Bounds each attempt. The [module docs](super) say where it goes.
///
/// A streamed answer is handed on when its first content is there.
#[derive(Clone, Debug)]
pub struct AttemptLayer {
    clocks: Arc<Clocks>,
}

/// The service that [`AttemptLayer`] makes.
#[derive(Clone, Debug)]
pub struct Attempt<S> {
    inner: S,
    clocks: Arc<Clocks>,
}

pin_project! {
    /// The future that [`Attempt`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempt; what was sent by then may be billed.
    #[derive(Debug)]
    pub struct AttemptFuture<F, A> {
        #[pin]
        call: Option<Begun<F, A>>,
        alarm: Alarm,
        start: Instant,
        limit: Limit,
        clocks: Arc<Clocks>,
    }
}

/// A clock and how long it runs.
#[derive(Clone, Copy, Debug)]
struct Limit {
    clock: Clock,
    time: Duration,
}

/// Bounds the rest of a streamed answer.
#[derive(Debug)]
struct Rest {
    clocks: Clocks,
    /// When the attempt has to be over.
    end: Option<Instant>,
    /// The last sign of life.
    heard: Instant,
    /// The last content.
    moved: Instant,
    /// Somebody has waited since the last event.
    waited: bool,
    alarm: Alarm,
}

// === impl AttemptLayer ===

impl AttemptLayer {
    /// Bounds each attempt by `clocks`.
    #[must_use]
    pub fn new(clocks: Clocks) -> Self {
        Self {
            clocks: Arc::new(clocks),
        }
    }
}

impl<S> Layer<S> for AttemptLayer {
    type Service = Attempt<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Attempt {
            inner,
            clocks: Arc::clone(&self.clocks),
        }
    }
}

// === impl Attempt ===

impl<S, Req> Service<Req> for Attempt<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = AttemptFuture<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let limit = Limit::of_head(&self.clocks, &request);
        AttemptFuture {
            call: Some(Begun::new(self.inner.call(request))),
            alarm: Alarm::default(),
            start: Instant::now(),
            limit,
            clocks: Arc::clone(&self.clocks),
        }
    }
}

impl<S, Req> Ask<Req> for Attempt<S>
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
            let limit = Limit::of_head(&self.clocks, &request);
            // What is there at once needs no clock.
            let mut start = moment.known();
            let result = {
                let call = pin!(async { begin(self.inner.ask_at(request, moment).await?).await });
                let due = || {
                    start
                        .get_or_insert_with(Instant::now)
                        .checked_add(limit.time)
                };
                within(call, due, || limit.error()).await
            };
            // The exchange is closed before an error is told.
            result.map(|answer| bound(answer, &self.clocks, limit, start))
        }
    }
}

// === impl AttemptFuture ===

impl<F, A> Future for AttemptFuture<F, A>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let limit = *this.limit;
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            // Polled after its end, which no caller does.
            return Poll::Ready(Err(limit.error()));
        };
        if let Poll::Ready(result) = call.poll(cx) {
            let (clocks, start) = (&**this.clocks, Some(*this.start));
            return Poll::Ready(result.map(|answer| bound(answer, clocks, limit, start)));
        }
        let start = *this.start;
        ready!(this.alarm.poll(cx, || start.checked_add(limit.time)));
        // The exchange is closed before the error is told.
        this.call.set(None);
        Poll::Ready(Err(limit.error()))
    }
}

/// Keeps the clocks running over the body, from `start` or from now.
fn bound<A: Answer>(mut answer: A, clocks: &Clocks, limit: Limit, start: Option<Instant>) -> A {
    if !answer.is_whole() {
        let now = Instant::now();
        let start = start.unwrap_or(now);
        let mut clocks = *clocks;
        // A server may stream what was not to be streamed: it still has to be over in time.
        if limit.clock == Clock::Attempt {
            clocks.attempt = Some(limit.time);
        }
        answer.watch(Rest {
            clocks,
            end: clocks.attempt.and_then(|limit| start.checked_add(limit)),
            heard: now,
            moved: now,
            waited: false,
            alarm: Alarm::default(),
        });
    }
    answer
}

// === impl Limit ===

impl Limit {
    /// What runs until the answer has begun, or is there where it is not streamed.
    fn of_head<Req: Metered>(clocks: &Clocks, request: &Req) -> Self {
        let head = if !request.streams() {
            Self::new(Clock::Attempt, clocks.whole)
        } else if request.reasons() {
            Self::new(Clock::FirstToken, clocks.reasoning)
        } else {
            Self::new(Clock::FirstToken, clocks.first_token)
        };
        match clocks.attempt {
            Some(limit) if limit < head.time => Self::new(Clock::Attempt, limit),
            _ => head,
        }
    }

    const fn new(clock: Clock, time: Duration) -> Self {
        Self { clock, time }
    }

    fn error(self) -> Error {
        let time = self.time;
        let message = match self.clock {
            Clock::FirstToken => format!(
                "the answer had not begun after {time:?}; `timeout.first_token` and `timeouts.stream` \
                 set the limit"
            ),
            Clock::Idle => {
                format!(
                    "the stream was silent for {time:?}; `timeout.idle` and `timeouts.stream` set the \
                     limit"
                )
            }
            Clock::Progress => format!(
                "the stream sent signs of life and no content for {time:?}; raise `timeout.progress` \
                 to wait longer"
            ),
            _ => format!(
                "the attempt was not over after {time:?}; raise `timeouts.request` or \
                 `timeout.attempt`, or stream the answer"
            ),
        };
        Error::new(ErrorKind::Timeout)
            .with_clock(self.clock)
            .with_message(message)
    }
}

// === impl Rest ===

impl Rest {
    /// The clock that runs out first, and when.
    fn next(&self) -> (Instant, Limit) {
        let clocks = &self.clocks;
        let idle = self.heard.checked_add(clocks.idle);
        let progress = clocks.progress.and_then(|limit| {
            let due = self.moved.checked_add(limit)?;
            Some((due, Limit::new(Clock::Progress, limit)))
        });
        let attempt = self.end.zip(clocks.attempt);
        let attempt = attempt.map(|(due, limit)| (due, Limit::new(Clock::Attempt, limit)));
        let idle = idle.map(|due| (due, Limit::new(Clock::Idle, clocks.idle)));
        let clocks = [attempt, progress, idle].into_iter().flatten();
        clocks
            .min_by_key(|(due, _)| *due)
            // A limit beyond what the clock can say is none: a day later it is looked at again.
            .unwrap_or_else(|| (self.heard + DAY, Limit::new(Clock::Idle, DAY)))
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A reader that takes up what is there is quicker than this.
const AWAY: Duration = Duration::from_secs(1);

impl Watch for Rest {
    fn on_event(&mut self, event: &Event, moment: &Moment) -> Result<(), Error> {
        let now = moment.now();
        let away = now.saturating_duration_since(self.heard);
        let waited = std::mem::replace(&mut self.waited, false);
        if !matches!(event, Event::Ping) {
            self.moved = now;
        } else if !waited && away >= AWAY {
            // Nobody read meanwhile, and content may stand behind this.
            self.moved += away;
        }
        self.heard = now;
        // A provider that is never silent would else go on for ever.
        match self.next() {
            (due, limit) if due <= now => Err(limit.error()),
            _ => Ok(()),
        }
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.waited = true;
        let mut alarm = std::mem::take(&mut self.alarm);
        let rung = alarm.poll(cx, || Some(self.next().0));
        self.alarm = alarm;
        ready!(rung);
        Poll::Ready(self.next().1.error())
    }
}
