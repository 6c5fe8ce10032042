//! A call that waits until it is granted what it takes.

use super::{
    Bucket, Demand, Mode, Store, Verdict, Wait,
    held::Held,
    lane::{Away, Lane, Turn, calls},
    layer::Shared,
    refusal,
};
use crate::{handle::Handle, queue::Key};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};
use towline_core::{self as core, Error, Step};

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
        until: Option<Instant>,
        // What the bucket is asked just now, and whether that is to go before the head.
        #[pin]
        ask: Option<<T::Bucket as Bucket>::Admit>,
        passing: bool,
        // Whether it asks without a place in the queue: nobody waits, or nobody is to.
        direct: bool,
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

// === impl Waiting ===

impl<T: Store> Waiting<T> {
    /// A call that takes `demand` from `lane`. It joins the queue when it is polled; not so where it
    /// may ask directly.
    pub(super) const fn new(
        shared: Arc<Shared<T>>,
        lane: Arc<Lane<T::Bucket>>,
        demand: Demand,
        direct: bool,
    ) -> Self {
        Self {
            shared,
            place: Place { lane, key: None },
            demand,
            since: None,
            until: None,
            ask: None,
            passing: false,
            direct,
            alarm: None,
            wait: None,
            sleep: None,
            pended: false,
        }
    }

    /// What it holds from now on; or why it holds nothing.
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        context: &core::Context,
    ) -> Poll<Result<Held<'static, T::Bucket>, Error>> {
        if self.since.is_none() {
            self.as_mut().start(context);
            if !self.direct {
                self.as_mut().join(context)?;
            }
        }
        loop {
            if let Poll::Ready(result) = self.as_mut().poll_turn(cx, context) {
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
                && let Poll::Ready(result) = self.as_mut().poll_turn(cx, context)
            {
                return Poll::Ready(self.finish(result, context));
            }
            let late = self.late();
            return Poll::Ready(self.finish(Err(late), context));
        }
    }

    /// Its patience begins.
    fn start(self: Pin<&mut Self>, context: &core::Context) {
        let this = self.project();
        let config = &this.shared.config;
        let now = Instant::now();
        let age = config.age_bound.map(|rule| rule.bound());
        let longest = config.max_wait.into_iter().chain(age).min();
        let patience = longest.and_then(|wait| now.checked_add(wait));
        *this.since = Some(now);
        *this.until = patience.into_iter().chain(context.begin_by()).min();
    }

    /// Joins the queue, unless the wait would certainly be too long.
    fn join(self: Pin<&mut Self>, context: &core::Context) -> Result<(), Error> {
        let this = self.project();
        let config = &this.shared.config;
        let lane = &this.place.lane;
        let key = lane.join(*this.demand, context, config.max_queued);
        this.place.key = Some(key);
        let now = Instant::now();
        let Some(patience) = this.until.map(|until| until.saturating_duration_since(now)) else {
            return Ok(());
        };
        // First with all that wait before it, which is quick to say.
        let too_long = |ahead| {
            let wait = lane.bucket.wait(this.demand, &calls(ahead));
            wait.filter(|wait| *wait > patience)
        };
        let waiting = lane.waiting().saturating_sub(1);
        match too_long(waiting).and_then(|_| too_long(lane.ahead(key))) {
            Some(wait) => {
                let wait = refusal::queue(Some(wait));
                Err(refusal::too_long(config, wait, patience))
            }
            None => Ok(()),
        }
    }

    /// Asks the bucket if it is its turn.
    fn poll_turn(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        context: &core::Context,
    ) -> Poll<Result<<T::Bucket as Bucket>::Reservation, Error>> {
        loop {
            if self.ask.is_none() {
                ready!(self.as_mut().poll_ask(cx.waker()))?;
            }
            let mut this = self.as_mut().project();
            let Some(ask) = this.ask.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            let verdict = ready!(ask.poll(cx));
            this.ask.set(None);
            let wait = match verdict? {
                Verdict::Granted(reservation) => return Poll::Ready(Ok(reservation)),
                Verdict::Never { dimension, burst } => {
                    let amount = this.demand.amount(dimension);
                    let config = &this.shared.config;
                    return Poll::Ready(Err(refusal::never(config, dimension, amount, burst)));
                }
                Verdict::Wait(wait) => wait,
            };
            let again = self.as_mut().told_to_wait(wait, cx.waker())?;
            if !self.direct && !again {
                return Poll::Pending;
            }
            if self.direct {
                // It was worth a try. Now it waits like everybody.
                *self.as_mut().project().direct = false;
                self.as_mut().join(context)?;
            }
        }
    }

    /// Ready when the bucket is being asked, which is where it is its turn.
    fn poll_ask(self: Pin<&mut Self>, waker: &Waker) -> Poll<Result<(), Error>> {
        let mut this = self.project();
        let (lane, config) = (&this.place.lane, &this.shared.config);
        let booking = match this.place.key {
            None => None,
            Some(key) => match lane.turn(key, waker) {
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
                    return Poll::Ready(Err(refusal::shed(config, age)));
                }
            },
        };
        *this.passing = booking.is_some();
        let ask = lane.bucket.admit(this.demand, booking.as_ref());
        this.ask.set(Some(ask));
        Poll::Ready(Ok(()))
    }

    /// The bucket said "not now". Says whether it is to be asked again at once, because something
    /// happened while it was asked.
    fn told_to_wait(self: Pin<&mut Self>, wait: Wait, waker: &Waker) -> Result<bool, Error> {
        let this = self.project();
        let (lane, config) = (&this.place.lane, &this.shared.config);
        *this.wait = Some(wait);
        if config.mode == Mode::Reject {
            return Err(refusal::rejected(config, wait));
        }
        let Some(key) = this.place.key else {
            return Ok(false);
        };
        if *this.passing {
            return Ok(lane.cannot_pass(key, waker));
        }
        if lane.was_woken(key) {
            return Ok(true);
        }
        let now = Instant::now();
        let patience = this.until.map(|until| until.saturating_duration_since(now));
        if let (Some(time), Some(patience)) = (wait.time(), patience)
            && time > patience
        {
            return Err(refusal::too_long(config, wait, patience));
        }
        *this.alarm = lane.told_to_wait(key, *this.demand, wait.time());
        // Whoever wakes it from here on wakes the task that is polled now.
        Ok(false)
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
    ) -> Result<Held<'static, T::Bucket>, Error> {
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
        let journey = context.journey().cloned();
        Ok(Held::new(Handle::Owned(lane), reservation, journey))
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
