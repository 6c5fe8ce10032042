//! The response body that performs its steps.

use super::tap::Tap;
use crate::{
    fault::Step,
    journal::{Outcome, Ticket},
};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{
    collections::VecDeque,
    error::Error as StdError,
    fmt, future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Performs the steps of an answer. Its end or drop is the end of the exchange.
pub(crate) struct ReplyBody {
    steps: VecDeque<Step>,
    /// A body of known length is dropped after its last byte, without being asked for the end.
    sized: bool,
    close_after: bool,
    tap: Arc<Tap>,
    ticket: Ticket,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    flush_mark: Option<u64>,
}

/// Makes the HTTP library break the transfer off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutOff;

// === impl ReplyBody ===

impl ReplyBody {
    pub(crate) const fn new(
        steps: VecDeque<Step>,
        sized: bool,
        tap: Arc<Tap>,
        ticket: Ticket,
    ) -> Self {
        Self {
            steps,
            sized,
            close_after: false,
            tap,
            ticket,
            pause: None,
            flush_mark: None,
        }
    }

    /// Closes the connection once the answer is out.
    pub(crate) const fn close_after(mut self, close: bool) -> Self {
        self.close_after = close;
        self
    }

    fn is_complete(&self) -> bool {
        let more = self.steps.iter().any(|s| matches!(s, Step::Data { .. }));
        (self.steps.is_empty() && self.pause.is_none()) || (self.sized && !more)
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = self.pause.as_mut() {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = &mut *self;
        loop {
            ready!(this.poll_pause(cx));
            if let Some(Step::Flush) = this.steps.front() {
                ready!(this.tap.poll_flushed(&mut this.flush_mark, cx));
                this.flush_mark = None;
            }
            match this.steps.pop_front() {
                None => {
                    this.ticket.end(Outcome::Complete);
                    return Poll::Ready(None);
                }
                Some(Step::Data { bytes, ends_event }) => {
                    this.ticket.sent(bytes.len(), ends_event);
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Pause(stall)) => this.pause = Some(Box::pin(stall.wait())),
                Some(Step::Flush) => {}
                Some(Step::Cut) => {
                    this.ticket.end(Outcome::Broken);
                    return Poll::Ready(Some(Err(CutOff)));
                }
                Some(Step::Reset) => {
                    this.ticket.end(Outcome::Broken);
                    this.tap.reset();
                    this.pause = Some(Box::pin(future::pending()));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pause.is_none()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        if self.is_complete() {
            self.ticket.end(Outcome::Complete);
            // The library has the end of the answer in its buffer by now, and flushes it next.
            if self.close_after {
                self.tap.close_when_flushed();
            }
        }
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBody")
            .field("steps_left", &self.steps.len())
            .field("sized", &self.sized)
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

// === impl CutOff ===

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut off by a scripted fault")
    }
}

impl StdError for CutOff {}
