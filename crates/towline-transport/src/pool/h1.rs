//! HTTP/1: one exchange at a time on a connection.

use super::Pool;
use crate::RequestBody;
use hyper::client::conn::http1::SendRequest;
use std::{
    fmt,
    sync::{Arc, Weak},
};
use towline_core::task::Task;

/// A connection: the way to send on it, and the task that drives it.
pub(crate) struct H1Conn {
    pub(crate) sender: SendRequest<RequestBody>,
    /// Dropping it closes the connection.
    _driver: Task<()>,
}

/// A connection in the hands of one exchange. Dropped before
/// [`give_back`](H1Lease::give_back), it closes the connection.
#[derive(Debug)]
pub(crate) struct H1Lease {
    conn: Option<H1Conn>,
    pool: Weak<Pool>,
}

// === impl H1Conn ===

impl H1Conn {
    pub(crate) const fn new(sender: SendRequest<RequestBody>, driver: Task<()>) -> Self {
        Self {
            sender,
            _driver: driver,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl fmt::Debug for H1Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H1Conn")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

// === impl H1Lease ===

impl H1Lease {
    pub(super) const fn new(conn: H1Conn, pool: Weak<Pool>) -> Self {
        Self {
            conn: Some(conn),
            pool,
        }
    }

    /// The sender. `None` only after `give_back`, which consumes the lease.
    pub(crate) fn sender(&mut self) -> Option<&mut SendRequest<RequestBody>> {
        self.conn.as_mut().map(|conn| &mut conn.sender)
    }

    pub(super) fn give_back(mut self) {
        // Not drop: the count goes down before the connection can be taken again.
        if let Some(conn) = self.conn.take()
            && let Some(pool) = self.pool.upgrade()
        {
            pool.lease_ended();
            pool.put_back(conn);
        }
    }

    pub(super) fn pool(&self) -> Option<Arc<Pool>> {
        self.pool.upgrade()
    }
}

impl Drop for H1Lease {
    fn drop(&mut self) {
        if self.conn.take().is_some()
            && let Some(pool) = self.pool.upgrade()
        {
            pool.lease_ended();
        }
    }
}
