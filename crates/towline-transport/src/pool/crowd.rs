//! Calls that begin at about the same time do so one right after the other.
//!
//! A task that reads an answer and begins the next call runs through all of the code between, and so
//! does the task after it. Where many are at it, each finds the processor's caches filled with what the
//! one before did last. So a call steps back once before it takes a connection: those whose answers
//! have come read and decode them first, and then all of them write.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::yield_now;

/// So many other calls under way are a crowd.
const CROWD: usize = 16;

/// Who has stepped back.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    waiting: AtomicUsize,
}

/// Counts one who has stepped back, until it goes on or is dropped.
struct Waiting<'a>(&'a AtomicUsize);

// === impl Crowd ===

impl Crowd {
    /// Lets others go first, once, if there are many: so many have a connection.
    pub(super) async fn step_back(&self, in_use: usize) {
        if in_use + self.waiting.load(Ordering::Relaxed) >= CROWD {
            let _waiting = Waiting::new(&self.waiting);
            yield_now().await;
        }
    }
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{CROWD, Crowd};
    use std::sync::atomic::Ordering;
    use tokio_test::{assert_pending, assert_ready, task::spawn};

    #[test]
    fn few_calls_go_on_at_once() {
        let crowd = Crowd::default();
        assert_ready!(spawn(crowd.step_back(CROWD - 1)).poll());
    }

    #[test]
    fn one_of_many_steps_back_once() {
        let crowd = Crowd::default();
        let mut call = spawn(crowd.step_back(CROWD));
        assert_pending!(call.poll());
        assert!(call.is_woken(), "nobody else has to wake it");
        assert_ready!(call.poll());
    }

    /// Each has given its connection back: nobody has one any more.
    #[test]
    fn those_who_stepped_back_are_still_many() {
        let crowd = Crowd::default();
        let mut calls: Vec<_> = (0..CROWD)
            .map(|done| spawn(crowd.step_back(CROWD - done)))
            .collect();
        for call in &mut calls {
            assert_pending!(call.poll());
        }
    }

    #[test]
    fn one_who_went_on_or_left_is_not_counted() {
        let crowd = Crowd::default();
        let mut gone = spawn(crowd.step_back(CROWD));
        let mut done = spawn(crowd.step_back(CROWD));
        assert_pending!(gone.poll());
        assert_pending!(done.poll());
        assert_eq!(crowd.waiting.load(Ordering::Relaxed), 2);
        drop(gone);
        assert_ready!(done.poll());
        assert_eq!(crowd.waiting.load(Ordering::Relaxed), 0);
    }
}
