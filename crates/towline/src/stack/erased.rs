//! A service whose type is forgotten.

use crate::provider::BoxFuture;
use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::Error;

/// Any service that answers `Req` with `A`. Always ready: what it holds is made ready within the call.
///
/// Stacks are deep, and a compiler that has to know all of one at once takes minutes and gigabytes.
/// Here it forgets what is inside, for one allocation a call. Clones share what is inside.
pub(crate) struct Erased<Req, A> {
    inner: Arc<dyn Call<Req, A>>,
}

trait Call<Req, A>: Send + Sync {
    fn call(&self, request: Req) -> BoxFuture<'static, Result<A, Error>>;
}

/// A service of a known type.
struct Known<S>(S);

// === impl Erased ===

impl<Req, A> Erased<Req, A> {
    pub(crate) fn new<S>(service: S) -> Self
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
    type Future = BoxFuture<'static, Result<A, Error>>;

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
    fn call(&self, request: Req) -> BoxFuture<'static, Result<A, Error>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        })
    }
}
