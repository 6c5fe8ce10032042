//! From the frames of a stream to the events of an answer.
//!
//! What every dialect has to hold is held here once: a stream ends with its terminal marker or in an
//! error, a broken connection is a truncated answer, each error says whose answer it was, bytes that are
//! no event yet are a sign of life ([`Event::Ping`]), and a connection whose stream is over goes back to
//! the pool.

use crate::{ResponseBody, ndjson::NdjsonStream, sse::SseStream};
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as HttpBody;
use std::{
    any::Any,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use towline_core::{Body, Completion, Error, ErrorKind, Event, Text};

/// Makes events of what a dialect's stream says, without I/O.
pub trait Decode {
    /// What the stream consists of: [`sse::Frame`](crate::sse::Frame), or a line.
    type Frame;

    /// Reads one frame. What it means comes from here or, if it is more than one thing, from
    /// [`pop`](Self::pop).
    ///
    /// # Errors
    ///
    /// An error that the provider reports inside the stream, or a frame that cannot be read.
    fn push(&mut self, frame: Self::Frame) -> Result<Option<Event>, Error>;

    /// The next event that is ready.
    fn pop(&mut self) -> Option<Event>;

    /// Whether the terminal marker was seen.
    fn is_done(&self) -> bool;

    /// Says the last things. Called once, after the terminal marker.
    fn finish(&mut self);

    /// Reads a body that was no stream at all: a whole answer, or an error in its place.
    ///
    /// # Errors
    ///
    /// As those of a whole answer.
    fn whole(&mut self, body: Bytes) -> Result<Completion, Error>;
}

/// A body that is cut into frames.
pub trait Frames: Stream<Item = Result<Self::Frame, Error>> + Unpin {
    /// What it consists of.
    type Frame;

    /// Whether bytes came since this was asked before, whatever became of them.
    fn take_heard(&mut self) -> bool;

    /// The body itself, where it turned out to be no stream. To be asked at the end.
    fn take_whole(&mut self) -> Option<Bytes>;

    /// Gives the rest up, and keeps the connection if the end of the body is there or about to come.
    fn release(self, cx: &mut Context<'_>);
}

/// The events of one answer. It ends after [`Event::Finish`] or an error.
///
/// Dropping it before its end closes the exchange.
pub struct AnswerStream<S, D> {
    frames: Option<S>,
    decoder: D,
    origin: AnswerOrigin,
    /// An answer that came whole where a stream was expected.
    replay: Option<Body>,
}

/// Whose answer it is, for its errors.
#[derive(Clone, Debug)]
pub struct AnswerOrigin {
    provider: Text,
    model: Text,
    request_id: Option<Text>,
}

// === impl AnswerStream ===

impl<S, D> AnswerStream<S, D> {
    /// The events that `decoder` makes of `frames`.
    pub const fn new(frames: S, decoder: D, origin: AnswerOrigin) -> Self {
        Self {
            frames: Some(frames),
            decoder,
            origin,
            replay: None,
        }
    }
}

impl<S, D> AnswerStream<S, D>
where
    S: Frames,
    D: Decode<Frame = S::Frame>,
{
    /// Reads one frame. Gives the event that it stands for, where it stands for one.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, Error>> {
        let Some(frames) = &mut self.frames else {
            return Poll::Ready(Ok(None));
        };
        match ready!(Pin::new(&mut *frames).poll_next(cx)) {
            Some(Ok(frame)) => Poll::Ready(self.decoder.push(frame)),
            Some(Err(cause)) => Poll::Ready(Err(broken(cause))),
            None => {
                let whole = frames.take_whole().ok_or_else(cut)?;
                self.replay = Some(Body::complete(self.decoder.whole(whole)?));
                self.frames = None;
                Poll::Ready(Ok(None))
            }
        }
    }

    /// Gives `event`, which is a sign of life as well.
    fn tell(&mut self, event: Event) -> Poll<Option<Result<Event, Error>>> {
        if let Some(frames) = &mut self.frames {
            frames.take_heard();
        }
        Poll::Ready(Some(Ok(event)))
    }

    /// There is no event yet. What came of it, if anything did, is a sign of life.
    fn wait(&mut self) -> Poll<Option<Result<Event, Error>>> {
        match self.frames.as_mut().is_some_and(Frames::take_heard) {
            true => Poll::Ready(Some(Ok(Event::Ping))),
            false => Poll::Pending,
        }
    }

    /// The stream is over: its connection is free as soon as the body ends.
    fn end(&mut self, cx: &mut Context<'_>) {
        if let Some(frames) = self.frames.take() {
            frames.release(cx);
        }
        self.decoder.finish();
    }
}

impl<S, D> Stream for AnswerStream<S, D>
where
    S: Frames,
    D: Decode<Frame = S::Frame> + Unpin,
{
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.decoder.pop() {
                return this.tell(event);
            }
            if let Some(replay) = &mut this.replay {
                return Pin::new(replay).poll_next(cx);
            }
            if this.frames.is_none() {
                return Poll::Ready(None);
            }
            let Poll::Ready(read) = this.poll_frame(cx) else {
                return this.wait();
            };
            match read {
                Ok(event) => {
                    if this.decoder.is_done() {
                        this.end(cx);
                    }
                    if let Some(event) = event {
                        return this.tell(event);
                    }
                }
                Err(error) => {
                    this.frames = None;
                    return Poll::Ready(Some(Err(this.origin.sign(error))));
                }
            }
        }
    }
}

/// Shows whose answer it is, and none of it.
impl<S, D> fmt::Debug for AnswerStream<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerStream")
            .field("origin", &self.origin)
            .field("ended", &self.frames.is_none())
            .finish_non_exhaustive()
    }
}

// === impl AnswerOrigin ===

impl AnswerOrigin {
    /// The answer of `provider`, which was asked for `model`, under the id of the call.
    #[must_use]
    pub const fn new(provider: Text, model: Text, request_id: Option<Text>) -> Self {
        Self {
            provider,
            model,
            request_id,
        }
    }

    /// Adds whose answer it was.
    #[must_use]
    pub fn sign(&self, error: Error) -> Error {
        let error = error
            .with_provider(self.provider.to_string())
            .with_model(self.model.to_string());
        match (&self.request_id, error.request_id()) {
            (Some(id), None) => error.with_request_id(id.to_string()),
            _ => error,
        }
    }
}

// === impl Frames ===

impl<B> Frames for SseStream<B>
where
    B: HttpBody<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Error>,
{
    type Frame = crate::sse::Frame;

    fn take_heard(&mut self) -> bool {
        Self::take_heard(self)
    }

    fn take_whole(&mut self) -> Option<Bytes> {
        self.take_json()
    }

    fn release(self, cx: &mut Context<'_>) {
        release(self.into_body(), cx);
    }
}

impl<B> Frames for NdjsonStream<B>
where
    B: HttpBody<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Error>,
{
    type Frame = Bytes;

    fn take_heard(&mut self) -> bool {
        Self::take_heard(self)
    }

    /// A line is JSON anyhow.
    fn take_whole(&mut self) -> Option<Bytes> {
        None
    }

    fn release(self, cx: &mut Context<'_>) {
        release(self.into_body(), cx);
    }
}

/// Gives a body up. One of ours gets the moment that its connection may need to be kept; another
/// kind is dropped.
fn release<B: 'static>(body: B, cx: &mut Context<'_>) {
    let mut body = Some(body);
    if let Some(ours) = (&mut body as &mut dyn Any).downcast_mut::<Option<ResponseBody>>()
        && let Some(ours) = ours.take()
    {
        ours.finish(cx);
    }
}

/// The stream ended before its terminal marker.
fn cut() -> Error {
    Error::new(ErrorKind::Truncated)
        .with_message("the stream ended before its terminal marker; what arrived is not whole")
}

/// The connection broke in the middle. A frame that cannot be read is another matter.
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
