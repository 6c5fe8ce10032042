//! Tries again what failed for the moment.
//!
//! # Where it goes
//!
//! Inside the fallback, outside everything that one attempt needs: the balancer, breakers, limits and
//! the clocks of an attempt. So each attempt picks its deployment anew, spends quota, is seen by the
//! breaker and has its full time; and while the layer waits for the next one, nothing is held.
//!
//! # What it promises
//!
//! - What fails before the first content of an answer is tried again, if the table of core says that
//!   it may be ([`Error::is_retryable`](towline_core::Error::is_retryable)). After the first content
//!   nothing is: the answer breaks off with its error.
//! - A malformed tool call ([`Repeat::Once`](towline_core::error::Repeat::Once)) is tried again once. A
//!   request that must not be sent twice ([`RetrySafety::Once`](towline_core::RetrySafety::Once)) is
//!   not; nor is what another layer turned away, or what the total deadline ended.
//! - What timed out is tried again like the rest. [`RetryPolicy::with_max_timeouts`] bounds how often,
//!   where somebody else is to be asked in the same time.
//! - Pauses are drawn anew for each call, over their whole range, to the nanosecond. The provider's
//!   own hint (`Retry-After` and its like) is the least that is waited, and the drawn pause comes on top,
//!   so that callers with the same hint do not come back together. A hint above
//!   [`RetryPolicy::with_hint_cap`], or beyond the deadline, ends the call at once.
//! - Where the error says that another deployment of the group takes calls
//!   ([`Error::has_sibling`](towline_core::Error::has_sibling)), the next attempt is asked to avoid the one
//!   that failed, and waits the drawn pause alone: the hint is not for the other. So are tried again, within
//!   the same bounds, a key or an account that was turned down, a quota that is used up and a model that is
//!   not there.
//! - No attempt begins later than [`RetryPolicy::with_min_attempt`] before the deadline. A pause that
//!   is too long for it is cut short, but never below the hint.
//! - Tokens of retries stay within the [`Budget`](crate::budget::Budget).
//! - A retry does not queue: where the inner service is not ready when the pause is over, it is not made.
//! - Whatever ends the trying, the caller gets the last error that came from a provider, as it came.
//!
//! # Shared between clones
//!
//! The budget, and the counter from which each call's randomness starts.
//!
//! # Panics
//!
//! A pause panics outside a tokio runtime that has its timer enabled.
//!
//! # Examples
//!
//! ```
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use towline_core::{Body, Completion, Error, ErrorKind, FinishReason, Head, Part, Request, Response};
//! use towline_layers::retry::{RetryLayer, RetryPolicy};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! let calls = AtomicU32::new(0);
//! let model = service_fn(|request: Request| {
//!     let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
//!     async move {
//!         if first {
//!             return Err(Error::new(ErrorKind::Overloaded));
//!         }
//!         let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
//!         Ok(Response::new(Head::new("openai", request.model()), body))
//!     }
//! });
//! let patient = RetryLayer::new(RetryPolicy::default()).layer(model);
//! patient.oneshot(Request::new("gpt-4o", "Hello?")).await?;
//! assert_eq!(calls.load(Ordering::Relaxed), 2);
//! # Ok(())
//! # }
//! ```

mod again;
mod backoff;
mod policy;
mod rest;
mod service;

pub use self::{
    backoff::Jitter,
    policy::RetryPolicy,
    service::{Retry, RetryFuture, RetryLayer},
};
