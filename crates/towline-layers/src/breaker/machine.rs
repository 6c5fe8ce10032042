//! The states and what leads from one to another. Knows no clock and no lock: both are outside.

use super::{
    config::BreakerConfig,
    ring::{Counts, Ring},
    state::{BreakerCause, BreakerState},
    tries::Tries,
};
use crate::{seed::Rng, verdict::Verdict};
use std::time::Duration;
use tokio::time::Instant;
use towline_core::ErrorKind;

/// The states, and what is counted for them.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    config: BreakerConfig,
    state: State,
    /// Goes up with each change of state: results of calls of an earlier one are late.
    epoch: u64,
    ring: Ring,
    /// Failures in a row.
    streak: u32,
    /// Rate limits in a row.
    limited: u32,
    /// How many times it opened without staying closed in between.
    trips: u32,
    /// How many times it opened.
    opened: u64,
    /// When it closed last, and how long it had been open before.
    closed: Option<(Instant, Duration)>,
    /// Why it opened last.
    cause: BreakerCause,
    /// Since it opened: good are calls that succeeded, bad are all that were offered.
    offered: Ring,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Closed,
    Open { until: Instant, cooldown: Duration },
    HalfOpen(Tries),
}

/// What a call that was let in has to show at its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket {
    epoch: u64,
    role: Role,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    /// One of all.
    Plain,
    /// Tries whether the deployment is back, and holds a slot for that, in this round.
    Probe { round: u32 },
    /// Was let through by chance.
    Trial,
}

/// Why a call was not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) state: BreakerState,
    /// When the next one is let in, as far as that is known.
    pub(super) rest: Duration,
    pub(super) cause: BreakerCause,
}

/// A change of state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Change {
    pub(super) from: BreakerState,
    pub(super) to: BreakerState,
    pub(super) cause: BreakerCause,
    pub(super) epoch: u64,
}

/// Who takes calls, for those outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Openness {
    All,
    /// A try, or by chance.
    Some,
    /// All slots for tries are taken until then, if none is over before.
    FullUntil(Instant),
    NobodyUntil(Instant),
}

/// The numbers, for those who look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Numbers {
    pub(super) state: BreakerState,
    pub(super) counts: Counts,
    pub(super) streak: u32,
    pub(super) probes: u32,
    pub(super) opened: u64,
    pub(super) rest: Duration,
    pub(super) cause: Option<BreakerCause>,
}

/// Calls of the last two minutes decide by chance.
const OFFERED: Duration = Duration::from_mins(2);

/// How soon to look again where all slots for tries are taken: nobody knows when one is free.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

// === impl Machine ===

impl Machine {
    pub(super) fn new(config: BreakerConfig, now: Instant) -> Self {
        Self {
            config,
            state: State::Closed,
            epoch: 0,
            ring: Ring::new(config.window(), now),
            streak: 0,
            limited: 0,
            trips: 0,
            opened: 0,
            closed: None,
            cause: BreakerCause::Forced,
            offered: Ring::new(OFFERED, now),
        }
    }

    /// Lets a call in, or not.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        rng: &mut Rng,
    ) -> (Result<Ticket, Refusal>, Option<Change>) {
        match self.state {
            // Closed => Closed
            State::Closed => (Ok(self.ticket(Role::Plain)), None),
            // Open => HalfOpen, with the first probe
            State::Open { until, .. } if until <= now => {
                let change = self.probe(BreakerCause::CooledDown);
                (self.admit_half_open(now, rng), Some(change))
            }
            // Open => Open
            State::Open { until, .. } => {
                let rest = until.saturating_duration_since(now);
                (self.admit_by_chance(now, rng, rest), None)
            }
            // HalfOpen => HalfOpen
            State::HalfOpen(_) => (self.admit_half_open(now, rng), None),
        }
    }

    /// Takes what came of a call that was let in. `hint` is the provider's `Retry-After`.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        ticket: Ticket,
        verdict: Verdict,
        hint: Option<Duration>,
    ) -> Option<Change> {
        if let (State::Open { .. }, Verdict::Failure(_) | Verdict::RateLimited) =
            (self.state, verdict)
        {
            // Late or not: what the provider says about time holds from now.
            self.extend(now, hint);
        }
        if ticket.epoch != self.epoch {
            return None;
        }
        match (self.state, ticket.role) {
            (State::Closed, _) => self.settle_plain(now, verdict, hint),
            (State::HalfOpen(tries), Role::Probe { round }) => {
                self.settle_probe(now, tries.without(round), verdict, hint)
            }
            (_, Role::Trial) if verdict == Verdict::Success => {
                self.offered.add_good(now);
                let open = matches!(self.state, State::Open { .. });
                // Open => HalfOpen
                open.then(|| self.probe(BreakerCause::Recovering))
            }
            _ => None,
        }
    }

    /// Counts a success where that is all there is to do, which is nearly always; else it does
    /// nothing, and [`settle`](Self::settle) has to be asked.
    pub(super) fn count_success(&mut self, now: Instant, ticket: Ticket) -> bool {
        let usual = self.state == State::Closed && ticket.epoch == self.epoch;
        let counted = usual && self.ring.add_good_among_good(now);
        if counted {
            (self.streak, self.limited) = (0, 0);
        }
        counted
    }

    /// Opens for `cooldown`, because somebody says so.
    pub(super) fn force_open(&mut self, now: Instant, cooldown: Duration) -> Change {
        self.open(now, cooldown, BreakerCause::Forced)
    }

    /// Lets probes in, because somebody says so.
    pub(super) const fn force_half_open(&mut self) -> Change {
        self.probe(BreakerCause::Forced)
    }

    /// Closes and forgets, because somebody says so.
    pub(super) fn force_closed(&mut self, now: Instant) -> Change {
        let change = self.close(now, BreakerCause::Forced);
        self.trips = 0;
        change
    }

    /// Who takes calls.
    pub(super) fn openness(&self) -> Openness {
        match self.state {
            State::Closed => Openness::All,
            State::Open { until, .. } => Openness::NobodyUntil(until),
            State::HalfOpen(tries) => match tries.full_until(&self.config, self.trips) {
                Some(until) => Openness::FullUntil(until),
                None => Openness::Some,
            },
        }
    }

    /// The ticket of a call that is let in without asking, while it is closed.
    pub(super) const fn plain(epoch: u64) -> Ticket {
        Ticket {
            epoch,
            role: Role::Plain,
        }
    }

    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn numbers(&mut self, now: Instant) -> Numbers {
        let (probes, rest) = match self.state {
            State::Closed => (0, Duration::ZERO),
            State::Open { until, .. } => (0, until.saturating_duration_since(now)),
            State::HalfOpen(tries) => (tries.live, Duration::ZERO),
        };
        Numbers {
            state: self.state.name(),
            counts: self.ring.counts(now),
            streak: self.streak,
            probes,
            opened: self.opened,
            rest,
            cause: (self.state != State::Closed).then_some(self.cause),
        }
    }

    fn admit_half_open(&mut self, now: Instant, rng: &mut Rng) -> Result<Ticket, Refusal> {
        let State::HalfOpen(mut tries) = self.state else {
            return Ok(self.ticket(Role::Plain));
        };
        let Some(round) = tries.begin(&self.config, self.trips, now) else {
            return self.admit_by_chance(now, rng, LOOK_AGAIN.min(self.config.cooldown()));
        };
        self.state = State::HalfOpen(tries);
        if self.config.single() {
            self.offered.add_bad(now);
        }
        Ok(self.ticket(Role::Probe { round }))
    }

    /// Refuses; where there is nobody else to ask, only with a probability.
    fn admit_by_chance(
        &mut self,
        now: Instant,
        rng: &mut Rng,
        rest: Duration,
    ) -> Result<Ticket, Refusal> {
        let refusal = Refusal {
            state: self.state.name(),
            rest,
            cause: self.cause,
        };
        if !self.config.single() {
            return Err(refusal);
        }
        let Counts { good, bad: offered } = self.offered.counts(now);
        // Counted before the answer is known: a call that hangs is one that did not succeed.
        self.offered.add_bad(now);
        let excess = offered.saturating_sub(good.saturating_mul(2));
        if rng.below(offered.saturating_add(1)) < excess {
            return Err(refusal);
        }
        Ok(self.ticket(Role::Trial))
    }

    fn settle_plain(
        &mut self,
        now: Instant,
        verdict: Verdict,
        hint: Option<Duration>,
    ) -> Option<Change> {
        match verdict {
            Verdict::Success => {
                self.ring.add_good(now);
                (self.streak, self.limited) = (0, 0);
            }
            Verdict::Failure(_) => {
                self.ring.add_bad(now);
                self.streak = self.streak.saturating_add(1);
                self.limited = 0;
            }
            Verdict::RateLimited => {
                self.limited = self.limited.saturating_add(1);
                return self.settle_rate_limit(now, hint);
            }
            Verdict::Nothing => return None,
        }
        // Closed => (Closed | Open)
        let cause = self.tripped(now, verdict)?;
        let cooldown = self.next_cooldown(now).max(self.believed(hint));
        Some(self.open(now, cooldown, cause))
    }

    /// The predicate on exact counts.
    fn tripped(&mut self, now: Instant, verdict: Verdict) -> Option<BreakerCause> {
        let enough = self
            .config
            .failures()
            .is_some_and(|most| self.streak >= most.get());
        if let (true, Verdict::Failure(last)) = (enough, verdict) {
            let failures = self.streak;
            return Some(BreakerCause::Failures { failures, last });
        }
        let (failed, of) = self.config.ratio()?;
        let counts = self.ring.counts(now);
        if counts.bad == 0 || counts.total() < u64::from(self.config.min_requests().get()) {
            return None;
        }
        let share = u128::from(counts.bad) * u128::from(of.get());
        let limit = u128::from(counts.total()) * u128::from(failed.get());
        (share >= limit).then_some(BreakerCause::Ratio {
            failed: counts.bad,
            calls: counts.total(),
        })
    }

    fn settle_rate_limit(&mut self, now: Instant, hint: Option<Duration>) -> Option<Change> {
        let most = self.config.rate_limits()?;
        if self.limited <= most.get() {
            return None;
        }
        // Closed => Open
        let cause = BreakerCause::RateLimits {
            rate_limits: self.limited,
        };
        let cooldown = match self.believed(hint) {
            Duration::ZERO => self.next_cooldown(now),
            told => told,
        };
        Some(self.open(now, cooldown, cause))
    }

    fn settle_probe(
        &mut self,
        now: Instant,
        mut tries: Tries,
        verdict: Verdict,
        hint: Option<Duration>,
    ) -> Option<Change> {
        let failed = match verdict {
            Verdict::Success => None,
            Verdict::Failure(kind) => Some(kind),
            Verdict::RateLimited => Some(ErrorKind::RateLimit),
            Verdict::Nothing => {
                // The slot is free again, and nothing is known that was not known before.
                self.state = State::HalfOpen(tries);
                return None;
            }
        };
        if let Some(kind) = failed {
            // HalfOpen => Open
            let cooldown = self.next_cooldown(now).max(self.believed(hint));
            return Some(self.open(now, cooldown, BreakerCause::ProbeFailed(kind)));
        }
        if self.config.single() {
            self.offered.add_good(now);
        }
        let successes = tries.good.saturating_add(1);
        tries.good = successes;
        self.state = State::HalfOpen(tries);
        // HalfOpen => (HalfOpen | Closed)
        let enough = successes >= self.config.successes().get();
        enough.then(|| self.close(now, BreakerCause::Recovered { successes }))
    }

    /// Counts one more time that it opens, and says for how long. A deployment that was back for a
    /// while starts over; one that only seemed to be back does not.
    fn next_cooldown(&mut self, now: Instant) -> Duration {
        let stayed = self.closed.is_none_or(|(closed, cooldown)| {
            let stayed = now.saturating_duration_since(closed);
            self.state == State::Closed && stayed >= cooldown.max(self.config.window())
        });
        let first = self.state == State::Closed && stayed;
        self.trips = if first {
            1
        } else {
            self.trips.saturating_add(1)
        };
        self.config.cooldown_of(self.trips)
    }

    fn believed(&self, hint: Option<Duration>) -> Duration {
        hint.unwrap_or_default().min(self.config.max_hint())
    }

    /// Stays open for longer, where the provider says so; never for less.
    fn extend(&mut self, now: Instant, hint: Option<Duration>) {
        let hinted = later(now, self.believed(hint));
        if let State::Open { until, .. } = &mut self.state {
            *until = hinted.max(*until);
        }
    }

    fn open(&mut self, now: Instant, cooldown: Duration, cause: BreakerCause) -> Change {
        if self.state == State::Closed {
            self.offered.clear();
        }
        self.cause = cause;
        self.opened = self.opened.saturating_add(1);
        (self.streak, self.limited) = (0, 0);
        let until = later(now, cooldown);
        self.go_to(State::Open { until, cooldown }, cause)
    }

    const fn probe(&mut self, cause: BreakerCause) -> Change {
        self.go_to(State::HalfOpen(Tries::NONE), cause)
    }

    fn close(&mut self, now: Instant, cause: BreakerCause) -> Change {
        let cooldown = self.config.cooldown_of(self.trips);
        self.closed = Some((now, cooldown));
        self.ring.clear();
        (self.streak, self.limited) = (0, 0);
        self.go_to(State::Closed, cause)
    }

    const fn go_to(&mut self, state: State, cause: BreakerCause) -> Change {
        let from = self.state.name();
        self.state = state;
        self.epoch = self.epoch.wrapping_add(1);
        Change {
            from,
            to: state.name(),
            cause,
            epoch: self.epoch,
        }
    }

    const fn ticket(&self, role: Role) -> Ticket {
        Ticket {
            epoch: self.epoch,
            role,
        }
    }
}

/// `time` after `now`; as far away as can be told where that overflows.
pub(super) fn later(now: Instant, time: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_hours(24 * 365 * 100);
    now.checked_add(time.min(CENTURY)).unwrap_or(now)
}

// === impl State ===

impl State {
    const fn name(&self) -> BreakerState {
        match self {
            Self::Closed => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen(_) => BreakerState::HalfOpen,
        }
    }
}

// === impl Ticket ===

impl Ticket {
    /// Whether it holds a slot, which has to be given back.
    pub(super) fn is_probe(self) -> bool {
        matches!(self.role, Role::Probe { .. })
    }
}

#[cfg(test)]
mod tests;
