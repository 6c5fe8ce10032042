//! Errors that say whose they are.

use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, Metered, Text, Watch};

/// Adds the provider and the model to errors that name none, those in the middle of a stream among
/// them.
#[derive(Clone, Debug)]
pub(crate) struct NamedLayer {
    provider: Text,
}

/// The service that [`NamedLayer`] makes.
#[derive(Clone, Debug)]
pub(crate) struct Named<S> {
    inner: S,
    provider: Text,
}

pin_project! {
    /// The future that [`Named`] returns.
    #[derive(Debug)]
    pub(crate) struct NamedFuture<F> {
        #[pin]
        call: F,
        names: Names,
    }
}

/// A provider and a model. Either may be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) provider: Text,
    pub(crate) model: Text,
}

// === impl NamedLayer ===

impl NamedLayer {
    pub(crate) const fn new(provider: Text) -> Self {
        Self { provider }
    }
}

impl<S> Layer<S> for NamedLayer {
    type Service = Named<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Named {
            inner,
            provider: self.provider.clone(),
        }
    }
}

// === impl Named ===

impl<S, Req> Service<Req> for Named<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = NamedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let names = Names {
            provider: self.provider.clone(),
            model: request.model_text().clone(),
        };
        NamedFuture {
            call: self.inner.call(request),
            names,
        }
    }
}

// === impl NamedFuture ===

impl<F, A> Future for NamedFuture<F>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match ready!(this.call.poll(cx)) {
            Ok(mut answer) => {
                if !answer.is_whole() {
                    answer.watch(std::mem::take(this.names));
                }
                Poll::Ready(Ok(answer))
            }
            Err(error) => Poll::Ready(Err(this.names.sign(error))),
        }
    }
}

// === impl Names ===

impl Names {
    /// Adds the names that an error lacks.
    pub(crate) fn sign(&self, error: Error) -> Error {
        let error = match error.provider() {
            None if !self.provider.is_empty() => error.with_provider(self.provider.to_string()),
            _ => error,
        };
        match error.model() {
            None if !self.model.is_empty() => error.with_model(self.model.to_string()),
            _ => error,
        }
    }
}

impl Watch for Names {
    fn on_error(&mut self, error: Error) -> Error {
        self.sign(error)
    }
}
