//! Who is inside, and whether anybody may come in.

use crate::handle::Handle;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::sync::Notify;
use towline_core::{Error, ErrorKind};

/// The gate that the calls of a stack pass. Clones are handles of the same gate.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    /// How many are inside, and in the highest bit whether the gate is closed.
    state: AtomicUsize,
    /// Whether those inside have to leave.
    cut: AtomicBool,
    /// Told when the last one leaves a closed gate.
    pub(super) empty: Notify,
    /// Told when those inside have to leave.
    pub(super) leave: Arc<Notify>,
}

pub(super) const LAYER: &str = "drain";

/// What [`Drain::run`] found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drained {
    cut: usize,
}

/// Something that is inside: a call, or other work that a shutdown has to wait for. It leaves when this
/// is dropped.
#[derive(Debug)]
pub struct Pass {
    inside: Inside<'static>,
}

/// One that is counted, until this is dropped.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    pub(super) shared: Handle<'a, Shared>,
    /// Not where another took the count over.
    counted: bool,
}

const CLOSED: usize = 1 << (usize::BITS - 1);

// === impl Drain ===

impl Drain {
    /// An open gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns new calls away from now on. Calls under way go on.
    pub fn start(&self) {
        self.shared.state.fetch_or(CLOSED, Ordering::AcqRel);
        if self.inside() == 0 {
            self.shared.empty.notify_waiters();
        }
    }

    /// Turns new calls away, waits for those under way for as long as `patience`, and then ends those
    /// that are left. Several may wait at once; the first whose patience ends cuts for all.
    ///
    /// # Cancel safety
    ///
    /// The gate stays closed when the future is dropped; nobody is cut.
    pub async fn run(&self, patience: Duration) -> Drained {
        self.start();
        if tokio::time::timeout(patience, self.emptied()).await.is_ok() {
            return Drained { cut: 0 };
        }
        let cut = self.inside();
        self.shared.cut.store(true, Ordering::Release);
        self.shared.leave.notify_waiters();
        Drained { cut }
    }

    /// Waits until nobody is inside; for ever where the gate stays open.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn emptied(&self) {
        loop {
            let mut empty = pin!(self.shared.empty.notified());
            // Listen before looking: who leaves in between is heard.
            empty.as_mut().enable();
            if self.is_closed() && self.inside() == 0 {
                return;
            }
            empty.await;
        }
    }

    /// Calls under way, streams that are still being read among them.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.shared.state.load(Ordering::Acquire) & !CLOSED
    }

    /// Whether new calls are turned away.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Lets somebody in. Calls go through a [`DrainLayer`](super::DrainLayer), which does this for them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`start`](Self::start).
    pub fn enter(&self) -> Result<Pass, Error> {
        let shared = Handle::Owned(Arc::clone(&self.shared));
        let inside = Inside::new(shared)?;
        Ok(Pass { inside })
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Polls `work` until it is over or those inside have to leave. Work that is over at that moment is
    /// over.
    pub(super) async fn until_cut<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let mut leave = pin!(self.left());
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => leave.as_mut().poll(cx).map(|()| Err(cut())),
        })
        .await
    }

    /// Waits until those inside have to leave.
    async fn left(&self) {
        let mut leave = pin!(self.leave.notified());
        // Listen before looking: what is told in between is heard.
        poll_fn(|cx| match leave.as_mut().poll(cx) {
            Poll::Pending if !self.is_cut() => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

pub(super) fn cut() -> Error {
    Error::new(ErrorKind::Closed)
        .with_message("the answer was not whole when the time to shut down was over")
}

// === impl Pass ===

impl Pass {
    /// Does `work` inside, until it is over or those inside have to leave. Work that is over at that
    /// moment is over.
    ///
    /// # Errors
    ///
    /// What the work says, and [`ErrorKind::Closed`] where it had to leave.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the work, which leaves the gate.
    pub async fn run<T>(self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.inside.shared.until_cut(pin!(work)).await
    }
}

// === impl Inside ===

impl<'a> Inside<'a> {
    /// Counts one more, unless nobody is let in any more.
    pub(super) fn new(shared: Handle<'a, Shared>) -> Result<Self, Error> {
        let before = shared.state.fetch_add(1, Ordering::AcqRel);
        let inside = Self {
            shared,
            counted: true,
        };
        if before & CLOSED == 0 {
            return Ok(inside);
        }
        Err(Error::new(ErrorKind::Closed)
            .with_refused_by(LAYER)
            .with_message("nothing was sent: make a new client with `connect`"))
    }

    /// One that borrows nothing, counted in the place of this one.
    pub(super) fn into_owned(mut self) -> Inside<'static> {
        Inside {
            shared: self.shared.to_owned(),
            counted: std::mem::take(&mut self.counted),
        }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if !self.counted {
            return;
        }
        let before = self.shared.state.fetch_sub(1, Ordering::AcqRel);
        if before == CLOSED | 1 {
            self.shared.empty.notify_waiters();
        }
    }
}

// === impl Drained ===

impl Drained {
    /// How many calls had not ended in time, and were ended.
    #[must_use]
    pub const fn cut(self) -> usize {
        self.cut
    }
}
