//! HTTP/1: one exchange at a time on a connection.

use super::{Failure, Pool};
use crate::RequestBody;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use std::{
    fmt,
    future::Future,
    sync::{Arc, Weak},
};
use towline_core::task::Task;

/// A connection: the way to send on it, and the task that drives it.
pub(crate) struct H1Conn {
    sender: SendRequest<RequestBody>,
    /// Dropping it closes the connection.
    _driver: Task<()>,
}

/// A connection in the hands of one exchange. Dropped before
/// [`give_back`](H1Lease::give_back), it closes the connection.
#[derive(Debug)]
pub(crate) struct H1Lease {
    conn: H1Conn,
    in_use: InUse,
}

/// Counts the exchange as long as it lives.
#[derive(Debug)]
struct InUse {
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

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether it is alive and done with its last exchange.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
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
            conn,
            in_use: InUse { pool },
        }
    }

    /// Sends a request, up to the head of the answer. The error has the request again if nothing of
    /// it was written.
    ///
    /// Not an async function: the future of one would hold the request twice.
    pub(crate) fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> + use<> {
        self.conn.sender.try_send_request(request)
    }

    /// Waits until the last exchange is over. Whether the connection is still there then.
    pub(super) async fn ready(&mut self) -> bool {
        self.conn.sender.ready().await.is_ok()
    }

    pub(super) fn give_back(self) {
        let Self { conn, in_use } = self;
        let pool = in_use.pool.upgrade();
        // The count goes down before the connection can be taken again.
        drop(in_use);
        if let Some(pool) = pool {
            pool.put_back(conn);
        }
    }

    pub(super) fn pool(&self) -> Option<Arc<Pool>> {
        self.in_use.pool.upgrade()
    }
}

// === impl InUse ===

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.lease_ended();
        }
    }
}
