//! HTTP/1: one exchange at a time on a connection.

use super::{Failure, Pool, line::Line};
use crate::RequestBody;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

/// A connection: the way to send on it, and what reads and writes. Dropping it closes it.
pub(crate) struct H1Conn {
    sender: SendRequest<RequestBody>,
    line: Line,
}

/// A connection in the hands of one exchange. Dropped before
/// [`give_back`](H1Lease::give_back), it closes the connection.
#[derive(Debug)]
pub(crate) struct H1Lease {
    // Boxed, once per connection: a lease is moved with each answer.
    conn: Box<H1Conn>,
    in_use: InUse,
}

pin_project! {
    /// A request under way, and the connection that it keeps going.
    struct Sending<'a, F> {
        line: &'a mut Line,
        #[pin]
        answer: F,
    }
}

/// Counts the exchange as long as it lives.
#[derive(Debug)]
struct InUse {
    pool: Weak<Pool>,
}

// === impl H1Conn ===

impl H1Conn {
    pub(crate) const fn new(sender: SendRequest<RequestBody>, line: Line) -> Self {
        Self { sender, line }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether it is alive and done with its last exchange.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// It lies with the idle ones now.
    pub(super) fn rest(&self) {
        self.line.rest();
    }

    /// Whether something happened on it while it was idle: mostly, that its server closed it.
    pub(super) fn has_stirred(&self) -> bool {
        self.line.has_stirred()
    }

    /// Looks what that was.
    pub(super) fn look(&mut self) {
        self.line.look();
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
    pub(super) fn new(conn: Box<H1Conn>, pool: Weak<Pool>) -> Self {
        conn.line.take();
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
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> {
        let H1Conn { sender, line } = &mut *self.conn;
        let answer = sender.try_send_request(request);
        Sending { line, answer }
    }

    /// Waits until the last exchange is over. Whether the connection is still there then.
    pub(super) async fn ready(&mut self) -> bool {
        let H1Conn { sender, line } = &mut *self.conn;
        poll_fn(|cx| line.drive(cx, |cx| sender.poll_ready(cx)))
            .await
            .is_ok()
    }

    /// Polls what comes over the connection, and keeps that going.
    pub(crate) fn drive<T>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.conn.line.drive(cx, poll)
    }

    pub(super) fn give_back(self) {
        let Self {
            mut conn,
            mut in_use,
        } = self;
        conn.line.leave();
        // The count goes down before the connection can be taken again.
        if let Some(pool) = in_use.end() {
            pool.put_back(conn);
        }
    }

    pub(super) fn pool(&self) -> Option<Arc<Pool>> {
        self.in_use.pool.upgrade()
    }
}

// === impl Sending ===

impl<F: Future> Future for Sending<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.line.drive(cx, |cx| this.answer.as_mut().poll(cx))
    }
}

// === impl InUse ===

impl InUse {
    /// Counts it no more. The pool, if it was counted and the pool is still there.
    fn end(&mut self) -> Option<Arc<Pool>> {
        let pool = mem::take(&mut self.pool).upgrade()?;
        pool.lease_ended();
        Some(pool)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.end();
    }
}
