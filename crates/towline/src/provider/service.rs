//! A tower service as a target.

use super::{BoxFuture, Target};
use std::{
    fmt,
    future::{poll_fn, ready},
    task::{Context, Poll, Waker},
};
use tower_service::Service;
use towline_core::{Error, Request, Response};

/// Makes a [`Target`] of a tower service that answers [`Request`]s.
///
/// Each call takes a clone of the service, waits until that is ready, and uses it once.
#[derive(Clone)]
pub struct ServiceTarget<S> {
    service: S,
}

// === impl ServiceTarget ===

impl<S> ServiceTarget<S> {
    /// A target that answers through `service`.
    #[must_use]
    pub const fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S> Target for ServiceTarget<S>
where
    S: Service<Request, Response = Response, Error = Error, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        Box::pin(ready_call(self.service.clone(), request))
    }
}

impl<S> fmt::Debug for ServiceTarget<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = std::any::type_name::<S>();
        f.debug_struct("ServiceTarget")
            .field("service", &service)
            .finish()
    }
}

/// One call on a clone of `service`, whose future is on the heap already.
pub(crate) fn call_boxed<S, R, A>(service: &S, request: R) -> BoxFuture<'static, Result<A, Error>>
where
    S: Service<R, Response = A, Error = Error, Future = BoxFuture<'static, Result<A, Error>>>,
    S: Clone + Send + 'static,
    R: Send + 'static,
    A: Send + 'static,
{
    let mut service = service.clone();
    // Nobody is to be woken: a service that is not ready yet is asked again below.
    match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => service.call(request),
        Poll::Ready(Err(error)) => Box::pin(ready(Err(error))),
        Poll::Pending => Box::pin(ready_call(service, request)),
    }
}

/// One call on `service`, once it is ready.
async fn ready_call<S, R>(mut service: S, request: R) -> Result<S::Response, Error>
where
    S: Service<R, Error = Error>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}
