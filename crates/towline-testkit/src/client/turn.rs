//! One answer of a script.

use futures_core::Stream;
use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
use towline_core::{
    Body, Completion, Error, Event, FinishReason, Head, Part, Request, Response, Text,
};

/// One answer of a [`ScriptedClient`](super::ScriptedClient).
///
/// A [`completion`](Self::completion) comes whole, or as events where the request asks for a
/// stream. [`steps`](Self::steps) come one by one in either case.
pub struct Turn {
    delay: Duration,
    request_id: Option<Text>,
    answer: Answer,
}

/// What happens next in a scripted stream.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// An event arrives.
    Event(Event),
    /// The stream breaks off with this error.
    Error(Error),
    /// Nothing happens for so long, on tokio's clock.
    Pause(Duration),
    /// Nothing happens any more. Only a deadline or a drop ends it.
    Stall,
}

enum Answer {
    Completion(Box<Completion>),
    Steps(VecDeque<Step>),
    Error(Error),
    Stall,
}

/// The steps as a stream of events.
struct Steps {
    left: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
}

// === impl Turn ===

impl Turn {
    /// The model says `text`.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        let parts = vec![Part::Text(text.into())];
        Self::completion(Completion::new(parts, FinishReason::Stop))
    }

    /// The model gives this answer.
    #[must_use]
    pub fn completion(completion: Completion) -> Self {
        Self::new(Answer::Completion(Box::new(completion)))
    }

    /// These events arrive. Without a final [`Event::Finish`] the answer is truncated.
    #[must_use]
    pub fn events(events: impl IntoIterator<Item = Event>) -> Self {
        Self::steps(events.into_iter().map(Step::Event))
    }

    /// These things happen, one after the other.
    #[must_use]
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::new(Answer::Steps(steps.into_iter().collect()))
    }

    /// The call fails before its head.
    #[must_use]
    pub fn error(error: impl Into<Error>) -> Self {
        Self::new(Answer::Error(error.into()))
    }

    /// No head ever comes.
    #[must_use]
    pub const fn stall() -> Self {
        Self::new(Answer::Stall)
    }

    /// Lets `delay` pass, on tokio's clock, before the head or the error. Default: none.
    #[must_use]
    pub const fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the request id in the head. Of no effect on an error, which carries its own.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Text>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    const fn new(answer: Answer) -> Self {
        Self {
            delay: Duration::ZERO,
            request_id: None,
            answer,
        }
    }

    pub(super) async fn perform(self, request: &Request) -> Result<Response, Error> {
        if self.delay > Duration::ZERO {
            sleep(self.delay).await;
        }
        let body = match self.answer {
            Answer::Completion(completion) => {
                let body = Body::complete(*completion);
                if request.stream() {
                    body.map_stream(|whole| whole)
                } else {
                    body
                }
            }
            Answer::Steps(left) => Body::stream(Steps { left, pause: None }),
            Answer::Error(error) => return Err(error),
            Answer::Stall => std::future::pending().await,
        };
        let head = Head::new("scripted", request.model_text().clone());
        Ok(Response::new(head.with_request_id(self.request_id), body))
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match self.answer {
            Answer::Completion(_) => "completion",
            Answer::Steps(_) => "steps",
            Answer::Error(_) => "error",
            Answer::Stall => "stall",
        };
        f.debug_struct("Turn")
            .field("answer", &answer)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}

// === impl Steps ===

impl Stream for Steps {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.left.pop_front() {
                Some(Step::Event(event)) => return Poll::Ready(Some(Ok(event))),
                Some(Step::Error(error)) => return Poll::Ready(Some(Err(error))),
                Some(Step::Pause(time)) => self.pause = Some(Box::pin(sleep(time))),
                Some(Step::Stall) => {
                    self.left.push_front(Step::Stall);
                    return Poll::Pending;
                }
                None => return Poll::Ready(None),
            }
        }
    }
}
