//! The layer and its service.

use super::{
    future::{HedgeFuture, Race, Spare},
    policy::HedgePolicy,
    window::Window,
};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, Metered, Picks, RetrySafety};

/// Asks the inner service twice when it is slow to begin. The [module docs](super) say what it promises.
#[derive(Clone, Debug)]
pub struct HedgeLayer {
    shared: Arc<Shared>,
}

/// The service that [`HedgeLayer`] makes.
#[derive(Clone, Debug)]
pub struct Hedge<S> {
    inner: S,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) policy: HedgePolicy,
    streamed: Window,
    whole: Window,
}

// === impl HedgeLayer ===

impl HedgeLayer {
    /// Asks twice as `policy` says.
    #[must_use]
    pub fn new(policy: HedgePolicy) -> Self {
        Self {
            shared: Arc::new(Shared {
                policy,
                streamed: Window::new(),
                whole: Window::new(),
            }),
        }
    }
}

impl<S> Layer<S> for HedgeLayer {
    type Service = Hedge<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Hedge {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

// === impl Hedge ===

impl<S> Hedge<S> {
    /// What is needed to ask twice, and `request` made ready for it. None where it must not be.
    fn race<Req>(&self, request: &mut Req) -> Option<Race<S, Req>>
    where
        S: Clone,
        Req: Metered + Clone,
    {
        let context = request.context();
        let once = context.retry() == RetrySafety::Once || context.is_hedge();
        let streams = request.streams();
        let policy = &self.shared.policy;
        if policy.is_off() || once || !(streams || policy.hedges_whole()) {
            return None;
        }
        let tokens = request.estimated_tokens();
        let delay = policy.delay(self.shared.window(streams).percentile());
        let spare = delay.map(|delay| {
            if request.context().picks().is_none() {
                request.context_mut().set_picks(Picks::new());
            }
            let (service, request) = (self.inner.clone(), request.clone());
            Spare::new(service, request, delay)
        });
        let race = Race::new(Arc::clone(&self.shared), streams, tokens, spare);
        Some(race.of_repeat(request.context().is_repeat()))
    }
}

impl<S, Req> Service<Req> for Hedge<S>
where
    S: Service<Req, Error = Error> + Clone,
    S::Response: Answer,
    Req: Metered + Clone,
{
    type Response = S::Response;
    type Error = Error;
    type Future = HedgeFuture<S, Req, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // A second request waits for nothing: the first is let through as soon as it can be.
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let race = self.race(&mut request);
        HedgeFuture::new(self.inner.call(request), race)
    }
}

// === impl Shared ===

impl Shared {
    pub(super) const fn window(&self, streams: bool) -> &Window {
        if streams { &self.streamed } else { &self.whole }
    }
}
