//! What a call holds from its admission to the end of its answer.

use super::{Bucket, Spent, lane::Lane};
use crate::handle::Handle;
use std::time::Duration;
use towline_core::{
    Answer, Ending, Error, ErrorKind, Head, Journey, Moment, RateLimits, Step, Usage, Watch,
};

/// A slot and a reservation. Whatever happens to the call, they are given back once.
#[derive(Debug)]
pub(super) struct Held<'a, B: Bucket> {
    lane: Handle<'a, Lane<B>>,
    reservation: Option<B::Reservation>,
    journey: Option<Journey>,
}

/// The same, of an answer that is all there, and what the provider says of its limits.
struct WholeHeld<'h, 'a, B: Bucket> {
    held: &'h mut Held<'a, B>,
    limits: Option<&'h RateLimits>,
}

// === impl Held ===

impl<'a, B: Bucket> Held<'a, B> {
    pub(super) const fn new(
        lane: Handle<'a, Lane<B>>,
        reservation: B::Reservation,
        journey: Option<Journey>,
    ) -> Self {
        Self {
            lane,
            reservation: Some(reservation),
            journey,
        }
    }

    /// Follows `answer` to its end.
    pub(super) fn follow<A: Answer>(mut self, mut answer: A) -> A {
        let limits = self.lane.learn.then(|| limits(answer.head())).flatten();
        let mut whole = WholeHeld {
            held: &mut self,
            limits: limits.as_ref(),
        };
        if answer.show_end(&mut whole) {
            return answer;
        }
        match limits {
            Some(limits) => self.lane.bucket.observe(&limits),
            None if self.lane.learn => self.lane.bucket.served(),
            None => {}
        }
        answer.watch(self.into_owned());
        answer
    }

    /// One that borrows nothing.
    pub(super) fn into_owned(mut self) -> Held<'static, B> {
        Held {
            lane: self.lane.to_owned(),
            reservation: self.reservation.take(),
            journey: self.journey.take(),
        }
    }

    #[cold]
    pub(super) fn fail(mut self, error: &Error) {
        // What was not sent was not charged.
        if error.refused_by().is_some() || error.kind() == ErrorKind::Config {
            self.settle(&Spent::nothing());
        } else {
            self.rejected(error);
            self.settle(&Spent::unknown());
        }
    }

    /// Empties the bucket if the provider says that it is empty.
    fn rejected(&self, error: &Error) {
        let said = error.kind() == ErrorKind::RateLimit && error.refused_by().is_none();
        if let (true, Some(reservation)) = (said && self.lane.heeds, &self.reservation) {
            let (demand, hint) = (B::demand(reservation), error.retry_after());
            self.lane.bucket.rejected(&demand, hint, self.lane.learn);
        }
    }

    /// What is known of what was used: all of it only where the answer is whole.
    fn spent(&self, ending: &Ending<'_>, usage: Option<&Usage>) -> Spent {
        let (Some(usage), Some(reservation)) = (usage, &self.reservation) else {
            return Spent::unknown();
        };
        let spent = self.lane.charge.spent(usage, &B::demand(reservation));
        if matches!(ending, Ending::Whole(_)) {
            return spent;
        }
        let [_, _, input, _] = spent.amounts;
        Spent {
            amounts: [None, None, input, None],
        }
    }

    /// Writes down that what was reserved stays taken, as nobody said what was used.
    fn flag(&self) {
        if let Some(journey) = &self.journey {
            journey.push(Step::waited("limit", "usage_unknown", Duration::ZERO));
        }
    }

    /// What was spent, and what is to be learnt and said about that.
    fn look(&self, ending: &Ending<'_>, usage: Option<&Usage>) -> Spent {
        match (ending, usage) {
            (Ending::Whole(_), Some(usage)) => self.lane.learn_usual(usage),
            _ => self.flag(),
        }
        self.spent(ending, usage)
    }

    fn settle(&mut self, spent: &Spent) {
        self.give_back(|bucket, reservation| bucket.settle(reservation, spent));
    }

    /// Gives back what is held, once, and lets the next one in.
    fn give_back(&mut self, settle: impl FnOnce(&B, B::Reservation)) {
        if let Some(reservation) = self.reservation.take() {
            settle(&self.lane.bucket, reservation);
            self.lane.wake();
        }
    }
}

/// What the provider says of its limits, if it says anything.
fn limits(head: &Head) -> Option<RateLimits> {
    if head.headers().is_empty() {
        return None;
    }
    Some(head.rate_limits()).filter(|limits| !limits.is_unknown())
}

impl<B: Bucket> Watch for Held<'_, B> {
    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, _moment: &Moment) {
        if let Ending::Failed(error) = ending {
            self.rejected(error);
        }
        let spent = self.look(&ending, usage);
        self.settle(&spent);
    }
}

impl<B: Bucket> Watch for WholeHeld<'_, '_, B> {
    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, moment: &Moment) {
        if !self.held.lane.learn {
            return self.held.on_end(ending, usage, moment);
        }
        let spent = self.held.look(&ending, usage);
        let limits = self.limits;
        self.held.give_back(|bucket, reservation| {
            bucket.settle_whole(reservation, &spent, limits, moment);
        });
    }
}

impl<B: Bucket> Drop for Held<'_, B> {
    fn drop(&mut self) {
        if self.reservation.is_some() {
            self.flag();
            self.settle(&Spent::unknown());
        }
    }
}
