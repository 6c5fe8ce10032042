//! Admits calls by requests and tokens per minute and by slots, in one step, fairly.
//!
//! # Where it goes
//!
//! In one of two places, or in both:
//!
//! - Next to a provider, inside the retry and the breaker and outside the clocks of the attempt: the
//!   provider counts attempts, no limit is spent on a call that will be refused, nothing is held
//!   during a backoff, and time in the queue is not taken for a slow provider. One layer counts
//!   requests, tokens and slots together. In two layers, tokens would wait for a slot, or a slot for
//!   tokens, and neither is of use to anybody meanwhile.
//! - Far outside, outside fallback and retry, keyed by tenant: a tenant's limit counts the calls of
//!   the program. Switch [learning](LimitConfig::with_learn) off there: then a provider's rejection
//!   empties no tenant's bucket.
//!
//! # What it promises
//!
//! - In any time no more is granted than the burst and what flows in meanwhile, exactly, of all
//!   dimensions or of none. A call larger than the bucket goes when the bucket is full, and those
//!   after it wait for its debt; [`Oversize`] can refuse it instead.
//! - Who waits is served in the order of arrival within a tenant and priority, by tokens between
//!   tenants and by shares between priorities. Who is next is told when; what flows in until then is
//!   kept for it, and smaller ones go before it only where that does not delay it. So no call starves,
//!   however large.
//! - A call reserves what it may use, and when its answer is whole gives back what it did not. What
//!   comes back is never more than the provider has left, see [`Refund`]. What nobody says stays
//!   taken, and the journey says so: a wait of no time for `usage_unknown`.
//! - When the provider answers "not so fast", the whole key waits for as long as it asked, and then
//!   goes on at its pace from an empty bucket. The call that was answered so fails with that error;
//!   whether it is made again is the retry's business.
//! - What the provider says of its limits lowers ours, for a minute, and raises them only when that
//!   minute is over. Limits need not be configured at all: where the provider's headers name them they
//!   are learned, and where only its rejections tell, the rate of requests is guessed.
//!
//! # When a slot and a reservation are taken and given back
//!
//! They are taken in `call`, or in the future that it returns when it is the call's turn, and held
//! until the answer has ended, failed or was dropped: a stream holds its slot to its last event.
//! `poll_ready` passes through and holds nothing.
//!
//! # Refusals
//!
//! | refusal | kind | `refused_by` | `retry_after` |
//! |---|---|---|---|
//! | it is not to wait ([`Mode::Reject`]) | rate limit | `limit` | exact; none where it is a slot that is missing |
//! | its turn is after its deadline or the longest wait | rate limit | `limit` | exact for who is next, else the least it may be |
//! | its deadline or the longest wait is over | rate limit | `limit` | where it is known |
//! | too many wait | rate limit | `limit` | the least it may be |
//! | the queue is too old | overloaded | `shed` | by its age |
//! | it is larger than the bucket ever holds ([`Oversize::Refuse`]) | too large | `limit` | none |
//!
//! Nothing was sent in any of these cases. A wait that certainly ends too late is refused when it
//! would begin. Where a call's turn and its deadline come together, its turn wins.
//!
//! # Timers
//!
//! No task runs in the background. A call that waits has one timer of its own, for its turn if it is
//! next, and for the end of its patience. Who leaves wakes the next. A waiting future that is kept and
//! not polled holds up those behind it.
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | [`key`](LimitConfig::with_key) | all calls share one limit | a layer stands in front of one deployment |
//! | [`mode`](LimitConfig::with_mode) | waits | a retry would wait as well, and not in turn |
//! | [`max_wait`](LimitConfig::with_max_wait) | the call's deadline | |
//! | [`max_queued`](LimitConfig::with_max_queued) | 1000 | memory |
//! | burst of a [`Quota`] | a minute's amount | what providers allow |
//! | [`refund`](Rules::with_refund) | replay | exact |
//! | [`hold`](Rules::with_hold) | 5 minutes | a hint of hours is a mistake more often than not |
//! | [`age`](Rules::with_age) | an hour | no answer takes that long |
//!
//! # Shared between clones
//!
//! The buckets, the slots and the queues: by clones of the layer, of the service, and by all services
//! that one layer makes. Two layers share nothing, unless they have one [`Store`] that does. A key
//! that nobody uses is forgotten once its bucket is full; one that knows a limit from its provider alone a
//! day later.
//!
//! # Panics
//!
//! A future that waits panics outside a tokio runtime with its timer enabled.
//!
//! # Examples
//!
//! ```
//! use std::num::NonZeroU64;
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
//! use towline_layers::limit::{
//!     Charge, Dimension, LimitConfig, LimitLayer, Quota, Quotas, Rules,
//! };
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     let answer = Completion::new(vec![Part::from("Hi.")], FinishReason::Stop);
//!     Ok::<_, Error>(Response::new(Head::new("model", request.model()), Body::complete(answer)))
//! });
//! let per_minute = |amount| NonZeroU64::new(amount).map(Quota::per_minute);
//! let mut quotas = Quotas::unlimited().with_slots(64);
//! for (dimension, amount) in [(Dimension::Requests, 500), (Dimension::Tokens, 450_000)] {
//!     if let Some(quota) = per_minute(amount) {
//!         quotas = quotas.with(dimension, quota);
//!     }
//! }
//! let config = LimitConfig::new("openai").with_charge(Charge::openai());
//! let layer = LimitLayer::new(config, Rules::new(quotas));
//! let handle = layer.handle();
//! let answer = layer.layer(model).oneshot(Request::new("gpt-4o-mini", "Hello")).await?;
//! assert_eq!(answer.into_body().collect().await?.text(), "Hi.");
//! assert_eq!((handle.in_use(), handle.waiting()), (0, 0));
//! # Ok(())
//! # }
//! ```

mod config;
pub mod conformance;
mod demand;
mod future;
mod gcra;
mod guess;
mod held;
mod lane;
mod lanes;
mod layer;
mod ledger;
mod local;
mod meter;
mod quota;
mod refusal;
mod store;
mod waiting;

pub use self::{
    config::{Charge, KeyFn, LimitConfig, LimitKey, Mode},
    demand::{Demand, Dimension, Spent},
    future::LimitFuture,
    layer::{Limit, LimitHandle, LimitLayer},
    local::{LocalBucket, LocalReservation, LocalStore},
    quota::{Quota, Quotas},
    store::{Booking, Bucket, Key, Oversize, Reason, Refund, Rules, Store, Verdict, Wait},
};
