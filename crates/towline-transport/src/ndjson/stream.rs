//! The decoder on top of a body.

use super::Decoder;
use bytes::Bytes;
use futures_core::{Stream, stream::FusedStream};
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use towline_core::Error;

pin_project! {
    /// The lines of a body, as a stream. It ends after the body's end or after the first error.
    ///
    /// Dropping it drops the body, which closes the exchange.
    ///
    /// # Cancel safety
    ///
    /// Giving up a wait for the next item loses nothing: what had arrived is kept.
    #[derive(Debug)]
    pub struct NdjsonStream<B> {
        #[pin]
        body: B,
        decoder: Decoder,
        // The decoder has said that it needs more.
        starved: bool,
        // Bytes came since somebody asked.
        heard: bool,
        ended: bool,
    }
}

// === impl NdjsonStream ===

impl<B> NdjsonStream<B> {
    /// The lines of `body`, each at most 4 MiB.
    pub fn new(body: B) -> Self {
        Self::with_decoder(body, Decoder::new())
    }

    /// The lines of `body` by a decoder that has its own bound, or has read the beginning already.
    pub const fn with_decoder(body: B, decoder: Decoder) -> Self {
        Self {
            body,
            decoder,
            starved: false,
            heard: false,
            ended: false,
        }
    }

    /// Whether bytes came since this was asked before, whatever became of them: a sign of life.
    pub const fn take_heard(&mut self) -> bool {
        std::mem::replace(&mut self.heard, false)
    }

    /// The body, for [`ResponseBody::release`](crate::ResponseBody::release). Lines that were read
    /// and not taken are dropped.
    pub fn into_body(self) -> B {
        self.body
    }
}

impl<B> Stream for NdjsonStream<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Error>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        while !*this.ended {
            if !*this.starved {
                if let Some(line) = this.decoder.next() {
                    *this.ended = line.is_err();
                    return Poll::Ready(Some(line));
                }
                *this.starved = true;
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        *this.heard |= !data.is_empty();
                        this.decoder.push(data);
                        *this.starved = false;
                    }
                }
                Some(Err(error)) => {
                    *this.ended = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    *this.ended = true;
                    return Poll::Ready(this.decoder.finish());
                }
            }
        }
        Poll::Ready(None)
    }
}

impl<B> FusedStream for NdjsonStream<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Error>,
{
    fn is_terminated(&self) -> bool {
        self.ended
    }
}
