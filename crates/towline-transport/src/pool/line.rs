//! What reads and writes on an HTTP/1 connection, and who keeps it going.
//!
//! A connection has no task of its own: whoever waits for something that comes over it moves it on. The
//! piece that has arrived is in the reader's hands without a change of tasks. While a connection is
//! idle the reaper looks after it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    ptr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::sync::Notify;

/// How often a connection is polled for one poll of its reader, if it has more to do each time.
const ROUNDS: u8 = 16;

/// Reads and writes. Resolves when the connection is over. Never locked: who holds a connection holds
/// it alone, and the lock says so to those who share a reference to it.
type Driver = Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// A connection without its sender.
pub(crate) struct Line {
    /// `None` once the connection is over.
    driver: Option<Driver>,
    relay: Arc<Relay>,
    /// Wakes the relay.
    waker: Waker,
    /// Whom the relay wakes, which keeps the waker.
    owner: Option<Owner>,
}

/// A waker as one tells it from others, for as long as somebody keeps it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Owner {
    data: usize,
    vtable: usize,
}

/// Passes on what wakes the connection: to whoever waits for it, or to nobody while it is being
/// polled. It stays the same for as long as the connection lives, whoever that is.
struct Relay {
    phase: AtomicU8,
    owner: Mutex<Option<Waker>>,
    /// Whether something happened while nobody waited.
    stirred: AtomicBool,
    /// To be told then.
    idle: Arc<Notify>,
}

/// Nobody polls.
const RESTING: u8 = 0;
/// Somebody polls.
const POLLING: u8 = 1;
/// Somebody polls, and has to poll again.
const WOKEN: u8 = 2;

// === impl Line ===

impl Line {
    /// A connection that `driver` drives. `idle` is told when something happens while it is idle.
    pub(crate) fn new(
        driver: impl Future<Output = ()> + Send + 'static,
        idle: Arc<Notify>,
    ) -> Self {
        let relay = Arc::new(Relay {
            phase: AtomicU8::new(RESTING),
            owner: Mutex::default(),
            stirred: AtomicBool::new(false),
            idle,
        });
        Self {
            driver: Some(Mutex::new(Box::pin(driver))),
            waker: Waker::from(Arc::clone(&relay)),
            relay,
            owner: None,
        }
    }

    /// Polls what comes over the connection, and the connection, until neither has more to do.
    pub(super) fn drive<T>(
        &mut self,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.attend(cx.waker());
        // Whether something happened that the driver has not seen.
        let mut news = false;
        for _ in 0..ROUNDS {
            // Any => Polling
            news |= self.relay.begin() == WOKEN;
            if let Poll::Ready(value) = poll(&mut Context::from_waker(&self.waker)) {
                // Still Polling, or Woken: who got something comes again, or gives the connection back.
                if news {
                    self.relay.note();
                }
                return Poll::Ready(value);
            }
            // With the driver goes what its reader waits for: that says so when it is asked again.
            let over = self.look();
            // Polling => Resting, unless woken
            news = !self.relay.end();
            if !news && !over {
                return Poll::Pending;
            }
        }
        self.relay.note();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Somebody is about to wait: what happens until then is seen at the first poll.
    pub(super) fn take(&self) {
        // Resting => Polling
        self.relay.begin();
    }

    /// Lets the driver see what has happened. Whether the connection is over with that.
    pub(super) fn look(&mut self) -> bool {
        let Some(driver) = &mut self.driver else {
            return false;
        };
        let driver = driver.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut cx = Context::from_waker(&self.waker);
        let over = driver.as_mut().poll(&mut cx).is_ready();
        if over {
            self.driver = None;
        }
        over
    }

    /// Whether something happened since it was asked last, while nobody waited.
    pub(super) fn has_stirred(&self) -> bool {
        self.relay.stirred.swap(false, Ordering::AcqRel)
    }

    /// Whoever waited does not any more. What the end of an exchange has left to do is done; what
    /// happens from here on is noted, for [`rest`](Self::rest).
    pub(super) fn leave(&mut self) {
        self.owner = None;
        let before = self.relay.set_owner(None);
        drop(before);
        // Any => Polling
        if self.relay.begin() != POLLING {
            self.look();
        }
    }

    /// Nobody waits any more: what happens from now on is told to whoever looks after idle
    /// connections. So is what was noted until now, which is why the connection has to be with them.
    pub(super) fn rest(&self) {
        // Polling or Woken => Resting
        if !self.relay.end() {
            self.relay.stir();
        }
    }

    /// Sees to it that `waker` is woken.
    fn attend(&mut self, waker: &Waker) {
        if self.owner != Some(Owner::of(waker)) {
            // By the one that is kept: that of the caller may lie where another lies later.
            let kept = waker.clone();
            let owner = Owner::of(&kept);
            let before = self.relay.set_owner(Some(kept));
            self.owner = Some(owner);
            drop(before);
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("over", &self.driver.is_none())
            .finish_non_exhaustive()
    }
}

// === impl Owner ===

impl Owner {
    fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: ptr::from_ref(waker.vtable()).addr(),
        }
    }
}

// === impl Relay ===

impl Relay {
    /// The phase before. Who polls already, and was not woken, stays so.
    fn begin(&self) -> u8 {
        match self.phase.load(Ordering::Acquire) {
            POLLING => POLLING,
            _ => self.phase.swap(POLLING, Ordering::AcqRel),
        }
    }

    /// Whether nothing happened since [`begin`](Self::begin).
    fn end(&self) -> bool {
        self.phase.swap(RESTING, Ordering::AcqRel) == POLLING
    }

    /// Somebody polls who has something to see yet, or comes back for it.
    fn note(&self) {
        self.phase.store(WOKEN, Ordering::Release);
    }

    fn stir(&self) {
        self.stirred.store(true, Ordering::Release);
        self.idle.notify_one();
    }

    fn set_owner(&self, owner: Option<Waker>) -> Option<Waker> {
        let mut place = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, owner)
    }

    fn owner(&self) -> Option<Waker> {
        let place = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted =
            self.phase
                .compare_exchange(POLLING, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        match noted {
            // Who polls polls again.
            Ok(_) | Err(WOKEN) => {}
            Err(_) => match self.owner() {
                Some(owner) => owner.wake(),
                None => self.stir(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
