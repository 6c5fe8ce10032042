//! The layer, its service and its future.

use super::{flight::Call, registry::Registry, seat::Seat};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Error, ErrorKind, Journey, Request, Response, RetrySafety, Step};

/// Some thousand pieces of an answer: more than most answers have.
const BUFFER: usize = 1024 * 1024;

/// Makes one call of equal calls. The [module docs](super) say where it goes.
#[derive(Clone, Copy, Debug)]
pub struct CoalesceLayer {
    buffer: usize,
    active: bool,
}

/// The service that [`CoalesceLayer`] makes.
pub struct Coalesce<S> {
    inner: S,
    registry: Arc<Registry>,
    active: bool,
}

pin_project! {
    /// The future that [`Coalesce`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the call to those who share it. Where nobody does, the call is dropped, and
    /// what was sent by then may be billed.
    #[must_use = "futures do nothing unless polled"]
    pub struct CoalesceFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Alone {
            #[pin]
            call: F,
        },
        Together {
            seat: Option<Seat>,
            joined: Option<Joined>,
        },
    }
}

/// Where it is written down that a call joined another, and since when it waits.
struct Joined {
    journey: Journey,
    since: Instant,
}

// === impl CoalesceLayer ===

impl CoalesceLayer {
    /// A layer that keeps up to 1 MiB of each streamed answer for those who read later.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffer: BUFFER,
            active: true,
        }
    }

    /// A layer that passes everything through, for a stack whose type is fixed.
    #[must_use]
    pub const fn off() -> Self {
        Self {
            buffer: BUFFER,
            active: false,
        }
    }

    /// Whether everything is passed through.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        !self.active
    }

    /// Keeps up to `bytes` of each streamed answer: text, and some 200 bytes for each piece. Who falls
    /// further behind the others is given up, and nobody joins an answer that is longer.
    #[must_use]
    pub const fn with_buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }
}

impl Default for CoalesceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for CoalesceLayer {
    type Service = Coalesce<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Coalesce {
            inner,
            active: self.active,
            registry: Arc::new(Registry::new(self.buffer)),
        }
    }
}

// === impl Coalesce ===

impl<S> Coalesce<S> {
    /// How many calls are under way that others could join, or could have joined.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.registry.len()
    }
}

impl<S> Service<Request> for Coalesce<S>
where
    S: Service<Request, Response = Response, Error = Error>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Error;
    type Future = CoalesceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if !self.active || !may_share(&request) {
            let call = self.inner.call(request);
            return CoalesceFuture {
                state: State::Alone { call },
            };
        }
        let (seat, new) = self.registry.enter(&request);
        let joined = match new {
            true => {
                // Others may wait longer: each is held to his own.
                request.context_mut().take_deadline();
                seat.begin(|| -> Call { Box::pin(self.inner.call(request)) });
                None
            }
            false => request.context().journey().map(|journey| Joined {
                journey: journey.clone(),
                since: Instant::now(),
            }),
        };
        CoalesceFuture {
            state: State::Together {
                seat: Some(seat),
                joined,
            },
        }
    }
}

impl<S: Clone> Clone for Coalesce<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            active: self.active,
            registry: Arc::clone(&self.registry),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Coalesce<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesce")
            .field("inner", &self.inner)
            .field("under_way", &self.under_way())
            .finish_non_exhaustive()
    }
}

/// Whether somebody else's answer will do. A second try that were joined to the first, or a hedge to
/// the call that it shall overtake, would be of no use.
fn may_share(request: &Request) -> bool {
    let context = request.context();
    context.retry() != RetrySafety::Once && !context.is_hedge() && context.avoided().is_empty()
}

// === impl CoalesceFuture ===

impl<F> Future for CoalesceFuture<F>
where
    F: Future<Output = Result<Response, Error>>,
{
    type Output = Result<Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Alone { call } => call.poll(cx),
            StateProj::Together { seat, joined } => {
                let Some(mut waiting) = seat.take() else {
                    return Poll::Ready(Err(over()));
                };
                let Poll::Ready(result) = waiting.poll_answer(cx) else {
                    *seat = Some(waiting);
                    return Poll::Pending;
                };
                if let Some(joined) = joined.take() {
                    joined.write();
                }
                Poll::Ready(result.map(|answer| waiting.into_response(answer)))
            }
        }
    }
}

impl<F> fmt::Debug for CoalesceFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = matches!(self.state, State::Together { .. });
        f.debug_struct("CoalesceFuture")
            .field("shared", &shared)
            .finish_non_exhaustive()
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}

// === impl Joined ===

impl Joined {
    fn write(&self) {
        let time = Instant::now().saturating_duration_since(self.since);
        self.journey.push(Step::waited("coalesce", "joined", time));
    }
}
