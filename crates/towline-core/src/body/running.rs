//! An answer that arrives.

use super::Watch;
use crate::{Error, ErrorKind, Event, FinishReason, Moment, Usage, completion::Draft};
use futures_core::Stream;
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A stream of events that a provider makes.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<Event, Error>> + Send>>;

/// The stream, what was read ahead of the reader, and what the reader was given.
pub(super) struct Running {
    events: EventStream,
    /// Read while waiting for the beginning, and not yet given to the reader.
    ahead: VecDeque<Event>,
    /// What arrived so far has content in it, or is all there is.
    begun: bool,
    /// What the reader was given.
    draft: Draft,
    /// An outer body writes down what arrives from here on.
    muted: bool,
    /// The last that was said of it.
    usage: Option<Usage>,
}

// === impl Running ===

impl Running {
    pub(super) fn new(events: EventStream) -> Self {
        Self {
            events,
            ahead: VecDeque::new(),
            begun: false,
            draft: Draft::default(),
            muted: false,
            usage: None,
        }
    }

    /// The reader was given this before.
    pub(super) fn with_draft(mut self, draft: Draft) -> Self {
        self.draft = draft;
        self
    }

    /// Leaves the writing down to somebody else, who gets what is there.
    pub(super) fn mute(&mut self) -> Draft {
        self.muted = true;
        self.draft.clone()
    }

    /// Who collects wants it all, whatever is outside.
    pub(super) const fn unmute(&mut self) {
        self.muted = false;
    }

    pub(super) fn into_draft(self) -> (Draft, Option<Usage>) {
        (self.draft, self.usage)
    }

    /// Shows a newcomer what the reader has still before him.
    pub(super) fn show(&self, watch: &mut impl Watch) {
        let moment = Moment::new();
        for event in &self.ahead {
            if !matches!(event, Event::Finish(_)) && watch.on_event(event, &moment).is_err() {
                // It says so again when it is asked to stop.
                return;
            }
        }
    }

    /// Reads on until the first content or the end.
    pub(super) fn poll_begin(
        &mut self,
        cx: &mut Context<'_>,
        watches: &mut [Box<dyn Watch>],
    ) -> Poll<Result<(), Error>> {
        while !self.begun {
            let event = ready!(self.poll_arrival(cx, watches))?;
            // A long silence has many signs of life, which are worth one.
            let again = matches!(event, Event::Ping) && self.ahead.back() == Some(&Event::Ping);
            if !again {
                self.ahead.push_back(event);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next event for the reader. The end of the stream without a terminal event is an error.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        watches: &mut [Box<dyn Watch>],
    ) -> Poll<Result<Event, Error>> {
        let event = match self.ahead.pop_front() {
            Some(event) => event,
            None => ready!(self.poll_arrival(cx, watches))?,
        };
        if !self.muted {
            self.draft.push(&event);
        }
        Poll::Ready(Ok(event))
    }

    /// The next event of the stream. One that is there wins over a clock that ran out meanwhile.
    fn poll_arrival(
        &mut self,
        cx: &mut Context<'_>,
        watches: &mut [Box<dyn Watch>],
    ) -> Poll<Result<Event, Error>> {
        match self.events.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(event))) => Poll::Ready(self.arrived(event, watches)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(self.add_partial(error))),
            Poll::Ready(None) => Poll::Ready(Err(self.add_partial(truncated()))),
            Poll::Pending => {
                for watch in watches {
                    if let Poll::Ready(error) = watch.poll_stop(cx) {
                        return Poll::Ready(Err(self.add_partial(error)));
                    }
                }
                Poll::Pending
            }
        }
    }

    fn arrived(&mut self, event: Event, watches: &mut [Box<dyn Watch>]) -> Result<Event, Error> {
        match &event {
            Event::Finish(_) => {
                self.begun = true;
                return Ok(event);
            }
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            _ => self.begun = self.begun || event.is_content(),
        }
        let moment = Moment::new();
        for watch in watches {
            if let Err(error) = watch.on_event(&event, &moment) {
                return Err(self.add_partial(error));
            }
        }
        Ok(event)
    }

    fn add_partial(&mut self, error: Error) -> Error {
        if self.muted || error.partial().is_some() {
            return error;
        }
        let draft = std::mem::take(&mut self.draft);
        error.with_partial(draft.finish(FinishReason::Other("unknown".into())))
    }
}

fn truncated() -> Error {
    Error::new(ErrorKind::Truncated)
        .with_message("the stream ended without its terminal event; what arrived is not whole")
}
