//! The rules as a layer.

use super::rules::{Guard, Prompt};
use crate::ask::Ask;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Error, ErrorKind, Moment};

/// Checks each request. The [module docs](super) say where it goes.
#[derive(Clone, Debug)]
pub struct GuardLayer<Req> {
    rules: Guard<Req>,
}

/// The service that [`GuardLayer`] makes.
#[derive(Clone, Debug)]
pub struct GuardService<S, Req> {
    inner: S,
    rules: Guard<Req>,
}

pin_project! {
    /// The future that [`GuardService`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call.
    #[project = GuardProj]
    #[derive(Debug)]
    #[non_exhaustive]
    pub enum GuardFuture<F> {
        #[doc(hidden)]
        Passed { #[pin] call: F },
        #[doc(hidden)]
        Refused { error: Option<Error> },
    }
}

// === impl GuardLayer ===

impl<Req> GuardLayer<Req> {
    /// Checks requests by `rules`.
    #[must_use]
    pub const fn new(rules: Guard<Req>) -> Self {
        Self { rules }
    }
}

impl<S, Req> Layer<S> for GuardLayer<Req> {
    type Service = GuardService<S, Req>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService {
            inner,
            rules: self.rules.clone(),
        }
    }
}

// === impl GuardService ===

impl<S, Req> Service<Req> for GuardService<S, Req>
where
    S: Service<Req, Error = Error>,
    Req: Prompt,
{
    type Response = S::Response;
    type Error = Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self.rules.check(&request) {
            Ok(()) => GuardFuture::Passed {
                call: self.inner.call(request),
            },
            Err(error) => GuardFuture::Refused { error: Some(error) },
        }
    }
}

impl<S, Req> Ask<Req> for GuardService<S, Req>
where
    S: Ask<Req>,
    Req: Prompt,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        request: Req,
        mut moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            if !self.rules.is_empty() {
                self.rules.check(&request)?;
                // A long prompt takes its time.
                moment.renew();
            }
            self.inner.ask_at(request, moment).await
        }
    }
}

// === impl GuardFuture ===

impl<F, A> Future for GuardFuture<F>
where
    F: Future<Output = Result<A, Error>>,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            GuardProj::Passed { call } => call.poll(cx),
            GuardProj::Refused { error } => Poll::Ready(Err(error
                .take()
                .unwrap_or_else(|| Error::new(ErrorKind::InvalidRequest)))),
        }
    }
}
