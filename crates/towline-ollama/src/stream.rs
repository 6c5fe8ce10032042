//! A streamed answer as events.

mod decoder;

pub(crate) use self::decoder::Decoder;

use crate::line::Lines;
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
use towline_core::{Error, Event, Text};

/// The events of one answer. It ends after [`Event::Finish`] or an error.
pub(crate) struct ChatStream<B> {
    lines: Lines<B>,
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
    /// The terminal line was seen. The end of the HTTP body mostly comes with it, and lets the
    /// connection be used again; it is worth a moment, not more.
    Closing(Pin<Box<Sleep>>),
    Ended,
}

const CLOSING: Duration = Duration::from_millis(50);

// === impl ChatStream ===

impl<B> ChatStream<B> {
    pub(crate) const fn new(lines: Lines<B>, decoder: Decoder, origin: Origin) -> Self {
        Self {
            lines,
            decoder,
            phase: Phase::Reading,
            origin,
        }
    }
}

impl<B> ChatStream<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    /// Reads a line. What it says comes from the decoder.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let line = ready!(self.lines.poll_next(cx));
        let read = line.and_then(|line| line.read(|line| self.decoder.push(line)));
        if self.decoder.is_done() {
            // Reading => Closing
            self.phase = Phase::Closing(Box::pin(sleep(CLOSING)));
        }
        Poll::Ready(read)
    }

    /// Waits for the end of the body, but not long.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.lines.poll_end(cx).is_ready() {
            return Poll::Ready(());
        }
        match &mut self.phase {
            Phase::Closing(timer) => timer.as_mut().poll(cx),
            Phase::Reading | Phase::Ended => Poll::Ready(()),
        }
    }
}

impl<B> Stream for ChatStream<B>
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
                Phase::Reading => {
                    if let Err(error) = ready!(this.poll_read(cx)) {
                        // Reading => Ended
                        this.phase = Phase::Ended;
                        return Poll::Ready(Some(Err(this.origin.sign(error))));
                    }
                }
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
