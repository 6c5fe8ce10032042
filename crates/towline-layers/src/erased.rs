//! A service whose type is forgotten.
//!
//! A stack is a type of many types, one in another, and two things suffer where it is deep: a compiler
//! that has to know all of it at once takes minutes and gigabytes, and the future of a call is moved
//! once for each layer around it. An [`Erased`] service in the middle ends both, for one allocation a
//! call: below [`fallback`](https://docs.rs/towline-layers) is a good place, where the stack branches
//! anyway.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::Error;

/// Any service that answers `Req` with `A`. Always ready: what it holds is made ready within the call.
///
/// Clones share what is inside.
///
/// # Examples
///
/// ```
/// use tower::{ServiceBuilder, service_fn};
/// use towline_core::{Body, Completion, Error, FinishReason, Head, Request, Response};
/// use towline_layers::erased::Erased;
///
/// let model = service_fn(|_request: Request| async {
///     let answer = Completion::new(vec!["Hello.".into()], FinishReason::Stop);
///     Ok::<_, Error>(Response::new(Head::new("mine", "small"), Body::complete(answer)))
/// });
/// // Whatever the layers are, this is the type.
/// let service: Erased<Request, Response> = Erased::new(ServiceBuilder::new().service(model));
/// ```
pub struct Erased<Req, A> {
    inner: Arc<dyn Call<Req, A>>,
}

/// The future that [`Erased`] returns.
///
/// # Cancel safety
///
/// That of the future inside.
pub type ErasedFuture<A> = Pin<Box<dyn Future<Output = Result<A, Error>> + Send>>;

trait Call<Req, A>: Send + Sync {
    fn call(&self, request: Req) -> ErasedFuture<A>;
}

/// A service of a known type.
struct Known<S>(S);

// === impl Erased ===

impl<Req, A> Erased<Req, A> {
    /// Forgets the type of `service`.
    #[must_use]
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Req, Response = A, Error = Error, Future: Send> + Clone + Send + Sync + 'static,
        Req: Send + 'static,
    {
        Self {
            inner: Arc::new(Known(service)),
        }
    }
}

impl<Req, A> Service<Req> for Erased<Req, A> {
    type Response = A;
    type Error = Error;
    type Future = ErasedFuture<A>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        self.inner.call(request)
    }
}

impl<Req, A> Clone for Erased<Req, A> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<Req, A> fmt::Debug for Erased<Req, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erased").finish_non_exhaustive()
    }
}

// === impl Known ===

impl<S, Req, A> Call<Req, A> for Known<S>
where
    S: Service<Req, Response = A, Error = Error, Future: Send> + Clone + Send + Sync + 'static,
    Req: Send + 'static,
{
    fn call(&self, request: Req) -> ErasedFuture<A> {
        let mut service = self.0.clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        })
    }
}
