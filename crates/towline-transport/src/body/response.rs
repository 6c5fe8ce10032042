//! The body of a response, and the connection that hangs on it.

use super::collect::{collect, next_data};
use crate::{
    fault,
    pool::{DRAIN_BYTES, Lease},
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use towline_core::Error;

/// The body of a response.
///
/// It holds the connection. At its end the connection goes back to the [`Channel`](crate::Channel).
/// Dropped before its end, it closes the exchange at once: the HTTP/1 connection is closed, the
/// HTTP/2 stream is reset.
///
/// A body that breaks off (a reset, fewer bytes than `content-length`, a missing last chunk) ends in
/// an error of kind [`Transport`](towline_core::ErrorKind::Transport).
pub struct ResponseBody {
    source: Source,
}

enum Source {
    // Boxing the wire would cost an allocation in every call to save bytes in none.
    Wire { incoming: Incoming, lease: Lease },
    Memory(Bytes),
    Done,
}

// === impl ResponseBody ===

impl ResponseBody {
    pub(crate) fn wire(incoming: Incoming, lease: Lease) -> Self {
        let mut body = Self {
            source: Source::Wire { incoming, lease },
        };
        // No body, no wait: the exchange is over with the head.
        body.end_if_complete();
        body
    }

    /// Reads the whole body, at most `limit` bytes of it.
    ///
    /// A body that arrives in one piece is returned as that piece, without a copy.
    ///
    /// # Errors
    ///
    /// - [`Protocol`](towline_core::ErrorKind::Protocol) if the body is longer than `limit`. As soon
    ///   as that is known, which with `content-length` is before the first byte, the exchange is
    ///   closed.
    /// - [`Transport`](towline_core::ErrorKind::Transport) if the connection breaks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body, which closes the exchange. What had arrived is lost.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        collect(self, limit).await
    }

    /// Gives the rest of the body up, and tries to keep the connection.
    ///
    /// For a caller that has read the terminal event of a stream: what is missing is mostly just the
    /// last chunk mark. If that is there, or comes within 100 milliseconds and 16 KiB, the connection
    /// goes back to the pool, else it is closed. Dropping the body closes it in any case.
    ///
    /// Must be called inside a tokio runtime to have an effect beyond dropping. The work goes on in
    /// a task that belongs to the channel.
    pub fn release(self) {
        let Source::Wire { lease, .. } = &self.source else {
            return;
        };
        if let Some(pool) = lease.pool() {
            pool.finish_in_background(self);
        }
    }

    /// As [`release`](Self::release); the end is read now if it is there, so that the next call finds
    /// the connection.
    pub(crate) fn finish(mut self, cx: &mut Context<'_>) {
        let mut read = 0;
        while let Poll::Ready(frame) = Pin::new(&mut self).poll_frame(cx) {
            let data = frame.and_then(Result::ok).map(Frame::into_data);
            match data {
                Some(Ok(data)) if read <= DRAIN_BYTES => read += data.len(),
                // Trailers: the end comes next.
                Some(Err(_)) => {}
                // The end, a failure, or far too much.
                _ => return,
            }
        }
        self.release();
    }

    /// Reads to the end and throws away, up to `limit` bytes.
    pub(crate) async fn drain(mut self, limit: usize) {
        let mut read = 0;
        while read <= limit
            && let Ok(Some(data)) = next_data(&mut self).await
        {
            read += data.len();
        }
    }

    fn end_if_complete(&mut self) {
        if let Source::Wire { incoming, .. } = &self.source
            && incoming.is_end_stream()
        {
            self.end();
        }
    }

    /// The exchange is over and went well: the connection is free.
    fn end(&mut self) {
        if let Source::Wire { lease, .. } = std::mem::replace(&mut self.source, Source::Done) {
            lease.give_back();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let (incoming, lease) = match &mut this.source {
            Source::Wire { incoming, lease } => (incoming, lease),
            Source::Memory(bytes) => {
                let bytes = std::mem::take(bytes);
                this.source = Source::Done;
                return Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))));
            }
            Source::Done => return Poll::Ready(None),
        };
        let frame = lease.drive(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx));
        match ready!(frame) {
            Some(Ok(frame)) => {
                this.end_if_complete();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let error = fault::body(&lease.origin(), error);
                // Wire => Done: the lease drops, and with it the connection.
                this.source = Source::Done;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Wire { incoming, .. } => incoming.is_end_stream(),
            Source::Memory(bytes) => bytes.is_empty(),
            Source::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Wire { incoming, .. } => incoming.size_hint(),
            Source::Memory(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Source::Done => SizeHint::with_exact(0),
        }
    }
}

/// A body that is all there, for services that stand in for a channel.
impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            source: Source::Memory(bytes),
        }
    }
}

/// Shows the state only: the bytes are an answer.
impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.source {
            Source::Wire { .. } => "open",
            Source::Memory(_) => "in memory",
            Source::Done => "ended",
        };
        f.debug_struct("ResponseBody")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
