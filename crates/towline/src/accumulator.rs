//! The whole answer, from the events that were read one by one.

use futures_core::Stream;
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    vec,
};
use towline_core::{Body, Completion, Error, ErrorKind, Event, Head, Text};

/// Makes the whole answer of the events that a program read one by one, so that it can be shown
/// while it arrives and still be kept.
///
/// # Examples
///
/// ```
/// use towline::Accumulator;
/// use towline_core::Message;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), towline_core::Error> {
/// # use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
/// # let client = towline::Client::from_service(tower::service_fn(|request: Request| async move {
/// #     let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
/// #     Ok::<_, Error>(Response::new(Head::new("any", request.model()), body))
/// # }));
/// let mut answer = client.stream("Say hello.").await?;
/// let mut whole = Accumulator::new(answer.head());
/// while let Some(event) = answer.body_mut().next().await {
///     let event = event?;
///     print!("{}", event.as_text().unwrap_or_default());
///     whole.push(event);
/// }
/// let completion = whole.finish()?;
/// assert_eq!(completion.text(), "Hi.");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Accumulator {
    provider: Text,
    model: Text,
    request_id: Option<Text>,
    events: Vec<Event>,
}

/// Events that are all there.
struct Replay {
    events: vec::IntoIter<Event>,
}

// === impl Accumulator ===

impl Accumulator {
    /// For the answer with this head.
    #[must_use]
    pub fn new(head: &Head) -> Self {
        Self {
            provider: head.provider().into(),
            model: head.model().into(),
            request_id: head.request_id().map(Text::from),
            events: Vec::new(),
        }
    }

    /// Adds the next event.
    pub fn push(&mut self, event: Event) {
        if event != Event::Ping {
            self.events.push(event);
        }
    }

    /// The whole answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] when [`Event::Finish`] was not among the events.
    pub fn finish(self) -> Result<Completion, Error> {
        let body = Body::stream(Replay {
            events: self.events.into_iter(),
        });
        let collected = pin!(body.collect()).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(completion) = collected else {
            return Err(Error::new(ErrorKind::Protocol).with_message("the events are not whole"));
        };
        let completion = completion?;
        let model = match completion.model() {
            "" => self.model,
            named => named.into(),
        };
        Ok(completion
            .with_model(model)
            .with_provider(self.provider)
            .with_request_id(self.request_id))
    }
}

// === impl Replay ===

impl Stream for Replay {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.events.next().map(Ok))
    }
}
