//! Goes on with a streamed answer that broke off, at another target.
//!
//! # Where it goes
//!
//! Around the fallback, with the same targets under the same names: it learns from the journey which of
//! them began to answer. It is off by default: without it a stream that breaks
//! off after its first content ends with its error, and what was delivered is in that error. With it
//! two models may have written one answer, which is for the application to allow.
//!
//! # What it promises
//!
//! - What was delivered stands, unchanged. Then comes one
//!   [`Event::Seam`](towline_core::Event::Seam) that names who goes on, and then the rest.
//! - One more call is made, and no third one. Where it fails before its first content, the caller gets
//!   the error of the answer that broke off, with the other attached.
//! - Only what a second try may mend is gone on with: errors of
//!   [`Repeat::Later`](towline_core::error::Repeat::Later) that no layer of ours made, within the
//!   deadline.
//! - Only text is gone on with. Where reasoning, a tool call or a refusal was delivered, where the
//!   answer has to be JSON, where the caller had begun the answer himself, or where the request may be
//!   sent only once, the error is left as it was.
//! - It is paid from the budget of the target whose answer broke off, where
//!   [`Target::with_budget`] names one. Where that is spent, the error is left as it was, and the journey
//!   has the refusal.
//! - The next target after the one that broke off is asked, then those before it, and last the same
//!   one again: the first of them that can do what the request needs and has room for it.
//! - The target gets the conversation with the delivered text as the beginning of its turn, where
//!   [`Target::with_prefill`] says that its model takes that; else as a turn of its own, and a user
//!   turn that asks it to go on. A model that thinks gets the user turn.
//! - The usage at the end is that of both, as far as both providers said what they used; one that broke
//!   off often has not. The journey has each for itself, with estimates.
//!
//! The rest may be as long as the request allowed the whole to be. A model that gets a user turn may
//! repeat a word or begin anew; what it says is delivered as it comes.
//!
//! The [`Completion`](towline_core::Completion) that such a stream is collected to names the target
//! that began.
//!
//! # Shared between clones
//!
//! The list of targets, and whatever their services share.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Body, Error, ErrorKind, Event, FinishReason, Head, Request, Response};
//! use towline_layers::fallback::{Fallback, Target, continuation::ContinueLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # use std::{collections::VecDeque, pin::Pin, task::{Context, Poll}};
//! # struct Events(VecDeque<Result<Event, Error>>);
//! # impl futures_core::Stream for Events {
//! #     type Item = Result<Event, Error>;
//! #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
//! #         Poll::Ready(self.0.pop_front())
//! #     }
//! # }
//! # fn stream(events: impl IntoIterator<Item = Result<Event, Error>>) -> Body {
//! #     Body::stream(Events(events.into_iter().collect()))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     let body = match request.model() {
//!         "gpt-4o" => stream([
//!             Ok(Event::Text("The capital of ".into())),
//!             Err(ErrorKind::Transport.into()),
//!         ]),
//!         _ => stream([
//!             Ok(Event::Text("France is Paris.".into())),
//!             Ok(Event::Finish(FinishReason::Stop)),
//!         ]),
//!     };
//!     Ok::<_, Error>(Response::new(Head::new("any", request.model()), body))
//! });
//! let targets = [
//!     Target::new("openai", model),
//!     Target::new("ollama", model).with_model("llama3.3").with_prefill(true),
//! ];
//! let [first, second] = targets.clone();
//! let fallback = Fallback::new(first).then(second);
//! let model = ContinueLayer::new(targets).layer(fallback);
//! let request = Request::new("gpt-4o", "Where is the Louvre?").with_stream(true);
//! let answer = model.oneshot(request).await?.collect().await?;
//! assert_eq!(answer.text(), "The capital of France is Paris.");
//! # Ok(())
//! # }
//! ```

mod ask;
mod stream;

use self::{ask::Ask, stream::Continued};
use super::Target;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Error, Journey, Request, Response, Text};

/// What a model is told that takes no beginning of its turn from others.
const GO_ON: &str = "Your answer was cut off by a broken connection. Continue it from exactly where it \
                     ends. Do not repeat any of it, and do not introduce or comment what you add.";

/// Goes on with streamed answers that break off. The [module docs](self) say where it goes.
#[derive(Clone)]
pub struct ContinueLayer<S> {
    targets: Arc<[Target<S>]>,
    instruction: Text,
}

/// The service that [`ContinueLayer`] makes, around `F` and with targets of `S`.
#[derive(Clone)]
pub struct Continue<F, S> {
    inner: F,
    targets: Arc<[Target<S>]>,
    instruction: Text,
}

pin_project! {
    /// The future that [`Continue`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call; what was sent by then may be billed.
    #[must_use = "futures do nothing unless polled"]
    pub struct ContinueFuture<F, S> {
        #[pin]
        call: F,
        ask: Option<Ask<S>>,
    }
}

// === impl ContinueLayer ===

impl<S> ContinueLayer<S> {
    /// Goes on at one of `targets`: those of the fallback, in its order and with its names. Without
    /// any, calls are passed through.
    #[must_use]
    pub fn new(targets: impl IntoIterator<Item = Target<S>>) -> Self {
        Self {
            targets: targets.into_iter().collect(),
            instruction: Text::from_static(GO_ON),
        }
    }

    /// Sets what a model is told that takes no beginning of its turn from others. The default says in
    /// English that the answer was cut off, and to go on without repeating it.
    #[must_use]
    pub fn with_instruction(mut self, instruction: impl Into<Text>) -> Self {
        self.instruction = instruction.into();
        self
    }
}

impl<F, S> Layer<F> for ContinueLayer<S> {
    type Service = Continue<F, S>;

    fn layer(&self, inner: F) -> Self::Service {
        Continue {
            inner,
            targets: Arc::clone(&self.targets),
            instruction: self.instruction.clone(),
        }
    }
}

impl<S> fmt::Debug for ContinueLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContinueLayer")
            .field("targets", &names(&self.targets))
            .finish_non_exhaustive()
    }
}

// === impl Continue ===

impl<F, S> Service<Request> for Continue<F, S>
where
    F: Service<Request, Response = Response, Error = Error>,
    S: Service<Request, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Error;
    type Future = ContinueFuture<F::Future, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let ask = ask::may_continue(&request) && !self.targets.is_empty();
        let ask = ask.then(|| {
            if request.context().journey().is_none() {
                // The fallback writes into it which target it went on to.
                request.context_mut().set_journey(Journey::new());
            }
            let targets = Arc::clone(&self.targets);
            Ask::new(request.clone(), targets, self.instruction.clone())
        });
        ContinueFuture {
            call: self.inner.call(request),
            ask,
        }
    }
}

impl<F: fmt::Debug, S> fmt::Debug for Continue<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Continue")
            .field("inner", &self.inner)
            .field("targets", &names(&self.targets))
            .finish_non_exhaustive()
    }
}

fn names<S>(targets: &[Target<S>]) -> Vec<&Text> {
    targets.iter().map(Target::name).collect()
}

// === impl ContinueFuture ===

impl<F, S> Future for ContinueFuture<F, S>
where
    F: Future<Output = Result<Response, Error>>,
    S: Service<Request, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    type Output = Result<Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.call.poll(cx))?;
        let Some(ask) = this.ask.take() else {
            return Poll::Ready(Ok(response));
        };
        if response.body().is_complete() {
            return Poll::Ready(Ok(response));
        }
        let (head, body) = response.into_parts();
        let body = body.map_stream(|body| Continued::new(body, ask));
        Poll::Ready(Ok(Response::new(head, body)))
    }
}

impl<F, S> fmt::Debug for ContinueFuture<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContinueFuture")
            .field("may_continue", &self.ask.is_some())
            .finish_non_exhaustive()
    }
}
