//! Makes one call of equal calls that are made at one time.
//!
//! # Where it goes
//!
//! Inside the total deadline and the cache, outside admission: a call that joins another costs no
//! quota. It is off by default, because it changes what equal calls mean: they get the same answer. A
//! program that asks the same question several times to compare the answers must not use it, or mark
//! these calls with [`RetrySafety::Once`](towline_core::RetrySafety::Once).
//!
//! # What it promises
//!
//! - Calls are equal where all that goes to the provider is equal
//!   ([`Request::asks_the_same_as`](towline_core::Request::asks_the_same_as)) and the tenant is the
//!   same. Tenants never share an answer; calls without a tenant share among themselves. A hash finds
//!   the candidates, and the whole request is compared: a collision costs time, never a wrong answer.
//! - An equal call joins while the first one is under way and its answer can still be told from the
//!   start. It does not join one of lower priority, which may wait longer than it should.
//! - Nobody owns the shared call. Who waits for it drives it; when the first caller leaves, those who
//!   remain go on, and the call is dropped only with the last of them. No task is spawned.
//! - Each caller's deadline ends his own waiting and nothing else, and so the call itself is made
//!   without one: neither a retry nor a queue gives up because of it. That of the first caller stays as
//!   the moment by which a fallback divides the time
//!   ([`Context::plan_by`](towline_core::Context::plan_by)), and its targets have to begin in their turn.
//! - The pieces of a streamed answer are kept for all, up to a bound in bytes
//!   ([`CoalesceLayer::with_buffer`]). A reader never holds up another one. One that falls further
//!   behind than the bound gets an [`ErrorKind::Truncated`](towline_core::ErrorKind::Truncated) of
//!   this layer. A reader that is alone cannot fall behind.
//! - An error is given to each, with kind, message, source and hints as they were.
//!
//! Calls that may be sent only once, hedges and second tries are passed through.
//!
//! # What a caller sees of it
//!
//! Who joined has a [`Step::Waited`](towline_core::Step::Waited) of `coalesce` with the reason
//! `joined` in his journey, and the usage of the answer like everybody: add up the usage of those who
//! did not join to know what was billed. The attempts stand in the journey of the first caller, and so
//! does what they cost. His tags, trace parent and priority are those of the shared call.
//!
//! # Shared between clones
//!
//! The calls under way. Each use of [`CoalesceLayer`] makes a service with its own.
//!
//! # Examples
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
//! use towline_layers::coalesce::CoalesceLayer;
//! use tower::{Layer, Service, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let calls = Arc::new(AtomicUsize::new(0));
//! let counted = Arc::clone(&calls);
//! let model = service_fn(move |request: Request| {
//!     counted.fetch_add(1, Ordering::Relaxed);
//!     async move {
//!         tokio::task::yield_now().await;
//!         let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
//!         Ok::<_, Error>(Response::new(Head::new("any", request.model()), body))
//!     }
//! });
//! let mut model = CoalesceLayer::new().layer(model);
//! let (one, other) = (
//!     model.call(Request::new("gpt-4o-mini", "Say hello.")),
//!     model.call(Request::new("gpt-4o-mini", "Say hello.")),
//! );
//! let (one, other) = tokio::join!(one, other);
//! assert_eq!(one?.collect().await?.text(), other?.collect().await?.text());
//! assert_eq!(calls.load(Ordering::Relaxed), 1);
//! # Ok(())
//! # }
//! ```

mod bell;
mod flight;
mod layer;
mod registry;
mod replay;
mod seat;

pub use self::layer::{Coalesce, CoalesceFuture, CoalesceLayer};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what nothing panics in: where something did, what it left is still the best there is.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
