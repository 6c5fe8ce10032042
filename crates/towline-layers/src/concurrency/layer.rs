//! The layer and the handle.

use super::{
    Concurrency,
    slots::{Config, Slots, Start},
};
use crate::{
    adaptive::Adaptive,
    overload::{AgeBound, QueueGauge},
};
use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};
use tower_layer::Layer;

/// Bounds how many calls are under way. The [module docs](super) say where it goes.
///
/// What `with_` sets is set before the layer is cloned or used: it makes a layer with slots of its
/// own.
#[derive(Clone)]
pub struct ConcurrencyLayer {
    config: Config,
    slots: Arc<Slots>,
}

/// Looks at the slots of a [`ConcurrencyLayer`], and changes how many there are.
#[derive(Clone)]
pub struct ConcurrencyHandle {
    slots: Arc<Slots>,
}

// === impl ConcurrencyLayer ===

impl ConcurrencyLayer {
    /// At most `limit` calls at once. Others wait, as many as come and as long as they like.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        Self::with(Config::new(Start::Fixed(limit.get())))
    }

    /// Any number of calls at once. They are not even counted, until a limit is set by the
    /// [handle](Self::handle); who came before that is not among those it bounds.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::with(Config::new(Start::Open))
    }

    /// At most as many calls at once as the target turns out to bear.
    #[must_use]
    pub fn adaptive(adaptive: Adaptive) -> Self {
        Self::with(Config::new(Start::Adaptive(adaptive)))
    }

    /// At most `most` calls wait. One more costs one its place: of the lowest priority, and the
    /// youngest of the tenant that waits for most tokens. That may be the call that has just come. With
    /// 0 none waits: a call that finds no slot free is refused.
    #[must_use]
    pub fn with_max_queued(mut self, most: usize) -> Self {
        self.config.max_queued = Some(most);
        Self::with(self.config)
    }

    /// No call waits longer than `most`.
    #[must_use]
    pub fn with_max_wait(mut self, most: Duration) -> Self {
        self.config.max_wait = Some(most);
        Self::with(self.config)
    }

    /// Sheds calls when the queue grows old.
    #[must_use]
    pub fn with_age_bound(mut self, rule: AgeBound) -> Self {
        self.config.age_bound = Some(rule);
        Self::with(self.config)
    }

    /// Shows the queue in `gauge`, for a layer further outside. A gauge shows one queue.
    #[must_use]
    pub fn with_gauge(mut self, gauge: QueueGauge) -> Self {
        self.config.gauge = gauge;
        Self::with(self.config)
    }

    /// What shows the queue.
    #[must_use]
    pub fn gauge(&self) -> QueueGauge {
        self.config.gauge.clone()
    }

    /// A handle of the slots.
    #[must_use]
    pub fn handle(&self) -> ConcurrencyHandle {
        ConcurrencyHandle {
            slots: Arc::clone(&self.slots),
        }
    }

    fn with(config: Config) -> Self {
        Self {
            slots: Arc::new(Slots::new(config.clone())),
            config,
        }
    }
}

impl<S> Layer<S> for ConcurrencyLayer {
    type Service = Concurrency<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Concurrency::new(inner, Arc::clone(&self.slots))
    }
}

impl fmt::Debug for ConcurrencyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slots.describe(&mut f.debug_struct("ConcurrencyLayer"))
    }
}

// === impl ConcurrencyHandle ===

impl ConcurrencyHandle {
    /// From now on `limit` calls at most. Calls under way go on, also where they are more. A limit
    /// that was adaptive does not adapt any more.
    pub fn set_limit(&self, limit: NonZeroUsize) {
        self.slots.set_limit(limit.get());
    }

    /// How many calls may be under way.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.slots.counts().limit
    }

    /// How many calls are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.slots.counts().in_flight
    }

    /// How many calls wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.slots.counts().waiting
    }
}

impl fmt::Debug for ConcurrencyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slots
            .describe(&mut f.debug_struct("ConcurrencyHandle"))
    }
}
