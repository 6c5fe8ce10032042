//! The clocks that end a call to a provider that has fallen silent.

use super::names::Names;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};
use towline_core::{Body, Error, ErrorKind, Event};

/// The limits of one call, counted from where it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    end: Option<(Instant, Limit)>,
    idle: Duration,
}

/// Whose limit it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Limit {
    /// The whole call.
    Request(Duration),
    /// The pause before the next event.
    Stream(Duration),
    /// The moment that the caller gave.
    Deadline,
}

pin_project! {
    /// The events of a body, with an error in place of too long a pause, and of what comes after the
    /// end.
    #[derive(Debug)]
    pub(crate) struct Clocked {
        body: Body,
        clock: Clock,
        names: Names,
        // When the provider was last heard of.
        heard: Instant,
        #[pin]
        sleep: Sleep,
    }
}

// === impl Clock ===

impl Clock {
    /// For a call without streaming: all of it within `limit`.
    pub(crate) fn whole(limit: Duration) -> Self {
        let start = Instant::now();
        Self {
            start,
            end: start
                .checked_add(limit)
                .map(|end| (end, Limit::Request(limit))),
            idle: limit,
        }
    }

    /// For a stream: no pause longer than `idle`, the one before the head included.
    pub(crate) fn streamed(idle: Duration) -> Self {
        Self {
            start: Instant::now(),
            end: None,
            idle,
        }
    }

    /// Brings the end forward to the caller's deadline. One that has passed is an error.
    pub(crate) fn with_deadline(mut self, deadline: Option<Instant>) -> Result<Self, Error> {
        if deadline.is_some_and(|deadline| deadline <= self.start) {
            return Err(Error::new(ErrorKind::Timeout)
                .with_message("the caller's deadline had passed: nothing was sent"));
        }
        let deadline = deadline.map(|deadline| (deadline, Limit::Deadline));
        self.end = match (self.end, deadline) {
            (Some(end), Some(deadline)) if end.0 < deadline.0 => Some(end),
            (end, None) => end,
            (_, deadline) => deadline,
        };
        Ok(self)
    }

    /// Waits for the head. When answer and timer are there together, the answer wins.
    pub(crate) async fn head<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let (due, limit) = self.due(self.start);
        match tokio::time::timeout_at(due, call).await {
            Ok(result) => result,
            Err(_elapsed) => Err(limit.error()),
        }
    }

    /// Keeps the clock running over the rest of an answer.
    pub(crate) fn body(self, body: Body, names: Names) -> Clocked {
        let heard = Instant::now();
        Clocked {
            body,
            clock: self,
            names,
            heard,
            sleep: sleep_until(self.due(heard).0),
        }
    }

    /// The limit of the whole call, once it is over.
    fn passed(&self, now: Instant) -> Option<Limit> {
        self.end
            .and_then(|(end, limit)| (now >= end).then_some(limit))
    }

    /// When the next event has to be there, if the last was heard at `heard`.
    fn due(&self, heard: Instant) -> (Instant, Limit) {
        // A limit beyond what the clock can say is none: a century stands for it.
        let far = || heard + Duration::from_secs(100 * 365 * 24 * 3600);
        let silent = heard.checked_add(self.idle).unwrap_or_else(far);
        match self.end {
            Some((end, limit)) if end <= silent => (end, limit),
            _ => (silent, Limit::Stream(self.idle)),
        }
    }
}

// === impl Limit ===

impl Limit {
    pub(crate) fn error(self) -> Error {
        Error::new(ErrorKind::Timeout).with_message(match self {
            Self::Request(limit) => {
                format!("no answer within {limit:?}; raise `timeouts.request` to wait longer")
            }
            Self::Stream(limit) => format!(
                "nothing was heard of the stream for {limit:?}; raise `timeouts.stream` to wait \
                 longer"
            ),
            Self::Deadline => "the caller's deadline passed before the answer was whole".to_owned(),
        })
    }
}

// === impl Clocked ===

impl Stream for Clocked {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        // The answer is polled first: one that is whole by now wins over the timer.
        if let Poll::Ready(item) = Pin::new(&mut *this.body).poll_next(cx) {
            // The timer is left as it is: moving it for each event costs more than one late look.
            *this.heard = Instant::now();
            // A server that is never silent would else go on for ever.
            return Poll::Ready(match (item, this.clock.passed(*this.heard)) {
                (Some(Ok(event)), Some(limit)) if !matches!(event, Event::Finish(_)) => {
                    Some(Err(this.names.sign(limit.error())))
                }
                (item, _) => item.map(|event| event.map_err(|error| this.names.sign(error))),
            });
        }
        loop {
            ready!(this.sleep.as_mut().poll(cx));
            let (due, limit) = this.clock.due(*this.heard);
            if Instant::now() >= due {
                return Poll::Ready(Some(Err(this.names.sign(limit.error()))));
            }
            this.sleep.as_mut().reset(due);
        }
    }
}
