//! Bounds how many calls are under way.
//!
//! # Where it goes
//!
//! Next to the target, inside the retry and outside the attempt's clocks: then no slot is held during
//! a backoff, and time in the queue is not taken for a slow provider. Where `limit` counts requests
//! and tokens of the same target, let it count slots too instead of stacking this layer on it: a slot
//! that waits for tokens, or tokens that wait for a slot, are wasted on both.
//!
//! # When the slot is taken and freed
//!
//! It is taken in `call`, or in the future that it returns when a slot is free, and kept until the
//! answer has ended, failed or was dropped: a stream holds its slot to its last event. `poll_ready`
//! passes through and holds nothing.
//!
//! # Who is next
//!
//! Who waits is served by tokens between tenants, by shares between priorities, and in the order of
//! arrival within a tenant and priority: ten thousand calls of one tenant do not delay the first call
//! of another. A call gives up waiting at its deadline, at
//! [`max_wait`](ConcurrencyLayer::with_max_wait) and by the rule of
//! [`age_bound`](ConcurrencyLayer::with_age_bound), whichever is first. A free slot that comes together
//! with one of these wins, but for the deadline: what is too late is not sent.
//!
//! | refusal | kind | `refused_by` |
//! |---|---|---|
//! | too many wait | overloaded | `concurrency` |
//! | waited too long | overloaded | `concurrency` |
//! | the queue is too old | overloaded | `shed` |
//! | its deadline passed | timeout | `concurrency` |
//!
//! # Fixed or adaptive
//!
//! [`ConcurrencyLayer::new`] has a fixed limit, [`ConcurrencyLayer::adaptive`] finds one out as
//! [`adaptive`](crate::adaptive) says. A limit that sinks takes nothing from calls under way; it lets
//! no new ones in until enough have ended.
//!
//! # Shared between clones
//!
//! The slots and the queue: by clones of the layer, of the service, and by all services that one layer
//! makes. Two layers share nothing.
//!
//! # Examples
//!
//! ```
//! use std::num::NonZeroUsize;
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
//! use towline_layers::concurrency::ConcurrencyLayer;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     let answer = Completion::new(vec![Part::from("Hi.")], FinishReason::Stop);
//!     Ok::<_, Error>(Response::new(Head::new("model", request.model()), Body::complete(answer)))
//! });
//! let layer = ConcurrencyLayer::new(NonZeroUsize::MIN).with_max_queued(100);
//! let handle = layer.handle();
//! let answer = layer.layer(model).oneshot(Request::new("gpt-4o-mini", "Hello")).await?;
//! assert_eq!(answer.into_body().collect().await?.text(), "Hi.");
//! assert_eq!((handle.in_flight(), handle.limit()), (0, 1));
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod service;
mod slots;

pub use self::{
    future::ConcurrencyFuture,
    layer::{ConcurrencyHandle, ConcurrencyLayer},
    service::Concurrency,
};
