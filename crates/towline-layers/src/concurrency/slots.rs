//! The slots and who waits for them.

mod permit;
mod place;

pub(super) use self::{permit::Permit, place::Place};

use self::place::{Reason, Seat};
use crate::{
    adaptive::{Adaptive, Controller, Flight, Signal},
    overload::{AgeBound, QueueGauge, Shedder},
    queue::{Key, QUANTUM, Queue, Ticket},
};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use towline_core::{Error, Metered};

/// What a layer is made of.
#[derive(Clone, Debug)]
pub(super) struct Config {
    start: Start,
    pub(super) max_queued: Option<usize>,
    pub(super) max_wait: Option<Duration>,
    pub(super) age_bound: Option<AgeBound>,
    pub(super) gauge: QueueGauge,
}

/// The limit to start with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Open,
    Fixed(usize),
    Adaptive(Adaptive),
}

/// The slots of one layer.
pub(super) struct Slots {
    config: Config,
    // Whether nothing is bounded and nothing is counted.
    open: AtomicBool,
    state: Mutex<State>,
}

/// What becomes of a call that comes.
pub(super) enum Entry {
    /// Nobody counts.
    Open,
    Admitted(Permit),
    /// On the heap, so that a call that need not wait is not the larger for it.
    Waiting(Box<Place>),
    Refused(Error),
}

pub(super) struct Counts {
    pub(super) limit: usize,
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
}

struct State {
    limit: Limit,
    in_flight: usize,
    /// Somebody waits only while no slot is free.
    queue: Queue<Arc<Seat>>,
    shedder: Option<Shedder>,
}

enum Limit {
    Fixed(usize),
    Adaptive(Box<Controller>),
}

// === impl Config ===

impl Config {
    pub(super) fn new(start: Start) -> Self {
        Self {
            start,
            max_queued: None,
            max_wait: None,
            age_bound: None,
            gauge: QueueGauge::new(),
        }
    }
}

// === impl Slots ===

impl Slots {
    pub(super) fn new(config: Config) -> Self {
        let state = State {
            limit: match config.start {
                Start::Open => Limit::Fixed(usize::MAX),
                Start::Fixed(limit) => Limit::Fixed(limit),
                Start::Adaptive(adaptive) => Limit::Adaptive(Box::new(Controller::new(adaptive))),
            },
            in_flight: 0,
            queue: Queue::new(QUANTUM),
            shedder: config.age_bound.map(Shedder::new),
        };
        Self {
            open: AtomicBool::new(matches!(config.start, Start::Open)),
            config,
            state: Mutex::new(state),
        }
    }

    /// Takes a slot, or a place in the queue.
    pub(super) fn enter<R: Metered>(self: &Arc<Self>, request: &R) -> Entry {
        if self.open.load(Ordering::Relaxed) {
            return Entry::Open;
        }
        let mut state = self.lock();
        if state.queue.is_empty() && state.has_room() {
            let flight = state.take();
            return Entry::Admitted(Permit::new(Arc::clone(self), flight));
        }
        drop(state);
        self.wait(request)
    }

    /// Sets how many slots there are, for good.
    pub(super) fn set_limit(self: &Arc<Self>, limit: usize) {
        self.open.store(false, Ordering::Relaxed);
        self.lock().limit = Limit::Fixed(limit);
        self.serve();
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            limit: state.limit.get(),
            in_flight: state.in_flight,
            waiting: state.queue.len(),
        }
    }

    pub(super) fn describe(&self, f: &mut fmt::DebugStruct<'_, '_>) -> fmt::Result {
        let counts = self.counts();
        f.field("start", &self.config.start)
            .field("limit", &counts.limit)
            .field("in_flight", &counts.in_flight)
            .field("waiting", &counts.waiting)
            .field("max_queued", &self.config.max_queued)
            .field("max_wait", &self.config.max_wait)
            .field("age_bound", &self.config.age_bound)
            .finish()
    }

    fn wait<R: Metered>(self: &Arc<Self>, request: &R) -> Entry {
        let now = Instant::now();
        let place = Place::new(Arc::clone(self), request, now);
        if let Some(error) = place.is_late(now) {
            place::note_refusal(request, &error);
            return Entry::Refused(error);
        }
        let ticket = Ticket {
            tenant: request.context().tenant().map(Into::into),
            priority: request.context().priority(),
            cost: request.estimated_tokens(),
            since: now,
            payload: place.seat(),
        };
        let mut state = self.lock();
        let key = state.queue.push(ticket);
        let gone = self.make_room(&mut state, now);
        self.show(&state);
        drop(state);
        let place = place.with_key(key);
        if let Some(seat) = gone {
            seat.wake();
        }
        // A slot may have become free since it was looked for.
        self.serve();
        Entry::Waiting(Box::new(place))
    }

    /// Turns away one for the one that came, where the queue is full or does not drain.
    fn make_room(&self, state: &mut State, now: Instant) -> Option<Arc<Seat>> {
        let full = self.config.max_queued;
        // Those for whom a slot is free are about to have it.
        let full = full.is_some_and(|most| state.queue.len() > most.saturating_add(state.free()));
        let oldest = state.queue.oldest();
        let stands = |shedder: &mut Shedder| shedder.on_arrival(oldest, now);
        let reason = match full {
            true => Reason::Full,
            false if state.shedder.as_mut().is_some_and(stands) => Reason::Shed,
            false => return None,
        };
        state.turn_away(reason, now)
    }

    /// Gives free slots to those who are next, and turns away who has to go.
    fn serve(self: &Arc<Self>) {
        // Waking runs the code of others: it is done one by one, and not under the lock.
        while let Some(seat) = self.serve_one() {
            seat.wake();
        }
    }

    fn serve_one(self: &Arc<Self>) -> Option<Arc<Seat>> {
        let mut state = self.lock();
        if state.queue.is_empty() {
            return None;
        }
        let now = Instant::now();
        let seat = match state.next(now) {
            Some(seat) => {
                let flight = state.take();
                seat.admit(Permit::new(Arc::clone(self), flight));
                Some(seat)
            }
            None => state.shed(now),
        };
        self.show(&state);
        seat
    }

    /// Gives up a place. Whether it was still there.
    fn leave(&self, key: Key) -> bool {
        let mut state = self.lock();
        let ticket = state.queue.remove(key);
        self.show(&state);
        drop(state);
        ticket.is_some()
    }

    /// How many slots there are, and what a person can do where they are too few.
    fn limit_and_remedy(&self) -> (usize, &'static str) {
        let limit = &self.lock().limit;
        let remedy = match limit {
            Limit::Fixed(_) => "raise `concurrency.max`",
            Limit::Adaptive(_) => {
                "send fewer: so many slots were found to be what the provider takes (it is asked for more \
                 up to `concurrency.max`, and never for fewer than `concurrency.min`)"
            }
        };
        (limit.get(), remedy)
    }

    fn release(self: &Arc<Self>, flight: Option<Flight>, signal: Signal) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let (Limit::Adaptive(controller), Some(flight)) = (&mut state.limit, flight) {
            controller.on_end(flight, signal);
        }
        let waited_for = !state.queue.is_empty();
        drop(state);
        if waited_for {
            self.serve();
        }
    }

    fn first_token(self: &Arc<Self>, flight: &Flight, now: Instant) {
        let mut state = self.lock();
        if let Limit::Adaptive(controller) = &mut state.limit {
            controller.on_first_token(flight, now);
        }
        let waited_for = !state.queue.is_empty();
        drop(state);
        if waited_for {
            self.serve();
        }
    }

    fn oldest_age(&self, now: Instant) -> Duration {
        self.lock().queue.oldest_age(now).unwrap_or_default()
    }

    fn show(&self, state: &State) {
        let queue = &state.queue;
        self.config.gauge.show(queue.len(), queue.oldest());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held but what cannot be helped.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn has_room(&self) -> bool {
        self.free() > 0
    }

    fn free(&self) -> usize {
        self.limit.get().saturating_sub(self.in_flight)
    }

    /// Takes a slot.
    fn take(&mut self) -> Option<Flight> {
        self.in_flight = self.in_flight.saturating_add(1);
        match &mut self.limit {
            Limit::Fixed(_) => None,
            Limit::Adaptive(controller) => Some(controller.on_start(Instant::now())),
        }
    }

    /// Who gets the slot that is free.
    fn next(&mut self, now: Instant) -> Option<Arc<Seat>> {
        if !self.has_room() {
            return None;
        }
        let (key, _) = self.queue.head()?;
        let ticket = self.queue.pop(key, now)?;
        Some(ticket.payload)
    }

    /// Who has to go because the queue does not drain.
    fn shed(&mut self, now: Instant) -> Option<Arc<Seat>> {
        let oldest = self.queue.oldest();
        if !self.shedder.as_mut()?.step(oldest, now) {
            return None;
        }
        self.turn_away(Reason::Shed, now)
    }

    fn turn_away(&mut self, reason: Reason, now: Instant) -> Option<Arc<Seat>> {
        let age = self.queue.oldest_age(now).unwrap_or_default();
        let victim = self.queue.victim()?;
        let ticket = self.queue.remove(victim)?;
        ticket.payload.turn_away(reason, age);
        Some(ticket.payload)
    }
}

// === impl Limit ===

impl Limit {
    fn get(&self) -> usize {
        match self {
            Self::Fixed(limit) => *limit,
            Self::Adaptive(controller) => controller.limit(),
        }
    }
}
