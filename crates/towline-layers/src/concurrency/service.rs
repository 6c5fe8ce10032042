//! The service.

use super::{
    ConcurrencyFuture,
    future::{Turn, hold},
    slots::{Entry, Permit, Slots},
};
use crate::ask::Ask;
use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::{Answer, Error, Metered, Moment};

/// The service that [`ConcurrencyLayer`](super::ConcurrencyLayer) makes.
#[derive(Clone)]
pub struct Concurrency<S> {
    inner: S,
    slots: Arc<Slots>,
}

// === impl Concurrency ===

impl<S> Concurrency<S> {
    pub(super) const fn new(inner: S, slots: Arc<Slots>) -> Self {
        Self { inner, slots }
    }

    /// The slot of a call, once it is its turn. Nothing where nobody counts.
    async fn admit<Req: Metered + Sync>(
        &self,
        request: &Req,
        moment: &mut Moment,
    ) -> Result<Option<Permit>, Error> {
        match self.slots.enter(request) {
            Entry::Open => Ok(None),
            Entry::Admitted(permit) => Ok(Some(permit)),
            Entry::Waiting(place) => {
                let mut turn = Turn::new(place);
                let admitted = poll_fn(|cx| turn.poll(cx)).await;
                moment.renew();
                turn.end(request, admitted).map(Some)
            }
            Entry::Refused(error) => Err(error),
        }
    }
}

impl<S, Req> Service<Req> for Concurrency<S>
where
    S: Service<Req, Error = Error> + Clone,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = ConcurrencyFuture<S, Req, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self.slots.enter(&request) {
            Entry::Open => ConcurrencyFuture::calling(self.inner.call(request), None),
            Entry::Admitted(permit) => {
                ConcurrencyFuture::calling(self.inner.call(request), Some(permit))
            }
            Entry::Waiting(place) => {
                // The instance that was readied waits with the call; the clone is not ready.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ConcurrencyFuture::waiting(ready, request, place)
            }
            Entry::Refused(error) => ConcurrencyFuture::refused(error),
        }
    }
}

impl<S, Req> Ask<Req> for Concurrency<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered + Sync,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        request: Req,
        mut moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let permit = self.admit(&request, &mut moment).await?;
            let result = self.inner.ask_at(request, moment).await;
            match permit {
                Some(permit) => hold(result, permit),
                None => result,
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Concurrency<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slots
            .describe(f.debug_struct("Concurrency").field("inner", &self.inner))
    }
}
