//! Counts what is under way, and closes.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;
use towline_core::{Error, ErrorKind};

/// Set once the gate is closed; the bits below count what is inside.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Lets calls in until it is closed, and knows how many are inside.
///
/// Clones share the gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: AtomicUsize,
    empty: Notify,
}

/// One call that is inside. It leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    shared: Arc<Shared>,
}

// === impl Gate ===

impl Gate {
    /// Lets one call in.
    pub(crate) fn enter(&self) -> Result<Pass, Error> {
        let before = self.shared.state.fetch_add(1, Ordering::AcqRel);
        let pass = Pass {
            shared: Arc::clone(&self.shared),
        };
        if before & CLOSED == 0 {
            return Ok(pass);
        }
        Err(Error::new(ErrorKind::Closed)
            .with_message("nothing was sent: make a new client with `connect`"))
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.shared.state.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.shared.state.load(Ordering::Acquire) & !CLOSED
    }

    /// Resolves when nobody is inside. Only of a closed gate, since nobody wakes the others.
    pub(crate) async fn emptied(&self) {
        loop {
            let mut empty = pin!(self.shared.empty.notified());
            // Listen before looking: who leaves in between is heard.
            empty.as_mut().enable();
            if self.inside() == 0 {
                return;
            }
            empty.await;
        }
    }
}

// === impl Pass ===

impl Drop for Pass {
    fn drop(&mut self) {
        let before = self.shared.state.fetch_sub(1, Ordering::AcqRel);
        if before == CLOSED | 1 {
            self.shared.empty.notify_waiters();
        }
    }
}
