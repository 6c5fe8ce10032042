//! Control over what a connection really writes, below the HTTP library.

use crate::journal::lock;
use bytes::{Buf, Bytes};
use std::{
    fmt, io, mem,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The handle that an answer holds on its connection.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether single bytes are written, and the wait after each.
    one_byte: Option<Duration>,
    /// Bytes to write in place of what the HTTP library writes next.
    instead: Option<Bytes>,
    /// How often everything that had been written was flushed.
    flushes: u64,
    waiting: Vec<Waker>,
    close_when_flushed: bool,
    ended: Option<Ending>,
    end_waker: Option<Waker>,
}

/// How a connection is torn down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    Close,
    Reset,
}

/// The socket of a connection, doing what its [`Tap`] says.
pub(crate) struct TapIo {
    socket: TcpStream,
    tap: Arc<Tap>,
    pending: Bytes,
    /// Lets the reader run between two single bytes.
    breath: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

// === impl Tap ===

impl Tap {
    /// From now on each write is a single byte followed by a wait, or not.
    pub(crate) fn set_one_byte(&self, wait: Option<Duration>) {
        lock(&self.state).one_byte = wait;
    }

    /// Writes `bytes` in place of the next thing that the HTTP library writes, which must be a whole
    /// answer without a body.
    pub(crate) fn write_instead(&self, bytes: Bytes) {
        lock(&self.state).instead = Some(bytes);
    }

    /// Makes [`poll_end`](Self::poll_end) ready, so that the connection is torn down with RST.
    pub(crate) fn reset(&self) {
        self.end(Ending::Reset);
    }

    /// Makes [`poll_end`](Self::poll_end) ready at the next flush, so that the connection is torn
    /// down with FIN.
    pub(crate) fn close_when_flushed(&self) {
        lock(&self.state).close_when_flushed = true;
    }

    /// Ready when the connection is to be torn down.
    pub(crate) fn poll_end(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.ended.is_some() {
            return Poll::Ready(());
        }
        state.end_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ready once everything is on the socket that was written before the first poll with `mark`
    /// empty.
    pub(crate) fn poll_flushed(&self, mark: &mut Option<u64>, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        let mark = *mark.get_or_insert(state.flushes);
        if state.flushes > mark {
            return Poll::Ready(());
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }

    fn flushed(&self) {
        let (waiting, close) = {
            let mut state = lock(&self.state);
            state.flushes += 1;
            (mem::take(&mut state.waiting), state.close_when_flushed)
        };
        waiting.into_iter().for_each(Waker::wake);
        if close {
            self.end(Ending::Close);
        }
    }

    fn end(&self, how: Ending) {
        let waker = {
            let mut state = lock(&self.state);
            state.ended.get_or_insert(how);
            state.end_waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn take_instead(&self) -> Option<Bytes> {
        lock(&self.state).instead.take()
    }

    fn one_byte(&self) -> Option<Duration> {
        lock(&self.state).one_byte
    }

    fn is_reset(&self) -> bool {
        lock(&self.state).ended == Some(Ending::Reset)
    }
}

// === impl TapIo ===

impl TapIo {
    pub(crate) fn new(socket: TcpStream, tap: Arc<Tap>) -> Self {
        Self {
            socket,
            tap,
            pending: Bytes::new(),
            breath: None,
        }
    }

    /// Writes what stands in place of the library's bytes.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.pending.has_remaining() {
            let bytes = self.pending.clone();
            let written = ready!(self.poll_socket(cx, &bytes))?;
            self.pending.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(wait) = self.tap.one_byte() else {
            return Pin::new(&mut self.socket).poll_write(cx, bytes);
        };
        if let Some(breath) = self.breath.as_mut() {
            ready!(breath.as_mut().poll(cx));
            self.breath = None;
        }
        let one = bytes.get(..1).unwrap_or_default();
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, one))?;
        self.breath = Some(if wait.is_zero() {
            Box::pin(tokio::task::yield_now())
        } else {
            Box::pin(tokio::time::sleep(wait))
        });
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for TapIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

/// Not vectored on purpose: the head of an answer then comes in one piece, which
/// [`Tap::write_instead`] relies on.
impl AsyncWrite for TapIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        if let Some(bytes) = self.tap.take_instead() {
            self.pending = bytes;
            return Poll::Ready(Ok(buf.len()));
        }
        self.poll_socket(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
        self.tap.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Drop for TapIo {
    fn drop(&mut self) {
        if self.tap.is_reset() {
            // Without linger the close becomes RST. If the socket refuses it is gone already.
            let _refused = self.socket.set_zero_linger();
        }
    }
}

impl fmt::Debug for TapIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapIo")
            .field("socket", &self.socket)
            .field("tap", &self.tap)
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}
