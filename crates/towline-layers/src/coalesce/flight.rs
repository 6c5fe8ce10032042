//! A call that several wait for.

use super::{
    bell::Bell,
    lock,
    replay::{Piece, Replay},
};
use futures_core::Stream;
use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker, ready},
};
use towline_core::{Body, Completion, Error, ErrorKind, Event, Head, Request, Response};

/// A call of the inner service.
pub(super) type Call = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// A call under way, and what came of it so far. Whoever waits for it takes a [`Turn`] at polling it;
/// nothing is locked meanwhile.
pub(super) struct Flight {
    asked: Request,
    hash: u64,
    bell: Arc<Bell>,
    state: Mutex<State>,
}

struct State {
    /// How many wait for it or read it.
    seats: usize,
    /// Absent while it is made or polled, and once it is over.
    upstream: Option<Upstream>,
    answer: Option<Answered>,
    replay: Replay,
    /// Comes after what was replayed.
    failure: Option<Error>,
    over: bool,
}

enum Upstream {
    Call(Call),
    Body(Box<Body>),
}

/// The answer as each caller gets it.
#[derive(Clone)]
pub(super) enum Answered {
    Whole(Box<(Head, Completion)>),
    Streamed(Box<Head>),
}

/// What somebody who looks for something finds.
pub(super) enum Look<'a, T> {
    Found(T),
    /// It is not there, and it is for him to poll the call.
    Turn(Turn<'a>),
    /// It is not there, and the call will ring the bell.
    Wait,
}

/// The right to poll the call. Where it is dropped unused, as by a panic, the call has failed.
pub(super) struct Turn<'a> {
    flight: &'a Flight,
    upstream: Option<Upstream>,
    done: bool,
}

enum News {
    Answer(Response),
    Event(Event),
    Failed(Error),
}

// === impl Flight ===

impl Flight {
    /// A call that is to be made, with one who waits for it.
    pub(super) fn new(asked: Request, hash: u64, buffer: usize) -> Self {
        Self {
            asked,
            hash,
            bell: Bell::new(),
            state: Mutex::new(State {
                seats: 1,
                upstream: None,
                answer: None,
                replay: Replay::new(buffer),
                failure: None,
                over: false,
            }),
        }
    }

    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Takes a seat for `request`, where it asks the same for the same tenant and nothing of the
    /// answer is lost.
    pub(super) fn join(&self, request: &Request) -> bool {
        let (own, other) = (self.asked.context(), request.context());
        if own.tenant() != other.tenant() || own.priority() < other.priority() {
            return false;
        }
        // The hash was the same, which says little: another tenant's might be.
        if !self.asked.asks_the_same_as(request) {
            return false;
        }
        let mut state = lock(&self.state);
        let open = state.is_open();
        state.seats += usize::from(open);
        open
    }

    /// Gives a seat back. Says whether it was the last; the call is dropped then. A ring that he was
    /// woken by is lost to nobody: it woke all who wait, and the first of them to come polls.
    pub(super) fn leave(&self) -> bool {
        let mut state = lock(&self.state);
        state.seats = state.seats.saturating_sub(1);
        let last = state.seats == 0;
        state.over |= last;
        let upstream = last.then(|| state.upstream.take());
        drop(state);
        drop(upstream);
        last
    }

    /// The right to make the call.
    pub(super) const fn open(&self) -> Turn<'_> {
        Turn {
            flight: self,
            upstream: None,
            done: false,
        }
    }

    /// Looks for an answer.
    pub(super) fn answer(&self) -> Look<'_, Result<Answered, Error>> {
        self.look(|state| match (&state.answer, &state.failure) {
            (Some(answer), _) => Some(Ok(answer.clone())),
            (None, Some(error)) => Some(Err(error.duplicate())),
            (None, None) => None,
        })
    }

    /// Looks for the piece of the answer at `place`.
    pub(super) fn piece(&self, place: u64) -> Look<'_, Result<Event, Error>> {
        self.look(|state| match state.replay.get(place) {
            Piece::Here(event) => Some(Ok(event.clone())),
            Piece::Gone => Some(Err(behind())),
            Piece::Ahead => state.failure.as_ref().map(|error| Err(error.duplicate())),
        })
    }

    fn look<T>(&self, find: impl FnOnce(&State) -> Option<T>) -> Look<'_, T> {
        let mut state = lock(&self.state);
        if let Some(found) = find(&state) {
            return Look::Found(found);
        }
        if state.upstream.is_none() || !self.bell.take() {
            return Look::Wait;
        }
        Look::Turn(Turn {
            flight: self,
            upstream: state.upstream.take(),
            done: false,
        })
    }
}

// === impl State ===

impl State {
    /// Whether the answer can still be told from its start to somebody new.
    const fn is_open(&self) -> bool {
        !self.over && self.replay.is_whole()
    }
}

// === impl Upstream ===

impl Upstream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<News> {
        match self {
            Self::Call(call) => Poll::Ready(match ready!(call.as_mut().poll(cx)) {
                Ok(response) => News::Answer(response),
                Err(error) => News::Failed(error),
            }),
            Self::Body(body) => Poll::Ready(match ready!(Pin::new(&mut **body).poll_next(cx)) {
                Some(Ok(event)) => News::Event(event),
                Some(Err(error)) => News::Failed(error),
                None => News::Failed(Error::new(ErrorKind::Truncated)),
            }),
        }
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// The call is made.
    pub(super) fn begin(mut self, call: Call) {
        self.put_back(Some(Upstream::Call(call)), |_| {});
        self.flight.bell.wake_waiting(None);
    }

    /// Polls the call once, for the one who has `place`. Says whether there is news.
    pub(super) fn poll(mut self, place: usize) -> bool {
        let Some(mut upstream) = self.upstream.take() else {
            return false;
        };
        let waker = Waker::from(Arc::clone(&self.flight.bell));
        let Poll::Ready(news) = upstream.poll(&mut Context::from_waker(&waker)) else {
            self.put_back(Some(upstream), |_| {});
            if self.flight.bell.is_rung() {
                // Who was woken meanwhile saw that it was being polled, and waits again.
                self.flight.bell.wake_waiting(None);
            }
            return false;
        };
        // There may be more where that came from.
        self.flight.bell.ring();
        self.publish(upstream, news);
        self.flight.bell.wake_waiting(Some(place));
        true
    }

    /// Tells all. An exchange that is over is closed before anybody learns of it.
    fn publish(&mut self, upstream: Upstream, news: News) {
        match news {
            News::Failed(error) => {
                drop(upstream);
                self.put_back(None, |state| state.fail(error));
            }
            News::Event(event) => {
                let over = matches!(event, Event::Finish(_));
                let upstream = (!over).then_some(upstream);
                self.put_back(upstream, |state| {
                    state.replay.push(event);
                    state.over = over;
                });
            }
            News::Answer(response) => {
                drop(upstream);
                self.answered(response);
            }
        }
    }

    fn answered(&mut self, response: Response) {
        let (head, body) = response.into_parts();
        if !body.is_complete() {
            self.put_back(Some(Upstream::Body(Box::new(body))), |state| {
                state.answer = Some(Answered::Streamed(Box::new(head)));
            });
            return;
        }
        match whole(body) {
            Ok(completion) => self.put_back(None, |state| {
                state.answer = Some(Answered::Whole(Box::new((head, completion))));
                state.over = true;
            }),
            Err(error) => self.put_back(None, |state| state.fail(error)),
        }
    }

    fn put_back(&mut self, upstream: Option<Upstream>, change: impl FnOnce(&mut State)) {
        self.done = true;
        let mut state = lock(&self.flight.state);
        state.upstream = upstream;
        change(&mut state);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.put_back(None, |state| state.fail(panicked()));
            self.flight.bell.wake_waiting(None);
        }
    }
}

impl State {
    fn fail(&mut self, error: Error) {
        self.failure = Some(error);
        self.over = true;
    }
}

/// What is all there.
fn whole(body: Body) -> Result<Completion, Error> {
    let collected = pin!(body.collect());
    match collected.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::new(ErrorKind::Protocol)
            .with_message("an answer that said it was whole had to be waited for")),
    }
}

fn behind() -> Error {
    Error::new(ErrorKind::Truncated)
        .with_refused_by("coalesce")
        .with_message(
            "this reader fell further behind the other readers of the shared answer than the buffer \
             of the coalesce layer holds; the others read on. Read faster, or give the layer a \
             larger buffer",
        )
}

fn panicked() -> Error {
    Error::new(ErrorKind::Cancelled)
        .with_refused_by("coalesce")
        .with_retryable(true)
        .with_message("the call that equal calls shared panicked; nothing of it can be used")
}

#[cfg(test)]
mod tests;
