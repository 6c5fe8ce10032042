//! What a call holds from its admission to the end of its answer.

use super::{Bucket, Demand, Spent, lane::Lane};
use std::{sync::Arc, time::Duration};
use towline_core::{Answer, Ending, Error, ErrorKind, Head, Journey, Moment, Step, Usage, Watch};

/// A slot and a reservation. Whatever happens to the call, they are given back once.
#[derive(Debug)]
pub(super) struct Held<B: Bucket> {
    lane: Arc<Lane<B>>,
    reservation: Option<B::Reservation>,
    demand: Demand,
    journey: Option<Journey>,
    // Whether it has to be counted as served when it is settled.
    served: bool,
}

// === impl Held ===

impl<B: Bucket> Held<B> {
    pub(super) const fn new(
        lane: Arc<Lane<B>>,
        reservation: B::Reservation,
        demand: Demand,
        journey: Option<Journey>,
    ) -> Self {
        Self {
            lane,
            reservation: Some(reservation),
            demand,
            journey,
            served: false,
        }
    }

    /// Follows `answer` to its end.
    pub(super) fn follow<A: Answer>(mut self, mut answer: A) -> A {
        if self.lane.learn && !self.observe(answer.head()) {
            match answer.is_whole() {
                // Counted with what it spent.
                true => self.served = true,
                false => self.lane.bucket.served(),
            }
        }
        answer.watch(self);
        answer
    }

    /// Learns what the provider says of its limits, if it says anything.
    fn observe(&self, head: &Head) -> bool {
        if head.headers().is_empty() {
            return false;
        }
        let limits = head.rate_limits();
        if limits.is_unknown() {
            return false;
        }
        self.lane.bucket.observe(&limits);
        true
    }

    /// The call failed before it had an answer.
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
        let local = error.refused_by().is_some();
        if self.lane.learn && error.kind() == ErrorKind::RateLimit && !local {
            self.lane.bucket.rejected(&self.demand, error.retry_after());
        }
    }

    /// What is known of what was used: all of it only where the answer is whole.
    fn spent(&self, ending: &Ending<'_>, usage: Option<&Usage>) -> Spent {
        let Some(usage) = usage else {
            return Spent::unknown();
        };
        let spent = self.lane.charge.spent(usage, &self.demand);
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

    fn settle(&mut self, spent: &Spent) {
        if let Some(reservation) = self.reservation.take() {
            self.lane.bucket.settle(reservation, spent);
            self.lane.wake();
        }
    }
}

impl<B: Bucket> Watch for Held<B> {
    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, moment: &Moment) {
        if let Ending::Failed(error) = ending {
            self.rejected(error);
        }
        let spent = self.spent(&ending, usage);
        match (&ending, usage) {
            (Ending::Whole(_), Some(usage)) => self.lane.learn_usual(usage),
            _ => self.flag(),
        }
        match self.reservation.take() {
            Some(reservation) if self.served => {
                let bucket = &self.lane.bucket;
                bucket.settle_whole(reservation, &spent, moment);
                self.lane.wake();
            }
            reservation => {
                self.reservation = reservation;
                self.settle(&spent);
            }
        }
    }
}

impl<B: Bucket> Drop for Held<B> {
    fn drop(&mut self) {
        if self.reservation.is_some() {
            self.flag();
            self.settle(&Spent::unknown());
        }
    }
}
