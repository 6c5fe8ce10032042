//! A streamed answer as events.

mod blocks;
mod decoder;

pub(crate) use self::decoder::Decoder;

use bytes::Bytes;
use futures_core::Stream;
use http_body::Body;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
use towline_core::{Error, ErrorKind, Event, Text};
use towline_transport::sse::{Frame, SseStream};

/// The events of one answer. It ends after [`Event::Finish`] or an error.
pub(crate) struct MessageStream<B> {
    frames: SseStream<B>,
    decoder: Decoder,
    phase: Phase,
    origin: Origin,
}

/// Whose answer it is, for its errors.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) provider: Text,
    pub(crate) model: Text,
    pub(crate) request_id: Option<Text>,
}

enum Phase {
    Reading,
    /// `message_stop` was seen. The end of the HTTP body mostly comes with it, and lets the
    /// connection be used again; it is worth a moment, not more.
    Closing(Pin<Box<Sleep>>),
    Ended,
}

const CLOSING: Duration = Duration::from_millis(50);

// === impl MessageStream ===

impl<B> MessageStream<B> {
    pub(crate) const fn new(frames: SseStream<B>, decoder: Decoder, origin: Origin) -> Self {
        Self {
            frames,
            decoder,
            phase: Phase::Reading,
            origin,
        }
    }
}

impl<B> MessageStream<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    /// The next thing that the provider says; nothing where it is not for the caller.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, Error>> {
        let frame = match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(cause)) => return Poll::Ready(Err(broken(cause))),
            None => return Poll::Ready(Err(cut())),
        };
        let event = match frame {
            Frame::Comment => Some(Event::Ping),
            Frame::Event(event) => self.decoder.push(event.name.as_deref(), event.data)?,
            _ => None,
        };
        if self.decoder.is_done() {
            // Reading => Closing
            self.phase = Phase::Closing(Box::pin(sleep(CLOSING)));
        }
        Poll::Ready(Ok(event))
    }

    /// Waits for the end of the body, but not long.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(frame) = Pin::new(&mut self.frames).poll_next(cx) {
            if !matches!(frame, Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        match &mut self.phase {
            Phase::Closing(timer) => timer.as_mut().poll(cx),
            Phase::Reading | Phase::Ended => Poll::Ready(()),
        }
    }
}

impl<B> Stream for MessageStream<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.decoder.pop() {
                return Poll::Ready(Some(Ok(event)));
            }
            match this.phase {
                Phase::Reading => match ready!(this.poll_read(cx)) {
                    Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                    Ok(None) => {}
                    Err(error) => {
                        // Reading => Ended
                        this.phase = Phase::Ended;
                        return Poll::Ready(Some(Err(this.origin.sign(error))));
                    }
                },
                Phase::Closing(_) => {
                    ready!(this.poll_close(cx));
                    // Closing => Ended
                    this.phase = Phase::Ended;
                    this.decoder.finish();
                }
                Phase::Ended => return Poll::Ready(None),
            }
        }
    }
}

// === impl Origin ===

impl Origin {
    /// Adds whose answer it was.
    pub(crate) fn sign(&self, error: Error) -> Error {
        let error = error
            .with_provider(self.provider.to_string())
            .with_model(self.model.to_string());
        match (&self.request_id, error.request_id()) {
            (Some(id), None) => error.with_request_id(id.to_string()),
            _ => error,
        }
    }
}

/// The stream ended before its terminal marker.
fn cut() -> Error {
    Error::new(ErrorKind::Truncated)
        .with_message("the stream ended before its terminal event; what arrived is not whole")
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
