//! A target as a tower service.

use crate::provider::{BoxFuture, Target};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::{EmbeddingRequest, EmbeddingResponse, Error, Request, Response};

/// Asks a target. Always ready.
#[derive(Clone)]
pub(crate) struct TargetService {
    target: Arc<dyn Target>,
}

// === impl TargetService ===

impl TargetService {
    pub(crate) const fn new(target: Arc<dyn Target>) -> Self {
        Self { target }
    }
}

impl Service<Request> for TargetService {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.target.call(request)
    }
}

impl Service<EmbeddingRequest> for TargetService {
    type Response = EmbeddingResponse;
    type Error = Error;
    type Future = BoxFuture<'static, Result<EmbeddingResponse, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: EmbeddingRequest) -> Self::Future {
        self.target.embed(request)
    }
}

impl fmt::Debug for TargetService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}
