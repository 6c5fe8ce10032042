//! The lines of a streamed answer, of which the last may be cut.

use bytes::Bytes;
use futures_core::{FusedStream as _, Stream};
use http_body::Body;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use towline_core::{Error, ErrorKind, Text};
use towline_transport::{Frames, lax::Template, ndjson::NdjsonStream};

/// The lines of a body.
pub(crate) struct Lines<B> {
    inner: NdjsonStream<B>,
}

/// One line.
pub(crate) struct Line {
    bytes: Bytes,
    /// Whether the body ended in it, without a line feed: it may be cut.
    last: bool,
}

// === impl Lines ===

impl<B> Lines<B> {
    pub(crate) fn new(body: B) -> Self {
        Self {
            inner: NdjsonStream::new(body),
        }
    }
}

impl<B> Lines<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    /// The next line, which has to come.
    pub(crate) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Line, Error>> {
        let line = ready!(Pin::new(self).poll_next(cx));
        Poll::Ready(match line {
            Some(line) => line.map_err(broken),
            None => Err(cut()),
        })
    }
}

impl<B> Stream for Lines<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Item = Result<Line, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let line = ready!(Pin::new(&mut self.inner).poll_next(cx));
        let last = self.inner.is_terminated();
        Poll::Ready(line.map(|line| line.map(|bytes| Line { bytes, last })))
    }
}

impl<B> Frames for Lines<B>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Error>,
{
    type Frame = Line;

    fn take_heard(&mut self) -> bool {
        self.inner.take_heard()
    }

    fn take_whole(&mut self) -> Option<Bytes> {
        self.inner.take_whole()
    }

    fn release(self, cx: &mut Context<'_>) {
        self.inner.release(cx);
    }
}

// === impl Line ===

impl Line {
    /// The text of the line, where it has the form of `template`: then it is whole.
    pub(crate) fn text(&self, template: &Template) -> Option<Text> {
        template.text(&self.bytes)
    }

    /// Reads the line. One that cannot be read because it is cut is no fault of the protocol.
    pub(crate) fn read<T>(self, read: impl FnOnce(Bytes) -> Result<T, Error>) -> Result<T, Error> {
        read(self.bytes).map_err(|error| {
            if self.last && error.kind() == ErrorKind::Protocol {
                cut().with_source(error)
            } else {
                error
            }
        })
    }
}

/// The stream ended before its terminal line.
fn cut() -> Error {
    Error::new(ErrorKind::Truncated)
        .with_message("the stream ended before its terminal line; what arrived is not whole")
}

/// The connection broke in the middle. A line that is too long is another matter.
fn broken(cause: Error) -> Error {
    if cause.kind() != ErrorKind::Transport {
        return cause;
    }
    Error::new(ErrorKind::Truncated)
        .with_message(
            "the connection broke before the end of the stream; what arrived is not whole",
        )
        .with_source(cause)
}

#[cfg(test)]
impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            last: false,
        }
    }
}
