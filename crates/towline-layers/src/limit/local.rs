//! Levels in this process.

use super::{
    Booking, Bucket, Demand, Dimension, Key, Reason, Rules, Spent, Store, Verdict, Wait,
    ledger::Entry,
    meter::{Booked, Meter, Short, Step, to_nanos},
};
use crate::sync::{Mutex, lock};
use std::{
    fmt,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use towline_core::{Error, Moment, RateLimits};

/// Keeps the levels in this process. Each key has one lock around all its buckets and slots.
///
/// Clones share rules and the number of slots. The buckets are kept by who opened them: each that is
/// opened is a new one.
#[derive(Clone, Debug)]
pub struct LocalStore {
    shared: Arc<Shared>,
}

/// The buckets of one key in a [`LocalStore`].
#[derive(Clone)]
pub struct LocalBucket {
    inner: Arc<Inner>,
}

/// What a [`LocalBucket`] granted.
#[derive(Debug)]
pub struct LocalReservation {
    entry: Entry,
}

#[derive(Debug)]
struct Shared {
    rules: Rules,
    /// `usize::MAX` where slots are not limited.
    slots: AtomicUsize,
    epoch: Instant,
}

struct Inner {
    meter: Mutex<Meter>,
    shared: Arc<Shared>,
}

// === impl LocalStore ===

impl LocalStore {
    /// A store that holds `rules` for each key.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            shared: Arc::new(Shared {
                slots: AtomicUsize::new(rules.quotas.slots.unwrap_or(usize::MAX)),
                rules,
                epoch: Instant::now(),
            }),
        }
    }
}

impl Store for LocalStore {
    type Bucket = LocalBucket;

    fn bucket(&self, _key: &Key) -> LocalBucket {
        LocalBucket {
            inner: Arc::new(Inner {
                meter: Mutex::new(Meter::new(&self.shared.rules)),
                shared: Arc::clone(&self.shared),
            }),
        }
    }

    fn set_slots(&self, slots: Option<usize>) {
        let slots = slots.unwrap_or(usize::MAX);
        self.shared.slots.store(slots, Ordering::Release);
    }
}

// === impl LocalBucket ===

impl LocalBucket {
    /// How much of `dimension` could be taken now; None where it is not limited.
    #[must_use]
    pub fn level(&self, dimension: Dimension) -> Option<u64> {
        let now = self.inner.shared.now();
        lock(&self.inner.meter).level(now, dimension)
    }
}

impl Bucket for LocalBucket {
    type Reservation = LocalReservation;
    type Admit = Ready<Result<Verdict<LocalReservation>, Error>>;

    fn admit(&self, demand: &Demand, booked: Option<&Booking>) -> Self::Admit {
        ready(Ok(self.inner.admit(demand, booked, &Moment::new())))
    }

    fn admit_now(
        &self,
        demand: &Demand,
        booked: Option<&Booking>,
        moment: &Moment,
    ) -> Option<Verdict<LocalReservation>> {
        Some(self.inner.admit(demand, booked, moment))
    }

    fn wait(&self, demand: &Demand, ahead: &Demand) -> Option<Duration> {
        let now = self.inner.shared.now();
        let meter = lock(&self.inner.meter);
        let (start, _) = meter.start(now, demand.amounts, ahead.amounts);
        Some(Duration::from_nanos(start.saturating_sub(now)))
    }

    fn wait_to_pass(&self, demand: &Demand, booked: &Booking) -> Option<Duration> {
        let shared = &self.inner.shared;
        let now = shared.now();
        let booked = shared.booked(booked);
        let meter = lock(&self.inner.meter);
        if meter.delays(now, demand.amounts, &booked) {
            return None;
        }
        let (start, _) = meter.start(now, demand.amounts, [0; 4]);
        Some(Duration::from_nanos(start.saturating_sub(now)))
    }

    fn demand(reservation: &LocalReservation) -> Demand {
        Demand {
            amounts: reservation.entry.reserved,
        }
    }

    fn settle(&self, reservation: LocalReservation, spent: &Spent) {
        let entry = reservation.entry;
        let taken = spent.or(entry.reserved);
        let mut meter = lock(&self.inner.meter);
        meter.settle(|| self.inner.shared.now(), entry, taken);
        meter.release();
    }

    fn settle_whole(
        &self,
        reservation: LocalReservation,
        spent: &Spent,
        limits: Option<&RateLimits>,
        moment: &Moment,
    ) {
        let (shared, entry) = (&self.inner.shared, reservation.entry);
        let taken = spent.or(entry.reserved);
        let now = shared.nanos(moment.now());
        let mut meter = lock(&self.inner.meter);
        meter.settle(|| now, entry, taken);
        meter.release();
        match limits {
            Some(limits) => meter.observe(now, limits),
            None if shared.guesses() => meter.served(now),
            None => {}
        }
    }

    fn rejected(&self, demand: &Demand, hint: Option<Duration>, learn: bool) {
        let now = self.inner.shared.now();
        let mut meter = lock(&self.inner.meter);
        meter.rejected(now, demand.amounts, hint.map(to_nanos), learn);
    }

    fn served(&self) {
        let shared = &self.inner.shared;
        if shared.guesses() {
            let now = shared.now();
            lock(&self.inner.meter).served(now);
        }
    }

    fn observe(&self, limits: &RateLimits) {
        let now = self.inner.shared.now();
        lock(&self.inner.meter).observe(now, limits);
    }

    fn is_idle(&self) -> bool {
        let now = self.inner.shared.now();
        lock(&self.inner.meter).is_idle(now)
    }

    fn in_use(&self) -> usize {
        lock(&self.inner.meter).used()
    }
}

impl fmt::Debug for LocalBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBucket").finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    fn admit(
        &self,
        demand: &Demand,
        booked: Option<&Booking>,
        moment: &Moment,
    ) -> Verdict<LocalReservation> {
        self.admit_by(|| self.shared.nanos(moment.now()), demand, booked)
    }

    /// `clock` is read where the time matters. It may be behind that of another call: time goes on under
    /// the lock, and never back.
    fn admit_by(
        &self,
        clock: impl FnOnce() -> u64,
        demand: &Demand,
        booked: Option<&Booking>,
    ) -> Verdict<LocalReservation> {
        let shared = &self.shared;
        let slots = shared.slots.load(Ordering::Acquire);
        let slots = (slots < usize::MAX).then_some(slots);
        let mut meter = lock(&self.meter);
        if slots.is_none()
            && let Some(entry) = meter.grant_unbounded(demand.amounts)
        {
            return Verdict::Granted(LocalReservation { entry });
        }
        let now = clock();
        let booked = booked.map(|booked| shared.booked(booked));
        match meter.admit(now, demand.amounts, slots, booked.as_ref()) {
            Step::Granted(entry) => Verdict::Granted(LocalReservation { entry }),
            Step::Never(dimension, burst) => Verdict::Never { dimension, burst },
            Step::Wait(start, short) => {
                let time = |start: u64| Duration::from_nanos(start.saturating_sub(now));
                Verdict::Wait(Wait::new(short.reason(), start.map(time)))
            }
        }
    }
}

// === impl Shared ===

impl Shared {
    /// Nanoseconds since the store began.
    fn now(&self) -> u64 {
        self.nanos(Instant::now())
    }

    fn nanos(&self, at: Instant) -> u64 {
        to_nanos(at.saturating_duration_since(self.epoch))
    }

    /// Whether the rate may have to be guessed, which depends on what was served.
    const fn guesses(&self) -> bool {
        self.rules.quotas.quota(Dimension::Requests).is_none()
    }

    fn booked(&self, booked: &Booking) -> Booked {
        Booked {
            amounts: booked.demand.amounts,
            start: self.nanos(booked.start),
        }
    }
}

// === impl Short ===

impl Short {
    const fn reason(self) -> Reason {
        match self {
            Self::Amount(dimension) => Reason::Amount(dimension),
            Self::Slot => Reason::Slot,
            Self::Hold => Reason::Hold,
            Self::Booked => Reason::Queue,
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
