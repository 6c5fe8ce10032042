//! Asks twice when the first answer is slow to begin, and takes the one that begins first.
//!
//! # Where it goes
//!
//! Inside the retries and outside the balancer, which sends the second request to another deployment. It
//! is off until somebody puts it there: the loser is billed by most providers, even where nothing of it
//! was read.
//!
//! # When it asks again
//!
//! When the first content is later than most calls' was: by default than that of 95 of 100 of the last
//! 256 calls. Until [`HedgePolicy::with_min_samples`] calls have been seen it does not ask twice, unless
//! [`HedgePolicy::with_first_delay`] says after what time. [`HedgePolicy::with_delay`] sets a time for
//! good. A call that is not streamed is not hedged ([`HedgePolicy::with_whole`]): the time to its first
//! content is its length, and a long answer is no sign of trouble.
//!
//! All calls through one layer are measured together. Models that think for a minute and models that
//! answer at once want a layer each.
//!
//! # What it promises
//!
//! - At most one second request per call, only before the first content, and never for a request that
//!   must not be sent twice ([`RetrySafety::Once`](towline_core::RetrySafety::Once)).
//! - In any span of time, tokens of second requests are at most the share of those of first ones that
//!   [`HedgePolicy::with_max_extra`] sets, plus its reserve. Where a
//!   [`Budget`](crate::budget::Budget) is shared with the retries, they come out of that too.
//! - The second request avoids the deployments of the first
//!   ([`Context::avoid`](towline_core::Context::avoid)) and is marked
//!   ([`Context::is_hedge`](towline_core::Context::is_hedge)): a balancer that has no other refuses it.
//! - The loser is dropped before the winner's first event can be read.
//! - If the second request cannot be made, or fails, the first goes on as if nothing had been. If the
//!   first fails, the second goes on. If both fail, the caller gets the error of the first, unless only
//!   the second asked a provider.
//!
//! # Shared between clones
//!
//! The measurements and the budgets.
//!
//! # Panics
//!
//! The timer panics outside a tokio runtime that has its timer enabled.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
//! use towline_layers::hedge::{HedgeLayer, HedgePolicy};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     // The first deployment that is asked hangs.
//!     if !request.context().is_hedge() {
//!         tokio::time::sleep(Duration::from_secs(600)).await;
//!     }
//!     let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
//!     Ok::<_, Error>(Response::new(Head::new("openai", request.model()), body))
//! });
//! let policy = HedgePolicy::default().with_delay(Duration::from_secs(2));
//! let quick = HedgeLayer::new(policy).layer(model);
//! let answer = quick.oneshot(Request::new("gpt-4o", "Hello?").with_stream(true)).await?;
//! assert_eq!(answer.collect().await?.text(), "Hi.");
//! # Ok(())
//! # }
//! ```

mod future;
mod policy;
mod service;
mod window;

pub use self::{
    future::HedgeFuture,
    policy::HedgePolicy,
    service::{Hedge, HedgeLayer},
};
