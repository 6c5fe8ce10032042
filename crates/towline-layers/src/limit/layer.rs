//! The limit as a layer.

use super::{
    Bucket, LimitConfig, LocalStore, Mode, Rules, Store, Verdict,
    future::{self, LimitFuture},
    held::Held,
    lane::Lane,
    lanes::Lanes,
    refusal,
    waiting::Waiting,
};
use crate::ask::Ask;
use std::{
    fmt,
    future::poll_fn,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, Metered, Moment};

/// Admits calls by their cost. The [module docs](super) say where it goes.
///
/// Clones, and all services that they make, share one limit.
pub struct LimitLayer<T: Store = LocalStore> {
    shared: Arc<Shared<T>>,
}

/// The service that [`LimitLayer`] makes.
pub struct Limit<S, T: Store = LocalStore> {
    inner: S,
    shared: Arc<Shared<T>>,
}

/// Changes and looks at a limit while it is in use.
pub struct LimitHandle<T: Store = LocalStore> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
pub(super) struct Shared<T: Store> {
    pub(super) config: LimitConfig,
    pub(super) lanes: Lanes<T>,
    /// Nothing is limited and nothing is learned: calls pass uncounted.
    open: AtomicBool,
}

/// What becomes of a call that comes.
enum Entry<'a, T: Store> {
    /// Nobody counts.
    Open,
    Admitted(Held<'a, T::Bucket>),
    /// On the heap, so that a call that need not wait is not the larger for it.
    Waiting(Pin<Box<Waiting<T>>>),
}

// === impl LimitLayer ===

impl LimitLayer {
    /// Holds `rules` in this process.
    #[must_use]
    pub fn new(config: LimitConfig, rules: Rules) -> Self {
        let open = rules.quotas().is_unlimited() && !config.learn;
        let layer = Self::with_store(config, LocalStore::new(rules));
        layer.shared.open.store(open, Ordering::Relaxed);
        layer
    }
}

impl<T: Store> LimitLayer<T> {
    /// Holds the rules of `store`.
    #[must_use]
    pub fn with_store(config: LimitConfig, store: T) -> Self {
        let lanes = Lanes::new(store, &config);
        Self {
            shared: Arc::new(Shared {
                config,
                lanes,
                open: AtomicBool::new(false),
            }),
        }
    }

    /// To change and look at the limit while it is in use.
    #[must_use]
    pub fn handle(&self) -> LimitHandle<T> {
        LimitHandle {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, T: Store> Layer<S> for LimitLayer<T> {
    type Service = Limit<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        Limit {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Store> Clone for LimitLayer<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Store> fmt::Debug for LimitLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitLayer")
            .field("shared", &self.shared)
            .finish()
    }
}

// === impl Limit ===

impl<S, T, Req, A> Service<Req> for Limit<S, T>
where
    S: Service<Req, Response = A, Error = Error> + Clone,
    T: Store,
    Req: Metered,
    A: Answer,
{
    type Response = A;
    type Error = Error;
    type Future = LimitFuture<S, Req, T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self.shared.enter(&request, &Moment::new()) {
            Entry::Open => LimitFuture::calling(self.inner.call(request), None),
            Entry::Admitted(held) => {
                let held = held.into_owned();
                LimitFuture::calling(self.inner.call(request), Some(held))
            }
            Entry::Waiting(waiting) => {
                // The instance that was readied is the one that is called.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                LimitFuture::waiting(waiting, ready, request)
            }
        }
    }
}

impl<S, T, Req> Ask<Req> for Limit<S, T>
where
    S: Ask<Req, Answer: Answer>,
    T: Store,
    Req: Metered + Sync,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        request: Req,
        mut moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let held = self.shared.admit(&request, &mut moment).await?;
            let result = self.inner.ask_at(request, moment).await;
            future::end(result, held)
        }
    }
}

impl<S: Clone, T: Store> Clone for Limit<S, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: fmt::Debug, T: Store> fmt::Debug for Limit<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

// === impl Shared ===

impl<T: Store> Shared<T> {
    /// What a call holds, once it is its turn. Nothing where nobody counts.
    async fn admit<Req: Metered + Sync>(
        self: &Arc<Self>,
        request: &Req,
        moment: &mut Moment,
    ) -> Result<Option<Held<'_, T::Bucket>>, Error> {
        match self.enter(request, moment) {
            Entry::Open => Ok(None),
            Entry::Admitted(held) => Ok(Some(held)),
            Entry::Waiting(mut waiting) => {
                let context = request.context();
                let held = poll_fn(|cx| waiting.as_mut().poll(cx, context)).await;
                moment.renew();
                held.map(Some)
                    .map_err(|error| refusal::noted(error, context))
            }
        }
    }

    /// Takes what the call may use, or a place in the queue.
    fn enter<Req: Metered>(self: &Arc<Self>, request: &Req, moment: &Moment) -> Entry<'_, T> {
        if self.open.load(Ordering::Relaxed) {
            return Entry::Open;
        }
        let config = &self.config;
        let lane = self.lanes.get(config, request);
        let demand = config.charge.demand(request, lane.usual());
        let mut direct = config.mode == Mode::Reject;
        if direct || lane.waiting() == 0 {
            match lane.bucket.admit_now(&demand, None, moment) {
                Some(Verdict::Granted(reservation)) => {
                    let journey = request.context().journey().cloned();
                    return Entry::Admitted(Held::new(lane, reservation, journey));
                }
                // It asks again in its turn, and is told again.
                Some(_) => {}
                None => direct = true,
            }
        }
        let waiting = Waiting::new(Arc::clone(self), lane.share(), demand, direct);
        Entry::Waiting(Box::pin(waiting))
    }
}

// === impl LimitHandle ===

impl<T: Store> LimitHandle<T> {
    /// Lets at most `slots` calls of each key be under way from now on; None for any number. Calls
    /// under way stay, whatever the number.
    ///
    /// Calls that began while nothing was limited or learned are not counted among those under way.
    pub fn set_slots(&self, slots: Option<usize>) {
        self.shared.open.store(false, Ordering::Relaxed);
        self.shared.lanes.store().set_slots(slots);
        self.shared.lanes.for_each(Lane::wake);
    }

    /// Calls under way, of all keys. Where nothing is limited and nothing is learned, none is counted.
    #[must_use]
    pub fn in_use(&self) -> usize {
        let mut sum = 0;
        self.shared
            .lanes
            .for_each(|lane| sum += lane.bucket.in_use());
        sum
    }

    /// Calls that wait, of all keys.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let mut sum = 0;
        self.shared.lanes.for_each(|lane| sum += lane.waiting());
        sum
    }

    /// Keys that are remembered.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.shared.lanes.count()
    }
}

impl<T: Store> Clone for LimitHandle<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Store> fmt::Debug for LimitHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitHandle")
            .field("shared", &self.shared)
            .finish()
    }
}
