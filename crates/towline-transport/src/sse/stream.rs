//! The decoder on top of a body.

use super::{DEFAULT_MAX_BYTES, Decoder, Ending, Frame};
use bytes::{Bytes, BytesMut};
use futures_core::{Stream, stream::FusedStream};
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use towline_core::Error;

pin_project! {
    /// The events of a body, as a stream. It ends after the body's end or after the first error.
    ///
    /// Dropping it drops the body, which closes the exchange.
    ///
    /// # Cancel safety
    ///
    /// Giving up a wait for the next item loses nothing: what had arrived is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use std::{future::poll_fn, pin::pin};
    /// use futures_core::Stream;
    /// use towline_transport::{ResponseBody, sse::{Frame, SseStream}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), towline_core::Error> {
    /// let body = ResponseBody::from(Bytes::from_static(b"data: [DONE]\n\n"));
    /// let mut events = pin!(SseStream::new(body));
    /// let Some(Frame::Event(event)) = poll_fn(|cx| events.as_mut().poll_next(cx)).await.transpose()?
    /// else {
    ///     panic!("there is one event");
    /// };
    /// assert_eq!(event.data, "[DONE]");
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct SseStream<B> {
        #[pin]
        body: B,
        decoder: Decoder,
        opening: Opening,
        // The decoder has said that it needs more.
        starved: bool,
        // Bytes came since somebody asked.
        heard: bool,
        ended: bool,
    }
}

/// What the beginning of the body says it is.
#[derive(Debug)]
enum Opening {
    /// Nothing but blanks so far.
    Unknown,
    Stream,
    /// A stream has no line that begins with a brace: this is JSON, kept as it comes.
    Json(BytesMut),
}

// === impl Opening ===

impl Opening {
    /// Looks at more of the body. Gives back what is for the decoder.
    fn take(&mut self, data: Bytes) -> Option<Bytes> {
        if matches!(self, Self::Unknown) {
            match data.trim_ascii_start().first() {
                None => {}
                Some(b'{') => *self = Self::Json(BytesMut::new()),
                Some(_) => *self = Self::Stream,
            }
        }
        let Self::Json(json) = self else {
            return Some(data);
        };
        let room = DEFAULT_MAX_BYTES.saturating_sub(json.len());
        if data.len() > room {
            // Too long to be kept: it is a stream without events, then.
            *self = Self::Stream;
            return Some(data);
        }
        json.extend_from_slice(&data);
        None
    }
}

// === impl SseStream ===

impl<B> SseStream<B> {
    /// The events of `body`, each at most 4 MiB.
    pub fn new(body: B) -> Self {
        Self::with_decoder(body, Decoder::new())
    }

    /// The events of `body` by a decoder that has its own bound, or has read the beginning already.
    pub const fn with_decoder(body: B, decoder: Decoder) -> Self {
        Self {
            body,
            decoder,
            opening: Opening::Unknown,
            starved: false,
            heard: false,
            ended: false,
        }
    }

    /// How the stream ended, or what it would mean if it ended here.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.decoder.ending()
    }

    /// The body itself, where it begins with a brace: it is JSON and no event stream, whatever its
    /// content type says, and no event came of it. `None` for a stream, before the end, and for more
    /// than the bound of a decoder.
    pub fn take_json(&mut self) -> Option<Bytes> {
        match &mut self.opening {
            Opening::Json(json) if self.ended => Some(std::mem::take(json).freeze()),
            _ => None,
        }
    }

    /// Whether bytes came since this was asked before, whatever became of them: a sign of life.
    pub const fn take_heard(&mut self) -> bool {
        std::mem::replace(&mut self.heard, false)
    }

    /// The body, for [`ResponseBody::release`](crate::ResponseBody::release). Events that were read
    /// and not taken are dropped.
    pub fn into_body(self) -> B {
        self.body
    }
}

impl<B> Stream for SseStream<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Error>,
{
    type Item = Result<Frame, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        while !*this.ended {
            if !*this.starved {
                if let Some(frame) = this.decoder.next() {
                    *this.ended = frame.is_err();
                    return Poll::Ready(Some(frame));
                }
                *this.starved = true;
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        *this.heard |= !data.is_empty();
                        if let Some(data) = this.opening.take(data) {
                            this.decoder.push(data);
                            *this.starved = false;
                        }
                    }
                }
                Some(Err(error)) => {
                    *this.ended = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => *this.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

impl<B> FusedStream for SseStream<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Error>,
{
    fn is_terminated(&self) -> bool {
        self.ended
    }
}
