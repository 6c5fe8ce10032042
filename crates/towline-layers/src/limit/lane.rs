//! The bucket of a key and those who wait for it.

use super::{Booking, Bucket, Charge, Demand, Dimension, LimitConfig};
use crate::{
    overload::{QueueGauge, Shedder},
    queue::{Key, QUANTUM, Queue, Ticket},
    sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock},
};
use std::{cell::Cell, collections::HashMap, fmt, task::Waker, time::Duration};
use tokio::time::Instant;
use towline_core::{Context, Text, Usage};

/// How many of those behind the head are looked at when one of them might go first.
const LOOKED_AT: usize = 16;

pub(super) struct Lane<B> {
    pub(super) bucket: B,
    pub(super) charge: Charge,
    /// What the provider says of its limits lowers ours.
    pub(super) learn: bool,
    /// What it rejects empties the bucket.
    pub(super) heeds: bool,
    room: Mutex<Room>,
    /// How many wait, to be read without the lock.
    waiting: AtomicU64,
    /// How long answers have been, in sixteenths of a token; 0 for unknown.
    usual: AtomicU64,
}

/// The waiting room. There is a head as long as anybody waits; it has asked the bucket, and has a
/// timer for the moment it was told.
pub(super) struct Room {
    queue: Queue<Waiter>,
    /// When the head was told to start.
    booking: Option<Booking>,
    /// When the head looks again by itself.
    alarm: Option<Instant>,
    /// Who may go before the head, and was told so.
    passing: Option<Key>,
    /// Who was turned away, and has not heard of it.
    away: HashMap<Key, Away>,
    shedder: Option<Shedder>,
    gauge: Option<QueueGauge>,
}

struct Waiter {
    demand: Demand,
    waker: Cell<Option<Waker>>,
}

/// Whether a waiter may ask now.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is the head.
    Head,
    /// It may go before the head, if that does not delay it.
    Pass(Booking),
    /// Others are before it.
    Behind,
    /// It was turned away.
    Away(Away),
}

/// Why one was turned away who waited.
#[derive(Clone, Copy, Debug)]
pub(super) enum Away {
    /// Too many waited.
    Full,
    /// The queue was that old, and did not drain.
    Shed(Duration),
}

// === impl Lane ===

impl<B: Bucket> Lane<B> {
    pub(super) fn new(bucket: B, config: &LimitConfig) -> Self {
        // With several keys there are several queues, and none to show.
        let gauge = config.gauge.clone().filter(|_| config.key.is_shared());
        Self {
            bucket,
            charge: config.charge,
            learn: config.learn,
            heeds: config.learn || !config.key.is_of_tenants(),
            room: Mutex::new(Room {
                queue: Queue::new(QUANTUM),
                booking: None,
                alarm: None,
                passing: None,
                away: HashMap::new(),
                shedder: config.age_bound.map(Shedder::new),
                gauge,
            }),
            waiting: AtomicU64::new(0),
            usual: AtomicU64::new(0),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        usize::try_from(self.waiting.load(Ordering::Acquire)).unwrap_or(usize::MAX)
    }

    /// How many tokens answers have had.
    pub(super) fn usual(&self) -> u64 {
        self.usual.load(Ordering::Relaxed).div_ceil(16)
    }

    /// Remembers how long an answer was. A lost update does no harm.
    pub(super) fn learn_usual(&self, usage: &Usage) {
        let Some(output) = usage.output() else {
            return;
        };
        let output = output.min(1 << 40) * 16;
        let old = self.usual.load(Ordering::Relaxed);
        let new = match old {
            0 => output,
            old => old - old / 8 + output / 8,
        };
        if new != old {
            self.usual.store(new, Ordering::Relaxed);
        }
    }

    /// Joins the queue. Where `most` wait already, one is turned away, be it this one.
    pub(super) fn join(&self, demand: Demand, context: &Context, most: usize) -> Key {
        let mut room = lock(&self.room);
        let now = Instant::now();
        let tenant = context.tenant();
        let key = room.queue.push(Ticket {
            tenant: tenant.map(|tenant| Text::from(tenant.to_owned())),
            priority: context.priority(),
            cost: demand.weight(),
            since: now,
            payload: Waiter {
                demand,
                waker: Cell::new(None),
            },
        });
        let gone = room.make_room(most, now);
        self.leave_to_others(room, gone);
        key
    }

    /// Whether `key` may ask now. It is woken by `waker` when that changes.
    pub(super) fn turn(&self, key: Key, waker: &Waker) -> Turn {
        let mut room = lock(&self.room);
        match room.queue.get(key) {
            Some(ticket) => ticket.payload.waker.set(Some(waker.clone())),
            None => return Turn::Away(room.away.remove(&key).unwrap_or(Away::Full)),
        }
        if room.is_head(key) {
            return Turn::Head;
        }
        // A newcomer may be one that can pass, now or before the head looks again. In a long queue it is
        // one of many, and the head looks at the first of them.
        let mut other = None;
        if room.queue.len() <= LOOKED_AT
            && let Some(pass) = room.look(&self.bucket)
        {
            other = if pass.is_zero() {
                room.passing_waker(key)
            } else {
                room.hasten(pass)
            };
        }
        let turn = match (room.passing, room.booking) {
            (Some(passing), Some(booking)) if passing == key => Turn::Pass(booking),
            _ => Turn::Behind,
        };
        drop(room);
        wake(other);
        turn
    }

    /// How many waiters go before `key`, as things stand.
    pub(super) fn ahead(&self, key: Key) -> usize {
        let mut room = lock(&self.room);
        let now = Instant::now();
        let position = room.queue.order(now).position(|(other, _)| other == key);
        position.unwrap_or(0)
    }

    /// Leaves the queue with what it waited for.
    pub(super) fn served(&self, key: Key) {
        let mut room = lock(&self.room);
        let next = room.next_after(key, |queue| queue.pop(key, Instant::now()).is_some());
        self.leave_to_others(room, next);
    }

    /// Leaves the queue without.
    pub(super) fn gone(&self, key: Key) {
        let mut room = lock(&self.room);
        let next = room.next_after(key, |queue| queue.remove(key).is_some());
        self.leave_to_others(room, next);
    }

    /// The head was told to wait for `time`. Says when it is to look again, at the latest.
    pub(super) fn told_to_wait(
        &self,
        key: Key,
        demand: Demand,
        time: Option<Duration>,
    ) -> Option<Instant> {
        let mut room = lock(&self.room);
        if !room.is_head(key) {
            return None;
        }
        let now = Instant::now();
        let start = time.and_then(|time| now.checked_add(time));
        // A start that was promised to those behind is not brought forward, so that what comes back
        // meanwhile can be used by them.
        room.booking = start.map(|start| {
            let promised = room.booking.map(|booking| booking.start());
            Booking::new(demand, promised.map_or(start, |old| old.max(start)))
        });
        let pass = room.look(&self.bucket);
        let other = match pass {
            Some(Duration::ZERO) => room.passing_waker(key),
            _ => None,
        };
        let pass = pass.filter(|pass| !pass.is_zero());
        let pass = pass.and_then(|pass| now.checked_add(pass));
        room.alarm = start.into_iter().chain(pass).min();
        let alarm = room.alarm;
        let shed = room.shed(now);
        self.leave_to_others(room, shed);
        wake(other);
        alarm
    }

    /// Who was told to pass cannot. Says whether it is to ask again, because it has become the head
    /// or was turned away while it asked; else it is woken by `waker`.
    pub(super) fn cannot_pass(&self, key: Key, waker: &Waker) -> bool {
        let mut room = lock(&self.room);
        if room.passing == Some(key) {
            room.passing = None;
        }
        if room.is_head(key) {
            return true;
        }
        match room.queue.get(key) {
            Some(ticket) => ticket.payload.waker.set(Some(waker.clone())),
            None => return true,
        }
        false
    }

    /// Whether the head is to ask again: something came back, or it was turned away, while it asked.
    pub(super) fn was_woken(&self, key: Key) -> bool {
        let room = lock(&self.room);
        let Some(ticket) = room.queue.get(key) else {
            return true;
        };
        let waker = ticket.payload.waker.take();
        let woken = waker.is_none();
        ticket.payload.waker.set(waker);
        woken
    }

    /// Something came back: the head is to look again.
    pub(super) fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            wake(lock(&self.room).head_waker());
        }
    }

    /// Leaves the room. Who has to know is told when nobody is in it.
    fn leave_to_others(&self, room: MutexGuard<'_, Room>, wakers: [Option<Waker>; 2]) {
        let waiting = u64::try_from(room.queue.len()).unwrap_or(u64::MAX);
        self.waiting.store(waiting, Ordering::SeqCst);
        if let Some(gauge) = &room.gauge {
            gauge.show(room.queue.len(), room.queue.oldest());
        }
        drop(room);
        wakers.into_iter().for_each(wake);
    }
}

impl<B: fmt::Debug> fmt::Debug for Lane<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("bucket", &self.bucket)
            .field("waiting", &self.waiting.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

// === impl Room ===

impl Room {
    fn is_head(&mut self, key: Key) -> bool {
        self.queue.head().is_some_and(|(head, _)| head == key)
    }

    fn head_waker(&mut self) -> Option<Waker> {
        let (_, head) = self.queue.head()?;
        head.payload.waker.take()
    }

    /// Takes `key` out. Who is to know of that: the next head, where there is another, and who could
    /// not pass while that one did.
    fn next_after(
        &mut self,
        key: Key,
        leave: impl FnOnce(&mut Queue<Waiter>) -> bool,
    ) -> [Option<Waker>; 2] {
        self.away.remove(&key);
        let was_head = self.is_head(key);
        let passed = self.passing == Some(key);
        if !leave(&mut self.queue) {
            return [None, None];
        }
        if was_head {
            self.booking = None;
            self.alarm = None;
        }
        if !was_head && !passed {
            return [None, None];
        }
        self.passing = None;
        [self.head_waker(), None]
    }

    /// Turns one away where `most` wait or the queue does not drain.
    fn make_room(&mut self, most: usize, now: Instant) -> [Option<Waker>; 2] {
        let oldest = self.queue.oldest();
        if self.queue.len() > most {
            return self.turn_away(Away::Full);
        }
        let shedder = self.shedder.as_mut();
        if shedder.is_some_and(|shedder| shedder.on_arrival(oldest, now)) {
            return self.turn_away(self.old(now));
        }
        [None, None]
    }

    /// Turns one away where the queue does not drain though nobody comes.
    fn shed(&mut self, now: Instant) -> [Option<Waker>; 2] {
        let oldest = self.queue.oldest();
        let shedder = self.shedder.as_mut();
        if shedder.is_some_and(|shedder| shedder.step(oldest, now)) {
            return self.turn_away(self.old(now));
        }
        [None, None]
    }

    fn old(&self, now: Instant) -> Away {
        Away::Shed(self.queue.oldest_age(now).unwrap_or_default())
    }

    fn turn_away(&mut self, away: Away) -> [Option<Waker>; 2] {
        let Some(victim) = self.queue.victim() else {
            return [None, None];
        };
        let mut told = None;
        let [next, _] = self.next_after(victim, |queue| {
            let ticket = queue.remove(victim);
            told = ticket
                .as_ref()
                .and_then(|ticket| ticket.payload.waker.take());
            ticket.is_some()
        });
        self.away.insert(victim, away);
        [told, next]
    }

    /// The waker of who was told to pass, unless it is `asking` itself.
    fn passing_waker(&self, asking: Key) -> Option<Waker> {
        let passing = self.passing.filter(|passing| *passing != asking)?;
        self.queue.get(passing)?.payload.waker.take()
    }

    /// The waker of the head, if it would look later than after `time`.
    fn hasten(&mut self, time: Duration) -> Option<Waker> {
        let at = Instant::now().checked_add(time)?;
        if self.alarm.is_some_and(|alarm| alarm <= at) {
            return None;
        }
        self.head_waker()
    }

    /// Looks for one behind the head that can go now without delaying it, and says so: zero. Says
    /// when the next one can, where none can now.
    fn look<B: Bucket>(&mut self, bucket: &B) -> Option<Duration> {
        let booking = self.booking?;
        if self.passing.is_some() || self.queue.len() < 2 {
            return None;
        }
        let behind = self.queue.order(Instant::now()).skip(1).take(LOOKED_AT);
        let waits = behind.filter_map(|(key, ticket)| {
            let wait = bucket.wait_to_pass(&ticket.payload.demand, &booking)?;
            Some((wait, key))
        });
        let (wait, key) = waits.min_by_key(|(wait, _)| *wait)?;
        if wait.is_zero() {
            self.passing = Some(key);
        }
        Some(wait)
    }
}

/// `calls` of no tokens: what those ahead take for certain.
pub(super) fn calls(calls: usize) -> Demand {
    let calls = u64::try_from(calls).unwrap_or(u64::MAX);
    Demand::default().with(Dimension::Requests, calls)
}

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(not(loom))]
#[cfg(test)]
mod tests;
