//! The queue in the order of its service, without serving it.

use super::{
    Key, Ticket, charge,
    class::{Class, Place},
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, btree_set},
    fmt,
    iter::Peekable,
};
use tokio::time::Instant;

/// The waiters in the order in which they would be served. Each step takes logarithmic time, and
/// nothing is done for those that are not asked for.
pub(crate) struct Order<'a, T> {
    walks: [Walk<'a, T>; 3],
    head: Option<Key>,
    now: Instant,
}

/// The order within one class.
struct Walk<'a, T> {
    class: &'a Class<T>,
    /// Where the class stands between the others.
    start: u64,
    ready: Peekable<btree_set::Iter<'a, Place>>,
    /// What follows those that were passed.
    more: BinaryHeap<Reverse<Place>>,
    /// The head, which comes first whatever its tag.
    passed: Option<u64>,
}

// === impl Order ===

impl<'a, T> Order<'a, T> {
    pub(super) fn new(classes: &'a [Class<T>; 3], head: Option<Key>, now: Instant) -> Self {
        Self {
            walks: classes.each_ref().map(Walk::new),
            head,
            now,
        }
    }

    fn pass(&mut self, key: Key, tag: u64) -> Option<(Key, &'a Ticket<T>)> {
        let walk = self.walks.get_mut(key.rank)?;
        let ticket = walk.class.get(key.seq)?;
        walk.start += charge(ticket, key.rank, self.now);
        if let Some(after) = walk.class.after(key.seq) {
            let tag = tag.saturating_add(ticket.tokens());
            walk.more.push(Reverse((tag, after)));
        }
        Some((key, ticket))
    }
}

impl<'a, T> Iterator for Order<'a, T> {
    type Item = (Key, &'a Ticket<T>);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(head) = self.head.take() {
            let walk = self.walks.get_mut(head.rank)?;
            walk.passed = Some(head.seq);
            let tag = walk.class.tag(head.seq)?;
            return self.pass(head, tag);
        }
        let walks = self.walks.iter_mut().enumerate();
        let waiting = walks.filter_map(|(rank, walk)| {
            walk.peek()?;
            Some((walk.start, Reverse(rank)))
        });
        let (_, Reverse(rank)) = waiting.min()?;
        let (tag, seq) = self.walks.get_mut(rank)?.next()?;
        self.pass(Key { rank, seq }, tag)
    }
}

impl<T> fmt::Debug for Order<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").finish_non_exhaustive()
    }
}

// === impl Walk ===

impl<'a, T> Walk<'a, T> {
    fn new(class: &'a Class<T>) -> Self {
        Self {
            class,
            start: class.start().unwrap_or(0),
            ready: class.ready().peekable(),
            more: BinaryHeap::new(),
            passed: None,
        }
    }

    fn peek(&mut self) -> Option<Place> {
        let passed = self.passed;
        let _head = self
            .ready
            .next_if(|(_, seq)| passed.is_some_and(|passed| passed == *seq));
        let ready = self.ready.peek().map(|place| **place);
        let more = self.more.peek().map(|Reverse(place)| *place);
        ready.into_iter().chain(more).min()
    }

    fn next(&mut self) -> Option<Place> {
        let place = self.peek()?;
        if self.ready.next_if(|ready| **ready == place).is_none() {
            self.more.pop();
        }
        Some(place)
    }
}
