//! What bounds the calls of a tenant, and what it lets through.

use towline_core::{Error, Metered, Moment};
use towline_layers::{ask::Ask, erased::Erased, limit::Limit};

/// The targets, within the limit of tenants. Their types are forgotten where they branch, below most of
/// what every call passes: the future of a call that is boxed there is small enough for the allocator's
/// quick way.
pub(crate) enum Admission<Req, A> {
    /// The limit is outermost.
    Around(Limit<Erased<Req, A>>),
    /// Something lies around the limit.
    Within(Erased<Req, A>),
}

impl<Req, A> Ask<Req> for Admission<Req, A>
where
    Limit<Erased<Req, A>>: Ask<Req, Answer = A>,
    Req: Metered,
    A: Send + 'static,
{
    type Answer = A;

    async fn ask_at(&self, request: Req, moment: Moment) -> Result<A, Error> {
        match self {
            Self::Around(limit) => limit.ask_at(request, moment).await,
            Self::Within(stack) => stack.ask_at(request, moment).await,
        }
    }
}

impl<Req, A> Clone for Admission<Req, A> {
    fn clone(&self) -> Self {
        match self {
            Self::Around(limit) => Self::Around(limit.clone()),
            Self::Within(stack) => Self::Within(stack.clone()),
        }
    }
}
