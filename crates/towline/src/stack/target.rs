//! A target at the bottom of a stack.

use crate::provider::Target;
use std::{fmt, sync::Arc};
use towline_core::{EmbeddingRequest, EmbeddingResponse, Error, Moment, Request, Response};
use towline_layers::ask::Ask;

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

impl Ask<Request> for TargetService {
    type Answer = Response;

    fn ask_at(
        &self,
        request: Request,
        _moment: Moment,
    ) -> impl Future<Output = Result<Response, Error>> + Send {
        self.target.call(request)
    }
}

impl Ask<EmbeddingRequest> for TargetService {
    type Answer = EmbeddingResponse;

    fn ask_at(
        &self,
        request: EmbeddingRequest,
        _moment: Moment,
    ) -> impl Future<Output = Result<EmbeddingResponse, Error>> + Send {
        self.target.embed(request)
    }
}

impl fmt::Debug for TargetService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}
