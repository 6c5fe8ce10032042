//! Turns calls away while a queue further inside is too old.
//!
//! # Where it goes
//!
//! Far outside, before anything that costs: preparing, counting tokens, asking a cache. A call that
//! would wait too long learns it at once, while it can still go elsewhere. The queue itself sheds too,
//! where it is told to ([`AgeBound`]); this layer keeps calls from coming that it would only shed.
//!
//! # What it looks at
//!
//! The age of the oldest call in the queue that its [`QueueGauge`] shows: no length, no readiness. A
//! service that is not ready for a moment is not overloaded, and `poll_ready` passes through. The
//! older the queue, the more urgent a call has to be to get past ([`AgeBound::gate`]).
//!
//! A refusal is [`Overloaded`](towline_core::ErrorKind::Overloaded), refused by `shed`, and says when
//! another try is worth it.
//!
//! # Shared between clones
//!
//! The gauge. The layer keeps nothing of its own and holds nothing for a call.
//!
//! # Examples
//!
#![cfg_attr(feature = "concurrency", doc = "```")]
#![cfg_attr(not(feature = "concurrency"), doc = "```ignore")]
//! use std::{num::NonZeroUsize, time::Duration};
//! use towline_core::{Error, Request, Response};
//! use towline_layers::{
//!     concurrency::ConcurrencyLayer,
//!     overload::{AgeBound, QueueGauge},
//!     shed::ShedLayer,
//! };
//! use tower::{ServiceBuilder, service_fn};
//!
//! let model = service_fn(|_: Request| std::future::pending::<Result<Response, Error>>());
//! let gauge = QueueGauge::new();
//! let rule = AgeBound::new(Duration::from_secs(8));
//! let concurrency = ConcurrencyLayer::new(NonZeroUsize::MIN);
//! let service = ServiceBuilder::new()
//!     .layer(ShedLayer::new(gauge.clone(), rule))
//!     .layer(concurrency.with_gauge(gauge).with_age_bound(rule))
//!     .service(model);
//! # let _unused = service;
//! ```

use crate::{
    overload::{self, AgeBound, QueueGauge},
    refused,
};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Error, ErrorKind, Metered};

/// Turns calls away while a queue further inside is too old. The [module docs](self) say where it
/// goes.
#[derive(Clone, Debug)]
pub struct ShedLayer {
    gauge: QueueGauge,
    rule: AgeBound,
}

/// The service that [`ShedLayer`] makes.
#[derive(Clone, Debug)]
pub struct Shed<S> {
    inner: S,
    gauge: QueueGauge,
    rule: AgeBound,
}

pin_project! {
    /// The future that [`Shed`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner call; this layer holds nothing.
    #[derive(Debug)]
    pub struct ShedFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    #[derive(Debug)]
    enum State<F> {
        Calling {
            #[pin]
            call: F,
        },
        Refused {
            error: Option<Error>,
        },
    }
}

// === impl ShedLayer ===

impl ShedLayer {
    /// Turns calls away by `rule` while the queue of `gauge` is too old.
    #[must_use]
    pub const fn new(gauge: QueueGauge, rule: AgeBound) -> Self {
        Self { gauge, rule }
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Shed {
            inner,
            gauge: self.gauge.clone(),
            rule: self.rule,
        }
    }
}

// === impl Shed ===

impl<S> Shed<S> {
    /// Why a call cannot get past.
    #[inline]
    fn refusal<R: Metered>(&self, request: &R) -> Option<Error> {
        if self.gauge.is_empty() {
            return None;
        }
        let age = self.gauge.oldest_age()?;
        let gate = self.rule.gate(request.context().priority());
        (age > gate).then(|| refuse(request, age))
    }
}

#[cold]
fn refuse<R: Metered>(request: &R, age: Duration) -> Error {
    let error = overload::shed("a place further inside", age);
    refused::note(request.context(), "shed", &error);
    error
}

impl<S, Req> Service<Req> for Shed<S>
where
    S: Service<Req, Error = Error>,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = ShedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = match self.refusal(&request) {
            None => State::Calling {
                call: self.inner.call(request),
            },
            Some(error) => State::Refused { error: Some(error) },
        };
        ShedFuture { state }
    }
}

// === impl ShedFuture ===

impl<F, T> Future for ShedFuture<F>
where
    F: Future<Output = Result<T, Error>>,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { call } => call.poll(cx),
            StateProj::Refused { error } => Poll::Ready(Err(error.take().unwrap_or_else(|| {
                // No caller does that.
                Error::new(ErrorKind::Cancelled).with_message("the call was polled after its end")
            }))),
        }
    }
}
