//! One breaker: what its calls, and those who look at it, share.

use super::{
    config::BreakerConfig,
    machine::{Change, Machine, Numbers, Openness, Refusal, Ticket},
    state::{BreakerCause, BreakerState},
};
use crate::{
    handle::Handle,
    health::Health,
    seed::Seeds,
    sync::{AtomicU64, Mutex, Ordering, lock},
    verdict::Verdict,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::Instant;
use towline_core::{Context, Error, ErrorKind, Moment, Text};

/// A breaker. Clones, and the services of its layers, are handles of the same breaker.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    name: Text,
    config: BreakerConfig,
    /// The epoch, and in the lowest bit whether it is closed: a call that finds it closed goes on
    /// without the lock.
    gate: AtomicU64,
    machine: Mutex<Machine>,
    health: Health,
    refused: AtomicU64,
    seeds: Seeds,
    listeners: Mutex<Arc<[Listener]>>,
}

type Listener = Arc<dyn Fn(&BreakerChange) + Send + Sync>;

/// A change of a breaker's state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BreakerChange {
    name: Text,
    change: Change,
}

/// What a breaker has counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BreakerStatus {
    name: Text,
    numbers: Numbers,
    refused: u64,
}

/// A call that was let in. Whatever happens to it is told once.
pub(super) struct Pass<'a> {
    shared: Handle<'a, Shared>,
    ticket: Option<Ticket>,
}

const CLOSED: u64 = 1;

// === impl Breaker ===

impl Breaker {
    /// A closed breaker for the deployment that errors and metrics know as `name`.
    #[must_use]
    pub fn new(name: impl Into<Text>, config: BreakerConfig) -> Self {
        let machine = Machine::new(config, Instant::now());
        Self {
            shared: Arc::new(Shared {
                name: name.into(),
                config,
                gate: AtomicU64::new(CLOSED),
                machine: Mutex::new(machine),
                health: Health::new(),
                refused: AtomicU64::new(0),
                seeds: Seeds::random(),
                listeners: Mutex::new(Arc::new([])),
            }),
        }
    }

    /// Calls `listener` after each change of state, in the task whose call led to it. It must neither
    /// block nor panic. Changes that follow each other at once may be told out of order:
    /// [`BreakerChange::number`] says which came first.
    pub fn on_change(&self, listener: impl Fn(&BreakerChange) + Send + Sync + 'static) {
        let mut listeners = lock(&self.shared.listeners);
        let new: Listener = Arc::new(listener);
        *listeners = listeners.iter().cloned().chain([new]).collect();
    }

    /// Opens it for `cooldown`; [`Duration::MAX`] is until somebody says otherwise.
    pub fn force_open(&self, cooldown: Duration) {
        let now = Instant::now();
        self.shared
            .step(|machine| ((), Some(machine.force_open(now, cooldown))));
    }

    /// Ends the cooldown: the next calls try whether the deployment is back.
    pub fn force_half_open(&self) {
        self.shared
            .step(|machine| ((), Some(machine.force_half_open())));
    }

    /// Closes it and forgets what it has counted.
    pub fn force_closed(&self) {
        let now = Instant::now();
        self.shared
            .step(|machine| ((), Some(machine.force_closed(now))));
    }

    /// The name of the deployment.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.shared.name
    }

    /// When it opens, and when it lets calls in again.
    #[must_use]
    pub fn config(&self) -> &BreakerConfig {
        &self.shared.config
    }

    /// Its state. One that has cooled down is open until somebody tries.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.status().state()
    }

    /// What it has counted.
    #[must_use]
    pub fn status(&self) -> BreakerStatus {
        let numbers = lock(&self.shared.machine).numbers(Instant::now());
        BreakerStatus {
            name: self.shared.name.clone(),
            numbers,
            refused: self.shared.refused.load(Ordering::Relaxed),
        }
    }

    /// Tells those who pick among deployments whether this one takes calls.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// What it shares with its calls, for those that somebody keeps it for.
    pub(super) const fn lent(&self) -> Handle<'_, Shared> {
        Handle::Borrowed(&self.shared)
    }

    /// The same for calls that may outlive whoever makes them.
    pub(super) fn owned(&self) -> Handle<'static, Shared> {
        Handle::Owned(Arc::clone(&self.shared))
    }
}

/// Shows the status.
impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
    }
}

// === impl Shared ===

impl Shared {
    fn admit(&self, context: &Context) -> Result<Ticket, Error> {
        let gate = self.gate.load(Ordering::Acquire);
        if gate & CLOSED != 0 {
            return Ok(Machine::plain(gate >> 1));
        }
        let mut rng = self.seeds.rng(context);
        let now = Instant::now();
        self.step(|machine| machine.admit(now, &mut rng))
            .map_err(|refusal| self.refuse(refusal))
    }

    fn settle(&self, ticket: Ticket, verdict: Verdict, hint: Option<Duration>, moment: &Moment) {
        // A slot has to be given back; else there is nothing to say.
        if verdict == Verdict::Nothing && !ticket.is_probe() {
            return;
        }
        let now = moment.now();
        if verdict == Verdict::Success && lock(&self.machine).count_success(now, ticket) {
            return;
        }
        self.step(|machine| ((), machine.settle(now, ticket, verdict, hint)));
    }

    /// Lets the machine take a step, and tells those outside what has changed.
    fn step<T>(&self, step: impl FnOnce(&mut Machine) -> (T, Option<Change>)) -> T {
        let (result, change) = {
            let mut machine = lock(&self.machine);
            let before = (machine.openness(), machine.epoch());
            let (result, change) = step(&mut machine);
            let after = (machine.openness(), machine.epoch());
            // Under the lock, so that the last word is the true one.
            if before != after {
                self.tell(after);
            }
            (result, change)
        };
        if let Some(change) = change {
            self.announce(change);
        }
        result
    }

    fn tell(&self, (openness, epoch): (Openness, u64)) {
        let closed = u64::from(openness == Openness::All);
        self.gate.store((epoch << 1) | closed, Ordering::Release);
        match openness {
            Openness::All | Openness::Some => self.health.admit(),
            Openness::FullUntil(until) | Openness::NobodyUntil(until) => {
                self.health.eject_until(until);
            }
        }
    }

    #[cold]
    fn announce(&self, change: Change) {
        let listeners = Arc::clone(&lock(&self.listeners));
        let change = BreakerChange {
            name: self.name.clone(),
            change,
        };
        for listener in listeners.iter() {
            listener(&change);
        }
    }

    #[cold]
    fn refuse(&self, refusal: Refusal) -> Error {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let (name, cause) = (&self.name, refusal.cause);
        let message = match refusal.state {
            BreakerState::HalfOpen => format!(
                "`{name}` is being tried by other calls, since {cause}; nothing was sent to it"
            ),
            _ if self.config.single() => format!(
                "most calls to `{name}` are held back, since {cause}; nothing was sent to it"
            ),
            _ => format!("`{name}` is left alone, since {cause}; nothing was sent to it"),
        };
        Error::new(ErrorKind::Overloaded)
            .with_refused_by("breaker")
            .with_retry_after(refusal.rest)
            .with_message(message)
    }
}

// === impl Pass ===

impl<'a> Pass<'a> {
    pub(super) fn new(shared: Handle<'a, Shared>, context: &Context) -> Result<Self, Error> {
        let ticket = shared.admit(context)?;
        Ok(Self {
            shared,
            ticket: Some(ticket),
        })
    }

    /// One that borrows nothing.
    pub(super) fn into_owned(mut self) -> Pass<'static> {
        Pass {
            shared: self.shared.to_owned(),
            ticket: self.ticket.take(),
        }
    }

    #[cold]
    pub(super) fn settle(mut self, verdict: Verdict, hint: Option<Duration>) {
        self.tell(verdict, hint, &Moment::new());
    }

    pub(super) fn tell(&mut self, verdict: Verdict, hint: Option<Duration>, moment: &Moment) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.settle(ticket, verdict, hint, moment);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.tell(Verdict::Nothing, None, &Moment::new());
    }
}

impl fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

// === impl BreakerChange ===

impl BreakerChange {
    /// The name of the deployment.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// The state before.
    #[must_use]
    pub const fn from(&self) -> BreakerState {
        self.change.from
    }

    /// The state now.
    #[must_use]
    pub const fn to(&self) -> BreakerState {
        self.change.to
    }

    /// Why.
    #[must_use]
    pub const fn cause(&self) -> BreakerCause {
        self.change.cause
    }

    /// Counts the changes of this breaker, from 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.change.epoch
    }
}

// === impl BreakerStatus ===

impl BreakerStatus {
    /// The name of the deployment.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        self.numbers.state
    }

    /// Why it is not closed.
    #[must_use]
    pub const fn cause(&self) -> Option<BreakerCause> {
        self.numbers.cause
    }

    /// Calls in the window that succeeded.
    #[must_use]
    pub const fn succeeded(&self) -> u64 {
        self.numbers.counts.good
    }

    /// Calls in the window that failed.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.numbers.counts.bad
    }

    /// Failures in a row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.numbers.streak
    }

    /// Calls that are trying whether the deployment is back.
    #[must_use]
    pub const fn probes(&self) -> u32 {
        self.numbers.probes
    }

    /// How many times it opened, ever.
    #[must_use]
    pub const fn opened(&self) -> u64 {
        self.numbers.opened
    }

    /// How many calls it refused, ever.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// What is left of the cooldown; zero where it is not open.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.numbers.rest
    }
}

#[cfg(all(test, loom))]
mod tests;
