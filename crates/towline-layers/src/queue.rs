//! The waiting room in front of a bound: who is next, and who goes when there are too many.
//!
//! A pure structure: no clock, no waking. Its owner says what time it is and tells the waiters.
//!
//! Order is by virtual time, which here is tokens. Two levels use the same rule:
//!
//! - Between the classes of [`Priority`], by weight: of 21 tokens that are served while all three
//!   wait, 16 go to interactive calls, 4 to normal ones and 1 to those in the background. Each share
//!   is reserved, so that nobody starves; what a class does not use goes to the others. A call that
//!   has waited for [`STEP`] is charged as one of the next class, so that the share of a class grows
//!   while its calls grow old.
//! - Between the tenants of a class, evenly: the next is the one that was served least. A tenant that
//!   comes anew starts one quantum behind, so that a crowd of new ones cannot overtake for ever.
//!
//! Within a tenant and class the order is that of arrival.
//!
//! While two tenants of a class both wait, the tokens served to one and to the other never differ by
//! more than the largest cost and the larger of that and the quantum.
//!
//! Every operation takes time logarithmic in the number of waiters. An empty queue holds no memory.
#![cfg_attr(
    not(feature = "limit"),
    allow(
        dead_code,
        clippy::allow_attributes,
        reason = "a layer without a limiter does not look behind the head"
    )
)]

mod class;
mod order;

pub(crate) use self::order::Order;

use self::class::Class;
use std::{cmp::Reverse, fmt, time::Duration};
use tokio::time::Instant;
use towline_core::{Priority, Text};

/// How long a call waits before it is charged as one of the next class.
pub(crate) const STEP: Duration = Duration::from_secs(30);

/// A quantum for callers that have no better one: about one call.
pub(crate) const QUANTUM: u64 = 2_048;

/// Waiters in the order of their service. See the [module docs](self).
pub(crate) struct Queue<T> {
    /// By rank, the lowest first.
    classes: [Class<T>; 3],
    /// Virtual time between the classes.
    time: u64,
    next: u64,
    /// Who was told to be next stays next.
    head: Option<Key>,
}

/// One waiter.
#[derive(Debug)]
pub(crate) struct Ticket<T> {
    pub(crate) tenant: Option<Text>,
    pub(crate) priority: Priority,
    /// In tokens. 0 counts as 1, and what is above `u32::MAX` as that.
    pub(crate) cost: u64,
    /// When it came. No earlier than that of a ticket pushed before.
    pub(crate) since: Instant,
    pub(crate) payload: T,
}

/// Which ticket. Never used twice in a queue.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    rank: usize,
    seq: u64,
}

// === impl Queue ===

impl<T> Queue<T> {
    /// An empty queue in which a new tenant starts `quantum` tokens behind.
    pub(crate) fn new(quantum: u64) -> Self {
        Self {
            classes: [(); 3].map(|()| Class::new(quantum)),
            time: 0,
            next: 0,
            head: None,
        }
    }

    /// Adds a waiter.
    pub(crate) fn push(&mut self, ticket: Ticket<T>) -> Key {
        let key = Key {
            rank: rank(ticket.priority),
            seq: self.next,
        };
        self.next += 1;
        if let Some(class) = self.classes.get_mut(key.rank) {
            class.push(key.seq, ticket, self.time);
        }
        key
    }

    /// Takes out a waiter that leaves, as if it had never come. None where it is not there any more.
    ///
    /// Two differences may remain. Others that were not told to be next, because it was, may yet be
    /// overtaken; and who was served last is remembered while anybody waits, be it only this one.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Ticket<T>> {
        if self.head == Some(key) {
            self.head = None;
        }
        let ticket = self.classes.get_mut(key.rank)?.remove(key.seq)?;
        self.clear_where_empty();
        Some(ticket)
    }

    /// Takes out a waiter that is served at `now`, and charges it. Others than the
    /// [`head`](Self::head) may be served too, where they take nothing from it.
    pub(crate) fn pop(&mut self, key: Key, now: Instant) -> Option<Ticket<T>> {
        let first = self.starts().map(|(start, _)| start).min();
        let is_head = self.head == Some(key);
        let class = self.classes.get_mut(key.rank)?;
        let start = class.start()?;
        let ticket = class.pop(key.seq, is_head)?;
        class.charge(start, charge(&ticket, key.rank, now));
        if is_head {
            self.head = None;
            self.time = first.map_or(self.time, |first| self.time.max(first));
        }
        self.clear_where_empty();
        Some(ticket)
    }

    /// Who is next. It stays that until it is popped or removed, whoever comes.
    pub(crate) fn head(&mut self) -> Option<(Key, &Ticket<T>)> {
        let key = self.head.or_else(|| self.choose())?;
        self.head = Some(key);
        Some((key, self.get(key)?))
    }

    /// A waiter.
    pub(crate) fn get(&self, key: Key) -> Option<&Ticket<T>> {
        self.classes.get(key.rank)?.get(key.seq)
    }

    /// All waiters in the order in which they would be served at `now`, the head first.
    pub(crate) fn order(&mut self, now: Instant) -> Order<'_, T> {
        let head = self.head.or_else(|| self.choose());
        self.head = head;
        Order::new(&self.classes, head, now)
    }

    /// Who goes where one has to: the youngest of the tenant that waits for most tokens, in the lowest
    /// class.
    pub(crate) fn victim(&self) -> Option<Key> {
        let mut classes = self.classes.iter().enumerate();
        classes.find_map(|(rank, class)| {
            let seq = class.victim()?;
            Some(Key { rank, seq })
        })
    }

    /// When the oldest waiter came.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.classes.iter().filter_map(Class::oldest).min()
    }

    /// How long the oldest waiter has waited.
    pub(crate) fn oldest_age(&self, now: Instant) -> Option<Duration> {
        let oldest = self.oldest()?;
        Some(now.saturating_duration_since(oldest))
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.classes.iter().map(Class::len).sum()
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn clear_where_empty(&mut self) {
        if self.is_empty() {
            self.classes.iter_mut().for_each(Class::clear);
        }
    }

    fn choose(&self) -> Option<Key> {
        let (_, Reverse(rank)) = self.starts().min()?;
        let seq = self.classes.get(rank)?.first()?;
        Some(Key { rank, seq })
    }

    /// The classes with waiters: the least is next, and of equals the higher class.
    fn starts(&self) -> impl Iterator<Item = (u64, Reverse<usize>)> {
        let classes = self.classes.iter().enumerate();
        classes.filter_map(|(rank, class)| Some((class.start()?, Reverse(rank))))
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn rank(priority: Priority) -> usize {
    match priority {
        Priority::Background => 0,
        Priority::Interactive => 2,
        _ => 1,
    }
}

/// What a class pays for `ticket`: the smaller its weight, the more.
fn charge<T>(ticket: &Ticket<T>, rank: usize, now: Instant) -> u64 {
    let age = now.saturating_duration_since(ticket.since);
    let steps = age.as_secs() / STEP.as_secs();
    let rank = rank.saturating_add(usize::try_from(steps).unwrap_or(2));
    let price = match rank {
        0 => 16,
        1 => 4,
        _ => 1,
    };
    ticket.tokens() * price
}

// === impl Ticket ===

impl<T> Ticket<T> {
    /// The cost that counts.
    fn tokens(&self) -> u64 {
        self.cost.clamp(1, u64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
