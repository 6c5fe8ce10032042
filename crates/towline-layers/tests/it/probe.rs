//! A service that holds its caller to the readiness law, and whose readiness the test decides.

use crate::support::{Handle, Upstream, upstream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};
use tower::Service;
use towline_core::{Error, Request};

/// Panics when it is called without having been polled ready. A clone has not been.
#[derive(Debug)]
pub(crate) struct Probe {
    inner: Upstream,
    ready: bool,
    open: Arc<AtomicBool>,
}

/// Opens and closes a [`Probe`] and its clones.
#[derive(Debug)]
pub(crate) struct Gate {
    open: Arc<AtomicBool>,
}

/// An open probe, its gate, and the handle to answer for it.
pub(crate) fn probe() -> (Probe, Gate, Handle) {
    let (inner, handle) = upstream();
    let open = Arc::new(AtomicBool::new(true));
    let gate = Gate {
        open: Arc::clone(&open),
    };
    let probe = Probe {
        inner,
        ready: false,
        open,
    };
    (probe, gate, handle)
}

impl Gate {
    /// From now on it is ready, or not.
    pub(crate) fn set(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: false,
            open: Arc::clone(&self.open),
        }
    }
}

impl Service<Request> for Probe {
    type Response = <Upstream as Service<Request>>::Response;
    type Error = Error;
    type Future = <Upstream as Service<Request>>::Future;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.open.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(self.ready, "called without having been polled ready");
        self.ready = false;
        self.inner.call(request)
    }
}
