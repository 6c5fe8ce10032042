//! Spreading the calls.

use super::{
    asked::Asked,
    deployment::{Deployment, DeploymentStatus, Slot, hash},
    future::BalanceFuture,
    latency::{Millis, number},
    pick::Choice,
    spare::{After, Spare},
};
use crate::{
    ask::Ask,
    handle::{self, Handle},
    refused,
    seed::Seeds,
};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tower_service::Service;
use towline_core::{Answer, Error, ErrorKind, Metered, Moment};

const LAYER: &str = "balance";

/// Deployments that share the calls. The [module docs](super) say how.
pub struct Balance<S> {
    shared: Arc<Shared<S>>,
}

pub(super) struct Shared<S> {
    pub(super) slots: Box<[Slot<S>]>,
    /// Whether all have the same weight.
    even: bool,
    mean: f32,
    sticky: bool,
    pub(super) began: Instant,
    seeds: Seeds,
}

// === impl Balance ===

impl<S> Balance<S> {
    /// Spreads calls over one deployment, to begin with.
    #[must_use]
    pub fn new(deployment: Deployment<S>) -> Self {
        Self::over(vec![deployment], false)
    }

    /// Spreads calls over `deployment` too.
    #[must_use]
    pub fn and(self, deployment: Deployment<S>) -> Self
    where
        S: Clone,
    {
        let known = self.shared.slots.iter().map(|slot| slot.deployment.clone());
        Self::over(known.chain([deployment]).collect(), self.shared.sticky)
    }

    /// Whether calls that begin alike, of one tenant, go to one deployment as long as it takes calls:
    /// its prompt cache knows the beginning. Default false.
    #[must_use]
    pub fn with_sticky(self, sticky: bool) -> Self
    where
        S: Clone,
    {
        let known = self.shared.slots.iter().map(|slot| slot.deployment.clone());
        Self::over(known.collect(), sticky)
    }

    /// How the deployments fare, in their order.
    #[must_use]
    pub fn status(&self) -> Vec<DeploymentStatus> {
        let now = Instant::now();
        let slots = self.shared.slots.iter();
        slots.map(|slot| slot.status(now)).collect()
    }

    fn over(deployments: Vec<Deployment<S>>, sticky: bool) -> Self {
        let weights = || deployments.iter().map(Deployment::weight);
        let even = weights().all(|weight| Some(weight) == weights().next());
        let count = u32::try_from(deployments.len()).unwrap_or(u32::MAX);
        let sum: f32 = weights().map(|weight| number(weight.get())).sum();
        Self {
            shared: Arc::new(Shared {
                even,
                mean: sum / number(count.max(1)),
                slots: deployments.into_iter().map(Slot::new).collect(),
                sticky,
                began: Instant::now(),
                seeds: Seeds::random(),
            }),
        }
    }
}

impl<S, Req> Service<Req> for Balance<S>
where
    S: Service<Req, Error = Error> + Clone + Send + Sync + 'static,
    S::Response: Answer,
    Req: Metered + Clone,
{
    type Response = S::Response;
    type Error = Error;
    type Future = BalanceFuture<S, Req>;

    /// Always: who is asked is known only with the call, and made ready inside it.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        BalanceFuture::new(&self.shared, request)
    }
}

impl<S, Req> Ask<Req> for Balance<S>
where
    S: Ask<Req, Answer: Answer> + 'static,
    Req: Metered + Clone,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        mut request: Req,
        mut moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let mut spare = Spare::of(&request, self.shared.slots.len());
            loop {
                let now = moment.now();
                let (index, slot) = self.shared.pick(&mut request, now)?;
                let asked = Asked::new(Handle::Borrowed(&self.shared), index, now, &request);
                let error = match slot.deployment.service().ask_at(request, moment).await {
                    Ok(mut answer) => {
                        handle::follow(&mut answer, asked, Asked::into_owned);
                        return Ok(answer);
                    }
                    Err(error) => error,
                };
                match spare.after(error, asked) {
                    After::Ask(other) => request = other,
                    After::Fail(error) => return Err(error),
                }
                moment = Moment::new();
            }
        }
    }
}

impl<S> Clone for Balance<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// Shows how the deployments fare.
impl<S> fmt::Debug for Balance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balance")
            .field("deployments", &self.status())
            .field("sticky", &self.shared.sticky)
            .finish()
    }
}

// === impl Shared ===

impl<S> Shared<S> {
    /// Picks a deployment, and addresses the request to it.
    pub(super) fn pick<Req: Metered>(
        &self,
        request: &mut Req,
        now: Instant,
    ) -> Result<(usize, &Slot<S>), Error> {
        let context = request.context();
        let picked = match &*self.slots {
            // Whether it is well or not: there is no other.
            [_] if context.avoided().is_empty() && !context.is_hedge() => Some(0),
            _ => self.choose(request, now),
        };
        let picked = picked.and_then(|index| Some((index, self.slots.get(index)?)));
        let Some((index, slot)) = picked else {
            return Err(refuse(request));
        };
        if let Some(picks) = request.context().picks() {
            picks.push(slot.deployment.name().clone());
        }
        slot.deployment.address(request);
        Ok((index, slot))
    }

    /// One of several, where one may be asked.
    fn choose<Req: Metered>(&self, request: &Req, now: Instant) -> Option<usize> {
        let choice = Choice {
            slots: &self.slots,
            even: self.even,
            mean: self.mean,
            now,
            millis: Millis::between(self.began, now),
            streamed: request.streams(),
        };
        let context = request.context();
        let mut rng = self.seeds.rng(context);
        // A call that says where its randomness starts shall not draw the same again.
        for _ in context.avoided() {
            rng.next_u64();
        }
        choice.pick(context, self.affinity(request), &mut rng)
    }

    /// What makes calls go to the same deployment. Tenants share no cache.
    fn affinity<Req: Metered>(&self, request: &Req) -> Option<u64> {
        if !self.sticky {
            return None;
        }
        let affinity = request.affinity()?;
        let tenant = request.context().tenant().unwrap_or("");
        Some(affinity.rotate_left(1) ^ hash(tenant))
    }
}

/// Nobody is asked: only a hedge is refused, which has no use for a deployment that was asked before.
fn refuse<Req: Metered>(request: &Req) -> Error {
    let error = Error::new(ErrorKind::Overloaded)
        .with_refused_by(LAYER)
        .with_message("no other deployment takes calls that could be asked beside the first");
    refused::note(request.context(), LAYER, &error);
    error
}
