//! Two calls, of which the first to begin wins.

use super::service::Shared;
use crate::{begun::Begun, budget::Withdrawal};
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
use towline_core::{Answer, Error, ErrorKind, Metered};

pin_project! {
    /// The future that [`Hedge`](super::Hedge) returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops both calls. What was sent may be billed, twice where both were made.
    #[must_use = "futures do nothing unless polled"]
    pub struct HedgeFuture<S, Req, A>
    where
        S: Service<Req>,
    {
        #[pin]
        first: Option<Begun<S::Future, A>>,
        // Absent where nothing may be asked twice and nothing is measured. On the heap, so that calls
        // that are not hedged carry no room for a second one.
        track: Option<Pin<Box<Track<S, Req, A>>>>,
    }
}

pin_project! {
    /// The second call, and when it is made.
    struct Track<S, Req, A>
    where
        S: Service<Req>,
    {
        #[pin]
        second: Option<Begun<S::Future, A>>,
        // Absent before the first call was seen to be pending, and once it has fired.
        #[pin]
        timer: Option<Sleep>,
        race: Race<S, Req>,
    }
}

/// What is known of the two calls.
pub(super) struct Race<S, Req> {
    shared: Arc<Shared>,
    streams: bool,
    tokens: u64,
    /// Whether the first call earns second ones, as it does where it is no second one itself.
    earns: bool,
    start: Instant,
    /// Absent where nobody may be asked any more.
    spare: Option<Spare<S, Req>>,
    /// Of the second call: from the hedge's own budget, and from that of the retries.
    withdrawals: Option<(Withdrawal, Option<Withdrawal>)>,
    /// The error of the call that failed while the other was under way.
    failed: Option<Error>,
}

/// What the second call is made of.
pub(super) struct Spare<S, Req> {
    service: S,
    request: Req,
    delay: Duration,
}

// === impl HedgeFuture ===

impl<S, Req, A> HedgeFuture<S, Req, A>
where
    S: Service<Req>,
{
    pub(super) fn new(first: S::Future, race: Option<Race<S, Req>>) -> Self {
        let track = race.map(|race| {
            Box::pin(Track {
                second: None,
                timer: None,
                race,
            })
        });
        Self {
            first: Some(Begun::new(first)),
            track,
        }
    }
}

impl<S, Req, A> Future for HedgeFuture<S, Req, A>
where
    S: Service<Req, Response = A, Error = Error> + Clone,
    A: Answer,
    Req: Metered + Clone,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(track) = this.track else {
            return pass_through(this.first, cx);
        };
        let mut track = track.as_mut().project();
        let race = track.race;
        let mut over = true;
        if let Some(call) = this.first.as_mut().as_pin_mut() {
            over = false;
            if let Poll::Ready(result) = call.poll(cx) {
                this.first.set(None);
                race.first_ended(&result);
                match result {
                    Ok(answer) => {
                        // The loser is gone before the winner is seen.
                        track.second.set(None);
                        return Poll::Ready(Ok(answer));
                    }
                    Err(error) if track.second.is_none() => {
                        return Poll::Ready(Err(race.telling_first(error)));
                    }
                    Err(error) => race.failed = Some(error),
                }
            }
        }
        loop {
            if let Some(call) = track.second.as_mut().as_pin_mut() {
                let result = ready!(call.poll(cx));
                track.second.set(None);
                race.second_ended(&result);
                return match result {
                    Ok(answer) => {
                        this.first.set(None);
                        Poll::Ready(Ok(answer))
                    }
                    Err(error) if this.first.is_none() => Poll::Ready(Err(race.telling(error))),
                    Err(error) => {
                        race.failed = Some(error);
                        Poll::Pending
                    }
                };
            }
            if over {
                return Poll::Ready(Err(polled_again()));
            }
            let Some(due) = race.due() else {
                return Poll::Pending;
            };
            if track.timer.is_none() {
                track.timer.set(Some(sleep_until(due)));
            }
            if let Some(timer) = track.timer.as_mut().as_pin_mut() {
                ready!(timer.poll(cx));
            }
            track.timer.set(None);
            match race.ask(cx) {
                Some(call) => track.second.set(Some(Begun::new(call))),
                None => return Poll::Pending,
            }
        }
    }
}

impl<S, Req, A> fmt::Debug for HedgeFuture<S, Req, A>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture")
            .field("first", &self.first.is_some())
            .field("hedged", &self.track.is_some())
            .finish_non_exhaustive()
    }
}

/// A call that is not hedged.
fn pass_through<F, A>(
    mut first: Pin<&mut Option<Begun<F, A>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<A, Error>>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    let Some(call) = first.as_mut().as_pin_mut() else {
        return Poll::Ready(Err(polled_again()));
    };
    let result = ready!(call.poll(cx));
    first.set(None);
    Poll::Ready(result)
}

fn polled_again() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}

// === impl Race ===

impl<S, Req> Race<S, Req> {
    pub(super) fn new(
        shared: Arc<Shared>,
        streams: bool,
        tokens: u64,
        spare: Option<Spare<S, Req>>,
    ) -> Self {
        Self {
            shared,
            streams,
            tokens,
            earns: true,
            start: Instant::now(),
            spare,
            withdrawals: None,
            failed: None,
        }
    }

    /// Of a call that is itself a second try, or not.
    pub(super) const fn of_repeat(mut self, is_repeat: bool) -> Self {
        self.earns = !is_repeat;
        self
    }

    /// When the second call is to be made.
    fn due(&self) -> Option<Instant> {
        let delay = self.spare.as_ref()?.delay;
        self.start.checked_add(delay)
    }

    /// Measures the first call, and books it. What our own layers turned away asked no provider.
    fn first_ended<A>(&self, result: &Result<A, Error>) {
        if result.as_ref().is_err_and(|e| e.refused_by().is_some()) {
            return;
        }
        self.earn();
        if result.is_ok() {
            self.measure();
        }
    }

    fn second_ended<A>(&mut self, result: &Result<A, Error>) {
        let refused = result.as_ref().is_err_and(|e| e.refused_by().is_some());
        if let (true, Some((extra, common))) = (refused, self.withdrawals.take()) {
            extra.refund();
            common.into_iter().for_each(Withdrawal::refund);
        }
        // The first would have taken longer still. Left out, the slow calls would be missing from the
        // measurements, and the delay would sink.
        if result.is_ok() && self.failed.is_none() {
            self.earn();
            self.measure();
        }
    }

    fn measure(&self) {
        let time = Instant::now().saturating_duration_since(self.start);
        let policy = &self.shared.policy;
        let window = self.shared.window(self.streams);
        window.record(time, policy.percentile(), policy.min_samples());
    }

    /// The error of the first call, which ended after the second, or that of the second where a layer of ours
    /// turned the first away.
    fn telling_first(&mut self, first: Error) -> Error {
        match self.failed.take() {
            Some(second) if first.refused_by().is_some() => second,
            _ => first,
        }
    }

    /// Of the errors of both calls, the one that says more.
    fn telling(&mut self, second: Error) -> Error {
        let Some(first) = self.failed.take() else {
            return second;
        };
        let first_tells = first.refused_by().is_none() || second.refused_by().is_some();
        // Who was asked beside the first is known to the second only.
        let sibling = second.has_sibling();
        let told = if first_tells { first } else { second };
        told.with_sibling(sibling)
    }

    fn earn(&self) {
        if self.earns {
            self.shared.policy.extra().deposit(self.tokens);
        }
    }
}

impl<S, Req> Race<S, Req>
where
    S: Service<Req, Error = Error>,
    Req: Metered,
{
    /// Makes the second call, if there is budget for it, time, and the inner service is ready now.
    fn ask(&mut self, cx: &mut Context<'_>) -> Option<S::Future> {
        let mut spare = self.spare.take()?;
        let context = spare.request.context_mut();
        if context.deadline().is_some_and(|end| end <= Instant::now()) {
            return None;
        }
        let policy = &self.shared.policy;
        // What is taken and not used goes back when it is dropped.
        let extra = policy.extra().withdraw(self.tokens)?;
        let common = match policy.budget() {
            Some(budget) => Some(budget.withdraw(self.tokens)?),
            None => None,
        };
        let Poll::Ready(Ok(())) = spare.service.poll_ready(cx) else {
            return None;
        };
        let asked = context.picks().map(|picks| picks.names());
        for deployment in asked.into_iter().flatten() {
            context.avoid(deployment);
        }
        context.set_hedge(true);
        self.withdrawals = Some((extra.sent(), common.map(Withdrawal::sent)));
        Some(spare.service.call(spare.request))
    }
}

// === impl Spare ===

impl<S, Req> Spare<S, Req> {
    pub(super) const fn new(service: S, request: Req, delay: Duration) -> Self {
        Self {
            service,
            request,
            delay,
        }
    }
}
