//! An upstream that a test answers by hand, event by event.
#![cfg_attr(
    not(feature = "full"),
    allow(
        dead_code,
        clippy::allow_attributes,
        reason = "each layer uses a part of it"
    )
)]

use futures_core::Stream;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
};
use tower::{Layer, Service};
use towline_core::{
    Body, Completion, CompletionOptions, Error, ErrorKind, Event, FinishReason, Head, Part,
    Request, Response, Usage,
};
use towline_layers::{
    ask::{Ask, Cloning},
    erased::Erased,
};

/// What `#[tokio::test(start_paused = true)]` runs on, for a property.
pub(crate) fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// A model whose answers the test gives through its [`Handle`]. Always ready; clones are one model.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    calls: UnboundedSender<Exchange>,
    live: Arc<Live>,
}

/// The test's side of an [`Upstream`].
#[derive(Debug)]
pub(crate) struct Handle {
    calls: UnboundedReceiver<Exchange>,
    live: Arc<Live>,
}

/// One call that the test has to answer. Dropping it without answering leaves the call hanging up.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    answer: oneshot::Sender<Result<Response, Error>>,
    live: Alive,
}

/// The events of one streamed answer.
#[derive(Debug)]
pub(crate) struct Feed {
    events: UnboundedSender<Result<Event, Error>>,
}

/// Calls under way: made, and their answer not ended, failed or dropped.
#[derive(Debug, Default)]
struct Live {
    now: AtomicUsize,
    most: AtomicUsize,
    total: AtomicUsize,
}

#[derive(Clone, Debug)]
struct Alive {
    _counted: Arc<Counted>,
}

#[derive(Debug)]
struct Counted {
    live: Arc<Live>,
}

struct Events {
    events: UnboundedReceiver<Result<Event, Error>>,
    _alive: Alive,
}

/// How a layer is used: what holds of it holds both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Called,
    Asked,
}

/// A model and the handle to answer for it.
pub(crate) fn upstream() -> (Upstream, Handle) {
    let (sender, calls) = unbounded_channel();
    let live = Arc::<Live>::default();
    let upstream = Upstream {
        calls: sender,
        live: Arc::clone(&live),
    };
    (upstream, Handle { calls, live })
}

/// A question, streamed or not. It weighs two tokens, and its answer nothing.
pub(crate) fn question(stream: bool) -> Request {
    Request::new("model", "question")
        .with_options(CompletionOptions::new().with_max_tokens(0))
        .with_stream(stream)
}

/// A whole answer of ten tokens in and ten out.
pub(crate) fn whole(text: &'static str) -> Response {
    let completion = Completion::new(vec![Part::from(text)], FinishReason::Stop);
    let completion = completion.with_usage(Some(Usage::inclusive(10, 10)));
    Response::new(Head::new("upstream", "model"), Body::complete(completion))
}

/// An error of `kind`, as a provider gives it.
pub(crate) fn failed(kind: ErrorKind) -> Error {
    Error::new(kind).with_provider("upstream")
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::Called, Self::Asked];

    /// `layer` around `model`, as a service whose calls go this way.
    pub(crate) fn around<L, M, S, A>(self, layer: &L, model: M) -> Erased<Request, Response>
    where
        L: Layer<M, Service = S> + Layer<Cloning<M>, Service = A>,
        S: Service<Request, Response = Response, Error = Error, Future: Send>,
        S: Clone + Send + Sync + 'static,
        A: Ask<Request, Answer = Response> + 'static,
    {
        match self {
            Self::Called => Erased::new(layer.layer(model)),
            Self::Asked => Erased::of(layer.layer(Cloning::new(model))),
        }
    }
}

impl Service<Request> for Upstream {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (answer, answered) = oneshot::channel();
        let alive = Alive::new(&self.live);
        let exchange = Exchange {
            request,
            answer,
            live: alive.clone(),
        };
        let sent = self.calls.send(exchange);
        Box::pin(async move {
            let _alive = alive;
            if sent.is_err() {
                return Err(failed(ErrorKind::Transport).with_message("the test has ended"));
            }
            match answered.await {
                Ok(result) => result,
                Err(_gone) => Err(failed(ErrorKind::Transport).with_message("hung up")),
            }
        })
    }
}

impl Handle {
    /// The next call, once it is made.
    pub(crate) async fn next(&mut self) -> Exchange {
        self.calls.recv().await.expect("a call")
    }

    /// The next call, if it was made.
    pub(crate) fn try_next(&mut self) -> Option<Exchange> {
        self.calls.try_recv().ok()
    }

    /// Calls under way. A call counts until its answer has ended, failed or was dropped, and the
    /// test has answered or dropped its [`Exchange`].
    pub(crate) fn live(&self) -> usize {
        self.live.now.load(Ordering::SeqCst)
    }

    /// The most calls that were ever under way at once.
    pub(crate) fn most(&self) -> usize {
        self.live.most.load(Ordering::SeqCst)
    }

    /// All calls that were ever made.
    pub(crate) fn total(&self) -> usize {
        self.live.total.load(Ordering::SeqCst)
    }
}

impl Exchange {
    /// Answers with `result`.
    pub(crate) fn answer(self, result: Result<Response, Error>) {
        // The caller may have left, which is what some tests are about.
        let _left = self.answer.send(result);
    }

    /// Answers with the whole `text`.
    pub(crate) fn reply(self, text: &'static str) {
        self.answer(Ok(whole(text)));
    }

    /// Answers with an error of `kind`.
    pub(crate) fn fail(self, kind: ErrorKind) {
        self.answer(Err(failed(kind)));
    }

    /// Answers with a head; the events come through the feed.
    pub(crate) fn stream(self) -> Feed {
        let (feed, events) = unbounded_channel();
        let events = Events {
            events,
            _alive: self.live.clone(),
        };
        let head = Head::new("upstream", self.request.model());
        self.answer(Ok(Response::new(head, Body::stream(events))));
        Feed { events: feed }
    }

    /// Whether the caller has left.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Feed {
    /// Sends an event. Says whether anybody reads.
    pub(crate) fn send(&self, event: Event) -> bool {
        self.events.send(Ok(event)).is_ok()
    }

    /// Sends a piece of text. Says whether anybody reads.
    pub(crate) fn text(&self, text: &'static str) -> bool {
        self.send(Event::Text(text.into()))
    }

    /// Ends the answer as a provider does that is done.
    pub(crate) fn finish(self) {
        let _read = self.send(Event::Finish(FinishReason::Stop));
    }

    /// Breaks the answer off with an error.
    pub(crate) fn fail(self, kind: ErrorKind) {
        let _left = self.events.send(Err(failed(kind)));
    }

    /// Breaks the answer off with `error`.
    pub(crate) fn break_off(self, error: Error) {
        let _left = self.events.send(Err(error));
    }

    /// Whether the reader has left.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.events.is_closed()
    }
}

impl Alive {
    fn new(live: &Arc<Live>) -> Self {
        live.total.fetch_add(1, Ordering::SeqCst);
        let now = live.now.fetch_add(1, Ordering::SeqCst) + 1;
        live.most.fetch_max(now, Ordering::SeqCst);
        Self {
            _counted: Arc::new(Counted {
                live: Arc::clone(live),
            }),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx)
    }
}
