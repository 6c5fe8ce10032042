//! Spreads calls over deployments of a model.
//!
//! # Where it goes
//!
//! Inside retry and hedge, so that each attempt picks anew; outside the breakers and limits, of which
//! each deployment has its own. It takes the place of the service inside: each [`Deployment`] is a stack
//! of its own.
//!
//! # Whom it picks
//!
//! Of two that are drawn by weight the one that is clearly less loaded, else the first. The load is
//! the time until answers begin, times one more than the calls under way; a stream is under way until
//! it has ended. A whole answer counts with its time for each hundred tokens: how long it takes is
//! mostly how long it is.
//!
//! - One that fails is slow, however fast it fails: a failure counts like an answer that took as long
//!   as the provider's `Retry-After` (five minutes at most), else five seconds. The penalty fades by
//!   two thirds in ten seconds.
//! - One whose breaker is open is not picked while another takes calls. Its breaker tells by
//!   [`Deployment::with_health`], else by the first call that it refuses. Where none takes calls, the
//!   one is asked that takes calls again soonest: nobody is turned away here for that.
//! - One that the call [avoids](towline_core::Context::avoid), because it was asked before, is not
//!   picked while another takes calls; and a hedge is never sent to it.
//! - One whose provider says when to come back is not picked until then (five minutes at most) while another
//!   takes calls: for five seconds after a rate limit without a time, for thirty after a key, an account or a
//!   quota was turned down.
//! - Where a layer of ours inside a deployment (a limit, a breaker) turns the call away, nothing was
//!   sent: another that takes calls is asked in its place, until all were. Any other error comes as it
//!   is, and says whether another could be asked ([`Error::has_sibling`](towline_core::Error::has_sibling)):
//!   the retry outside then does not wait for what the one that failed said of itself.
//! - With [`sticky`](Balance::with_sticky), calls of one tenant that begin alike
//!   ([`Metered::affinity`](towline_core::Metered::affinity)) go to the same deployment while it takes
//!   calls, whatever its load.
//!
//! # Readiness
//!
//! It is always ready: who is asked is known only with the call. That one is made ready inside the
//! call's future, which counts as its load.
//!
//! # Shared between clones
//!
//! Everything. Calls work on clones of the deployments' services.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Body, Completion, Error, ErrorKind, FinishReason, Head, Request, Response};
//! use towline_layers::{
//!     balance::{Balance, Deployment},
//!     breaker::{Breaker, BreakerConfig, BreakerLayer},
//! };
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     let body = Body::complete(Completion::new(Vec::new(), FinishReason::Stop));
//!     Ok::<_, Error>(Response::new(Head::new("azure", request.model()), body))
//! });
//! let deployment = |name: &'static str| {
//!     let breaker = Breaker::new(name, BreakerConfig::new());
//!     let guarded = BreakerLayer::new(&breaker).layer(model);
//!     Deployment::new(name, guarded).with_health(breaker.health())
//! };
//! let balance = Balance::new(deployment("azure-east")).and(deployment("azure-west"));
//! for _ in 0..10 {
//!     balance.clone().oneshot(Request::new("gpt-4o", "Hello?")).await?;
//! }
//! assert!(balance.status().iter().all(|deployment| deployment.pending() == 0));
//! # Ok(())
//! # }
//! ```

mod asked;
mod deployment;
mod future;
mod latency;
mod pick;
mod service;
mod spare;

pub use self::{
    deployment::{Deployment, DeploymentStatus},
    future::BalanceFuture,
    service::Balance,
};
