//! What reads and writes on an HTTP/1 connection, and who keeps it going.
//!
//! A connection has no task of its own: whoever waits for something that comes over it moves it on. The
//! piece that has arrived is in the reader's hands without a change of tasks. While a connection is
//! idle the reaper looks after it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::sync::Notify;

/// How often a connection is polled for one poll of its reader, if it has more to do each time.
const ROUNDS: u8 = 16;

/// Reads and writes. Resolves when the connection is over.
type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection without its sender.
pub(crate) struct Line {
    /// `None` once the connection is over.
    driver: Option<Driver>,
    relay: Arc<Relay>,
    /// Wakes the relay.
    waker: Waker,
    /// Whom the relay wakes.
    owner: Option<Waker>,
}

/// Passes on what wakes the connection: to whoever waits for it, or to nobody while it is being
/// polled. It stays the same for as long as the connection lives, whoever that is.
struct Relay {
    phase: AtomicU8,
    owner: Mutex<Option<Waker>>,
    /// To be told when something happens on a connection that is idle.
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
            idle,
        });
        Self {
            driver: Some(Box::pin(driver)),
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
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..ROUNDS {
            // Resting or Polling => Polling
            self.relay.begin();
            if let Poll::Ready(value) = poll(&mut inner) {
                // Still Polling: who got something comes again, or gives the connection back.
                return Poll::Ready(value);
            }
            let over = match &mut self.driver {
                Some(driver) => driver.as_mut().poll(&mut inner).is_ready(),
                None => false,
            };
            if over {
                // With it goes what its reader waits for: that says so when it is asked again.
                self.driver = None;
            }
            // Polling => Resting, unless woken
            if self.relay.end() && !over {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Somebody is about to wait: what happens until then is seen at the first poll.
    pub(super) fn take(&self) {
        // Resting => Polling
        self.relay.begin();
    }

    /// Looks what happened while nobody waited.
    pub(super) fn look(&mut self) {
        if let Some(driver) = &mut self.driver
            && driver
                .as_mut()
                .poll(&mut Context::from_waker(&self.waker))
                .is_ready()
        {
            self.driver = None;
        }
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
            self.relay.idle.notify_one();
        }
    }

    /// Sees to it that `waker` is woken.
    fn attend(&mut self, waker: &Waker) {
        let known = self.owner.as_ref();
        if !known.is_some_and(|known| known.will_wake(waker)) {
            self.owner = Some(waker.clone());
            let before = self.relay.set_owner(Some(waker.clone()));
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

// === impl Relay ===

impl Relay {
    /// The phase before.
    fn begin(&self) -> u8 {
        self.phase.swap(POLLING, Ordering::AcqRel)
    }

    /// Whether nothing happened since [`begin`](Self::begin).
    fn end(&self) -> bool {
        self.phase.swap(RESTING, Ordering::AcqRel) == POLLING
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
                None => self.idle.notify_one(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
