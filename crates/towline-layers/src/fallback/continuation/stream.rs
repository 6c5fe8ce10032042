//! The events of an answer that two may have given.

use super::ask::{Ask, Delivered, Successor};
use crate::{begun::Begun, budget::Withdrawal};
use futures_core::Stream;
use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;
use towline_core::{Body, Error, Event, Head, Request, Response, Seam, Text, Usage};

/// The answer that was begun, and what another target adds where it breaks off.
pub(super) struct Continued<S: Service<Request>> {
    stage: Stage<S>,
    known: Known<S>,
}

enum Stage<S: Service<Request>> {
    First(Body),
    Readying(Box<Successor<S>>),
    Asking(Pin<Box<Begun<S::Future, Response>>>),
    Second(Body, Box<Head>),
    Over,
}

/// What is known of the answer.
struct Known<S> {
    ask: Option<Ask<S>>,
    delivered: Delivered,
    usage: Option<Usage>,
    /// Delivered at the end of the first part, and perhaps said again.
    blank: String,
    /// With what the first part broke off.
    broke: Option<Error>,
    /// What the other may cost.
    withdrawal: Option<Withdrawal>,
}

type Item = Option<Result<Event, Error>>;

/// What is given to the reader, and what comes after it.
enum Step<S: Service<Request>> {
    Give(Item),
    Go(Stage<S>),
    Both(Item, Stage<S>),
}

// === impl Continued ===

impl<S: Service<Request>> Continued<S> {
    pub(super) fn new(body: Body, ask: Ask<S>) -> Self {
        Self {
            stage: Stage::First(body),
            known: Known {
                ask: Some(ask),
                delivered: Delivered::default(),
                usage: None,
                blank: String::new(),
                broke: None,
                withdrawal: None,
            },
        }
    }
}

/// Nothing in it is pinned in place: the call has a box of its own.
impl<S: Service<Request>> Unpin for Continued<S> {}

impl<S> Stream for Continued<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { stage, known } = self.get_mut();
        loop {
            let step = match stage {
                Stage::First(body) => ready!(known.first(body, cx)),
                Stage::Readying(next) => ready!(known.ready(next, cx)),
                Stage::Asking(call) => known.asked(ready!(call.as_mut().poll(cx))),
                Stage::Second(body, head) => Step::Give(ready!(known.second(body, head, cx))),
                Stage::Over => Step::Give(None),
            };
            match step {
                Step::Give(item) => return Poll::Ready(item),
                Step::Go(next) => *stage = next,
                Step::Both(item, next) => {
                    *stage = next;
                    return Poll::Ready(item);
                }
            }
        }
    }
}

// === impl Known ===

impl<S> Known<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    /// Reads the answer as it was begun.
    fn first(&mut self, body: &mut Body, cx: &mut Context<'_>) -> Poll<Step<S>> {
        let error = match ready!(Pin::new(body).poll_next(cx)) {
            Some(Ok(event)) => {
                self.delivered.push(&event);
                if let Event::Usage(usage) = &event {
                    self.usage = Some(usage.clone());
                }
                return Poll::Ready(Step::Give(Some(Ok(event))));
            }
            Some(Err(error)) => error,
            None => return Poll::Ready(Step::Give(None)),
        };
        let ask = self.ask.take();
        let next = ask.and_then(|ask| ask.successor(&error, &self.delivered));
        Poll::Ready(match next {
            Some(mut next) => {
                self.broke = Some(error);
                self.blank = mem::take(&mut next.blank);
                Step::Go(Stage::Readying(Box::new(next)))
            }
            None => Step::Both(Some(Err(error)), Stage::Over),
        })
    }

    fn ready(&mut self, next: &mut Successor<S>, cx: &mut Context<'_>) -> Poll<Step<S>> {
        Poll::Ready(match ready!(next.service.poll_ready(cx)) {
            Ok(()) => {
                self.withdrawal = next.withdrawal.take().map(Withdrawal::sent);
                let call = next.service.call(next.request.clone());
                Step::Go(Stage::Asking(Box::pin(Begun::new(call))))
            }
            Err(error) => self.give_up(error),
        })
    }

    fn asked(&mut self, answer: Result<Response, Error>) -> Step<S> {
        match answer {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let seam = Event::Seam(Seam::new(head.provider(), head.model()));
                Step::Both(Some(Ok(seam)), Stage::Second(body, Box::new(head)))
            }
            Err(error) => {
                // No provider was asked.
                if let (Some(withdrawal), Some(_)) = (self.withdrawal.take(), error.refused_by()) {
                    withdrawal.refund();
                }
                self.give_up(error)
            }
        }
    }

    /// Reads what the other adds.
    fn second(&mut self, body: &mut Body, head: &Head, cx: &mut Context<'_>) -> Poll<Item> {
        loop {
            let item = ready!(Pin::new(&mut *body).poll_next(cx));
            return Poll::Ready(match item {
                // The answer has its beginning, and its name.
                Some(Ok(Event::Start(_))) => continue,
                Some(Ok(Event::Text(text))) => match self.new_of(&text) {
                    Some(text) => Some(Ok(Event::Text(text))),
                    None => continue,
                },
                Some(Ok(Event::Usage(usage))) => {
                    let sum = self.usage.as_ref().map(|first| first.plus(&usage));
                    Some(Ok(Event::Usage(sum.unwrap_or(usage))))
                }
                // What was delivered is more than this part: the reader's body says what.
                Some(Err(error)) => Some(Err(sign(error.duplicate(), head))),
                other => other,
            });
        }
    }

    /// Nobody goes on: the answer broke off as it did, and `error` is why it stays so.
    fn give_up(&mut self, error: Error) -> Step<S> {
        let error = match self.broke.take() {
            Some(broke) => {
                let others = broke.others().iter().map(Error::duplicate);
                let others = others.chain([error]).collect();
                broke.with_others(others)
            }
            None => error,
        };
        Step::Both(Some(Err(error)), Stage::Over)
    }

    /// `text` without the white space that was delivered before; `None` where that is all.
    fn new_of(&mut self, text: &Text) -> Option<Text> {
        let blank = mem::take(&mut self.blank);
        let same: usize = blank
            .chars()
            .zip(text.chars())
            .take_while(|(old, new)| old == new)
            .map(|(same, _)| same.len_utf8())
            .sum();
        if same == 0 {
            return Some(text.clone());
        }
        let new = text.get(same..).unwrap_or_default();
        if new.is_empty() {
            blank
                .get(same..)
                .unwrap_or_default()
                .clone_into(&mut self.blank);
            return None;
        }
        Some(text.share(new))
    }
}

/// Says whose fault it was, where the error does not: the answer's head names the first.
fn sign(error: Error, head: &Head) -> Error {
    let error = match error.provider() {
        None => error.with_provider(head.provider().to_owned()),
        Some(_) => error,
    };
    match error.model() {
        None => error.with_model(head.model().to_owned()),
        Some(_) => error,
    }
}
