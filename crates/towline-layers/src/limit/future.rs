//! A call that waits for its turn, and is then made.

use super::{
    Bucket, Demand, Mode, Store, Verdict, Wait,
    held::Held,
    lane::{Away, Lane, Turn, calls},
    layer::Shared,
    refusal,
};
use crate::{overload, queue::Key};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;
use towline_core::{self as core, Answer, Error, ErrorKind, Metered, Step};

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
        Waiting {
            #[pin]
            waiting: Waiting<T>,
            service: Option<S>,
            request: Option<Req>,
        },
        Calling {
            #[pin]
            call: S::Future,
            held: Option<Held<T::Bucket>>,
        },
        Refused { error: Option<Error> },
        Over,
    }
}

pin_project! {
    /// Waits until it is granted what it asked for.
    pub(super) struct Waiting<T>
    where
        T: Store,
    {
        shared: Arc<Shared<T>>,
        place: Place<T::Bucket>,
        demand: Demand,
        // When it came, and until when it may wait.
        since: Option<Instant>,
        deadline: Option<Instant>,
        until: Option<Instant>,
        #[pin]
        ask: Option<<T::Bucket as Bucket>::Admit>,
        passing: bool,
        // When to ask again, and what for.
        alarm: Option<Instant>,
        wait: Option<Wait>,
        #[pin]
        sleep: Option<Sleep>,
        pended: bool,
    }
}

/// A place in the queue, which is given up when this is dropped.
struct Place<B: Bucket> {
    lane: Arc<Lane<B>>,
    key: Option<Key>,
}

// === impl LimitFuture ===

impl<S, Req, T> LimitFuture<S, Req, T>
where
    S: Service<Req>,
    T: Store,
{
    pub(super) const fn calling(call: S::Future, held: Held<T::Bucket>) -> Self {
        Self {
            state: State::Calling {
                call,
                held: Some(held),
            },
        }
    }

    pub(super) const fn refused(error: Error) -> Self {
        Self {
            state: State::Refused { error: Some(error) },
        }
    }

    pub(super) const fn waiting(waiting: Waiting<T>, service: S, request: Req) -> Self {
        Self {
            state: State::Waiting {
                waiting,
                service: Some(service),
                request: Some(request),
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
                StateProj::Waiting {
                    waiting,
                    service,
                    request,
                } => {
                    let Some(asked) = request.as_ref() else {
                        return Poll::Ready(Err(over()));
                    };
                    let result = ready!(waiting.poll(cx, asked.context()));
                    let (Some(mut service), Some(request)) = (service.take(), request.take())
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

fn end<A: Answer, B: Bucket>(result: Result<A, Error>, held: Option<Held<B>>) -> Result<A, Error> {
    match (result, held) {
        (Ok(answer), Some(held)) => Ok(held.follow(answer)),
        (Err(error), Some(held)) => {
            held.fail(&error);
            Err(error)
        }
        (result, None) => result,
    }
}

// === impl Waiting ===

impl<T: Store> Waiting<T> {
    /// A call that takes `demand` from `lane`. It joins the queue when it is polled.
    pub(super) fn new(
        shared: Arc<Shared<T>>,
        lane: Arc<Lane<T::Bucket>>,
        demand: Demand,
        context: &core::Context,
    ) -> Self {
        Self {
            shared,
            place: Place { lane, key: None },
            demand,
            since: None,
            deadline: context.deadline(),
            until: None,
            ask: None,
            passing: false,
            alarm: None,
            wait: None,
            sleep: None,
            pended: false,
        }
    }

    /// What it holds from now on; or why it holds nothing.
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        context: &core::Context,
    ) -> Poll<Result<Held<T::Bucket>, Error>> {
        if self.since.is_none() {
            self.as_mut().join(context)?;
        }
        loop {
            if let Poll::Ready(result) = self.as_mut().poll_turn(cx) {
                return Poll::Ready(self.finish(result, context));
            }
            *self.as_mut().project().pended = true;
            ready!(self.as_mut().poll_alarm(cx));
            *self.as_mut().project().alarm = None;
            let now = Instant::now();
            if self.until.is_none_or(|until| until > now) {
                continue;
            }
            // What is there in time is taken: the bucket is asked once more, if it is not being asked.
            if self.ask.is_none()
                && let Poll::Ready(result) = self.as_mut().poll_turn(cx)
            {
                return Poll::Ready(self.finish(result, context));
            }
            let late = self.late();
            return Poll::Ready(self.finish(Err(late), context));
        }
    }

    /// Joins the queue, unless it is full or the wait would certainly be too long.
    fn join(self: Pin<&mut Self>, context: &core::Context) -> Result<(), Error> {
        let this = self.project();
        let config = &this.shared.config;
        let now = Instant::now();
        let patience = config.max_wait.and_then(|wait| now.checked_add(wait));
        *this.since = Some(now);
        let age = config.age_bound.map(|rule| rule.bound());
        let age = age.and_then(|bound| now.checked_add(bound));
        let bounds = patience.into_iter().chain(age).chain(*this.deadline);
        *this.until = bounds.min();
        let lane = &this.place.lane;
        if config.mode == Mode::Reject && lane.waiting() > 0 {
            let time = lane.bucket.wait(this.demand, &calls(lane.waiting()));
            return Err(refusal::rejected(config, refusal::queue(time)));
        }
        let key = lane.join(*this.demand, context, config.max_queued);
        this.place.key = Some(key);
        let Some(patience) = this.until.map(|until| until.saturating_duration_since(now)) else {
            return Ok(());
        };
        // First with all that wait before it, which is quick to say.
        let fits = |ahead| {
            let wait = lane.bucket.wait(this.demand, &calls(ahead));
            wait.filter(|wait| *wait > patience)
        };
        let waiting = lane.waiting().saturating_sub(1);
        match fits(waiting).and_then(|_| fits(lane.ahead(key))) {
            Some(wait) => Err(refusal::too_long(
                config,
                refusal::queue(Some(wait)),
                patience,
            )),
            None => Ok(()),
        }
    }

    /// Asks the bucket if it is its turn.
    fn poll_turn(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<<T::Bucket as Bucket>::Reservation, Error>> {
        let mut this = self.project();
        let (lane, config) = (&this.place.lane, &this.shared.config);
        let Some(key) = this.place.key else {
            return Poll::Ready(Err(over()));
        };
        if this.ask.is_none() {
            let booking = match lane.turn(key, cx.waker()) {
                Turn::Head => None,
                Turn::Pass(booking) => Some(booking),
                Turn::Behind => {
                    *this.alarm = None;
                    return Poll::Pending;
                }
                Turn::Away(Away::Full) => {
                    let time = lane.bucket.wait(this.demand, &calls(config.max_queued));
                    return Poll::Ready(Err(refusal::full(config, time)));
                }
                Turn::Away(Away::Shed(age)) => {
                    return Poll::Ready(Err(overload::shed(age)));
                }
            };
            *this.passing = booking.is_some();
            let ask = lane.bucket.admit(this.demand, booking.as_ref());
            this.ask.set(Some(ask));
        }
        let Some(ask) = this.ask.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let verdict = ready!(ask.poll(cx));
        this.ask.set(None);
        let wait = match verdict? {
            Verdict::Granted(reservation) => return Poll::Ready(Ok(reservation)),
            Verdict::Never { dimension, burst } => {
                let amount = this.demand.amount(dimension);
                return Poll::Ready(Err(refusal::never(config, dimension, amount, burst)));
            }
            Verdict::Wait(wait) => wait,
        };
        *this.wait = Some(wait);
        if *this.passing {
            lane.cannot_pass(key);
            return Poll::Pending;
        }
        if config.mode == Mode::Reject {
            return Poll::Ready(Err(refusal::rejected(config, wait)));
        }
        let now = Instant::now();
        let patience = this.until.map(|until| until.saturating_duration_since(now));
        if let (Some(time), Some(patience)) = (wait.time(), patience)
            && time > patience
        {
            return Poll::Ready(Err(refusal::too_long(config, wait, patience)));
        }
        *this.alarm = lane.told_to_wait(key, *this.demand, wait.time());
        Poll::Pending
    }

    /// Ready when it is time to ask again, or to give up.
    fn poll_alarm(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(at) = this.until.iter().chain(&*this.alarm).min().copied() else {
            return Poll::Pending;
        };
        match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) if sleep.deadline() != at => sleep.reset(at),
            Some(_) => {}
            None => this.sleep.set(Some(sleep_until(at))),
        }
        match this.sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Pending,
        }
    }

    /// Leaves the queue, with what it was granted or without.
    fn finish(
        self: Pin<&mut Self>,
        result: Result<<T::Bucket as Bucket>::Reservation, Error>,
        context: &core::Context,
    ) -> Result<Held<T::Bucket>, Error> {
        self.note(context);
        let this = self.project();
        let reservation = match result {
            Ok(reservation) => reservation,
            Err(error) => {
                this.place.leave();
                return Err(error);
            }
        };
        let lane = Arc::clone(&this.place.lane);
        if let Some(key) = this.place.key.take() {
            lane.served(key);
        }
        let config = &this.shared.config;
        Ok(Held {
            lane,
            reservation: Some(reservation),
            demand: *this.demand,
            charge: config.charge,
            learn: config.learn,
            journey: context.journey().cloned(),
        })
    }

    /// Why it gives up.
    fn late(&self) -> Error {
        let lane = &self.place.lane;
        let time = lane.bucket.wait(&self.demand, &Demand::default());
        let reason = self.wait.unwrap_or_else(|| refusal::queue(None));
        let wait = Wait::new(reason.reason(), time.filter(|time| !time.is_zero()));
        refusal::too_long(&self.shared.config, wait, self.waited())
    }

    fn waited(&self) -> Duration {
        let since = self.since.unwrap_or_else(Instant::now);
        Instant::now().saturating_duration_since(since)
    }

    /// Writes down how long it stood still.
    fn note(&self, context: &core::Context) {
        if let (true, Some(journey)) = (self.pended, context.journey()) {
            let reason = self.wait.map_or("queue", |wait| wait.reason().as_str());
            journey.push(Step::waited("limit", reason, self.waited()));
        }
    }
}

// === impl Place ===

impl<B: Bucket> Place<B> {
    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.lane.gone(key);
        }
    }
}

impl<B: Bucket> Drop for Place<B> {
    fn drop(&mut self) {
        self.leave();
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}
