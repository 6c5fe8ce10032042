//! A tower service as a target.

use super::{BoxFuture, Target};
use std::{fmt, future::poll_fn};
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

/// One call on `service`, once it is ready.
pub(super) async fn ready_call<S, R>(mut service: S, request: R) -> Result<S::Response, Error>
where
    S: Service<R, Error = Error>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}
