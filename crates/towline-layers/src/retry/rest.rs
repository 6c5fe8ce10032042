//! What is needed to try again.

use super::{
    again::{Class, hint, pause},
    backoff::Pauses,
    service::Shared,
};
use crate::{budget::Withdrawal, handle::Handle, refused};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower_service::Service;
use towline_core::{Error, ErrorKind, Metered, RetrySafety, Step};

/// What a call carries in case that it fails.
pub(super) struct Rest<'a, Req> {
    shared: Handle<'a, Shared>,
    /// Absent where nothing may be tried again.
    spare: Option<Spare<Req>>,
    /// Of the first attempt, or of each.
    tokens: u64,
    /// The first attempt is no second one of somebody else's.
    earns: bool,
    retries: u32,
    /// How many attempts timed out.
    timeouts: u32,
}

struct Spare<Req> {
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

// === impl Rest ===

impl<'a, Req: Metered + Clone> Rest<'a, Req> {
    /// Of a call that was not made yet.
    pub(super) fn new(shared: Handle<'a, Shared>, request: &Req) -> Self {
        let policy = &shared.policy;
        // Weighing a request looks through its conversation.
        let tokens = match policy.budget() {
            Some(_) => request.estimated_tokens(),
            None => 0,
        };
        let may_repeat =
            policy.max_attempts() > 1 && request.context().retry() != RetrySafety::Once;
        let spare = may_repeat.then(|| Spare {
            request: request.clone(),
            later: None,
        });
        Self {
            shared,
            spare,
            tokens,
            earns: !request.context().is_repeat(),
            retries: 0,
            timeouts: 0,
        }
    }
}

impl<Req> Rest<'_, Req> {
    pub(super) const fn may_repeat(&self) -> bool {
        self.spare.is_some()
    }

    pub(super) const fn retries(&self) -> u32 {
        self.retries
    }

    /// Books an attempt that has ended, or whose answer has begun. What our own layers turned away
    /// asked no provider: it neither earns nor costs.
    pub(super) fn settle<A>(&mut self, result: &Result<A, Error>) {
        let refused = result.as_ref().is_err_and(|e| e.refused_by().is_some());
        let later = self.spare.as_mut().and_then(|spare| spare.later.as_mut());
        match later.and_then(|later| later.withdrawal.take()) {
            Some(withdrawal) if refused => withdrawal.refund(),
            Some(_spent) => {}
            None if refused || self.retries > 0 || !self.earns => {}
            None => {
                if let Some(budget) = self.shared.policy.budget() {
                    budget.deposit(self.tokens);
                }
            }
        }
    }
}

impl<Req: Metered> Rest<'_, Req> {
    /// How long to wait before the attempt after the one that failed with `error`.
    ///
    /// # Errors
    ///
    /// There is none, and this is what the caller gets.
    #[cold]
    pub(super) fn after(&mut self, error: Error) -> Result<Duration, Error> {
        let policy = &self.shared.policy;
        let Some(spare) = &mut self.spare else {
            return Err(error);
        };
        // A gateway that says at once that its own time is over was not silent.
        let timed_out = error.kind() == ErrorKind::Timeout && error.clock().is_some();
        self.timeouts = self.timeouts.saturating_add(u32::from(timed_out));
        let is_silent = timed_out && self.timeouts >= policy.max_timeouts();
        let is_last = self.retries.saturating_add(1) >= policy.max_attempts();
        match Class::of(&error, self.retries) {
            Class::Again if !is_last && !is_silent => {}
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
        let (hint, deadline) = (hint(&error), context.begin_by());
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
        // Where there is no other, it is asked again rather than one that failed before it.
        if let Some(deployment) = error.deployment().filter(|_| error.has_sibling()) {
            let deployment = deployment.clone();
            spare.request.context_mut().avoid(deployment);
        }
        later.failed = Some((error, pause));
        Ok(pause)
    }
}

impl<Req: Metered + Clone> Rest<'_, Req> {
    /// The request of the attempt that was waited for.
    #[cold]
    pub(super) fn again(&mut self) -> Result<Req, Error> {
        let spare = self.spare.as_mut().ok_or_else(over)?;
        spare.waited();
        self.retries = self.retries.saturating_add(1);
        spare.settle_withdrawal(true);
        Ok(spare.request.clone())
    }

    /// Makes the attempt that was waited for, if `service` is ready for it now.
    ///
    /// # Errors
    ///
    /// It is not, and this is what the caller gets.
    pub(super) fn call<S>(
        &mut self,
        service: Option<&mut S>,
        cx: &mut Context<'_>,
    ) -> Result<S::Future, Error>
    where
        S: Service<Req, Error = Error>,
    {
        let service = service.ok_or_else(over)?;
        let unready = match service.poll_ready(cx) {
            Poll::Ready(Ok(())) => return Ok(service.call(self.again()?)),
            Poll::Ready(Err(error)) => error,
            Poll::Pending => over(),
        };
        let spare = self.spare.as_mut().ok_or_else(over)?;
        spare.waited();
        // Nothing was sent: the tokens go back.
        spare.settle_withdrawal(false);
        let error = spare.last_of_provider(unready);
        spare.refuse(&error);
        Err(error)
    }
}

// === impl Spare ===

impl<Req: Metered> Spare<Req> {
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
        refused::note(self.request.context(), LAYER, error);
    }
}

pub(super) fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}
