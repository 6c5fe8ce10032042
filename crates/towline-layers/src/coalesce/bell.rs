//! Wakes those who wait for a call that they share.

use super::lock;
use std::{
    fmt, mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

/// What the shared call wakes. It remembers that it was rung until somebody polls the call: so the
/// call is polled once for each time it asks for it, however many wait.
pub(super) struct Bell {
    rung: AtomicBool,
    waiting: Mutex<Places>,
}

/// A place for each who may wait, with his waker while he does.
#[derive(Default)]
struct Places {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

// === impl Bell ===

impl Bell {
    /// Rung from the start: a call that was never polled wakes nobody.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            rung: AtomicBool::new(true),
            waiting: Mutex::default(),
        })
    }

    /// A place for somebody new.
    pub(super) fn enter(&self) -> usize {
        let mut places = lock(&self.waiting);
        if let Some(free) = places.free.pop() {
            return free;
        }
        places.wakers.push(None);
        places.wakers.len() - 1
    }

    /// Gives the place back.
    pub(super) fn leave(&self, place: usize) {
        let gone = {
            let mut places = lock(&self.waiting);
            places.free.push(place);
            places.wakers.get_mut(place).and_then(Option::take)
        };
        drop(gone);
    }

    /// Wakes `waker` when there is news.
    pub(super) fn wait(&self, place: usize, waker: &Waker) {
        let mut places = lock(&self.waiting);
        let Some(slot) = places.wakers.get_mut(place) else {
            return;
        };
        if slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let old = slot.replace(waker.clone());
        drop(places);
        drop(old);
    }

    /// Lets whoever has `place` be: he has what he wanted.
    pub(super) fn hush(&self, place: usize) {
        let mut places = lock(&self.waiting);
        let waker = places.wakers.get_mut(place).and_then(Option::take);
        drop(places);
        drop(waker);
    }

    /// Asks that the call be polled.
    pub(super) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
    }

    pub(super) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Whether it was rung since the last time.
    pub(super) fn take(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }

    /// Wakes all who wait, but for the one who has the place `but`. Nothing is locked meanwhile.
    pub(super) fn wake_waiting(&self, but: Option<usize>) {
        let wakers: Vec<Waker> = {
            let mut places = lock(&self.waiting);
            let own = but.and_then(|place| places.wakers.get_mut(place).and_then(Option::take));
            let others = places.wakers.iter_mut().filter_map(Option::take).collect();
            if let Some(slot) = but.and_then(|place| places.wakers.get_mut(place)) {
                let _none = mem::replace(slot, own);
            }
            others
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
        self.wake_waiting(None);
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell")
            .field("rung", &self.is_rung())
            .finish_non_exhaustive()
    }
}
