//! Asks other targets, in order, where the first cannot answer.
//!
//! # Where it goes
//!
//! Outside the retries: a retry is for a blip, another target is for an outage. Each target is a stack
//! of its own with its own retries, breaker and limits; a breaker that is open refuses at once, and the
//! next target is asked.
//!
//! # What it promises
//!
//! - Targets are asked in their order, each at most once. Each gets the caller's request as it was,
//!   with the target's own model.
//! - What fails before the first content of the answer is not seen by the caller, but in the journey.
//!   After it nobody else is asked: the answer breaks off with its error. [`continuation`] goes on
//!   with it, where the application wants that.
//! - The table of [`ErrorKind::elsewhere`](towline_core::ErrorKind::elsewhere) says which errors move
//!   on. A request that the provider found malformed is sent to nobody else; one that was too long
//!   goes only to a target with a larger window; one that a content filter refused goes on only where
//!   [`Fallback::with_filtered`] says so.
//! - A target that cannot do what the request needs (tools, images, files, a schema), or whose window
//!   is too small by the caller's own count, is passed over. The first is passed over where another can
//!   do it, and for its window only where another's is known to hold the request; the journey says
//!   why. Where nobody can, the first is asked, whose answer says most.
//! - Where all fail, the caller gets the most telling error, which is the last that came from a
//!   provider, with the others attached ([`Error::others`](towline_core::Error::others)).
//! - When the deadline has passed nobody else is asked. So a target leaves some time to those behind it
//!   that could be asked: one that has not begun to answer in the last quarter of what it had, or in
//!   the last minute where that is less ([`Fallback::with_reserve`]), is left with an error of
//!   [`Clock::Target`](towline_core::Clock::Target). Inside, queues and retries heed that moment
//!   ([`Context::begin_by`](towline_core::Context::begin_by)); an answer that has begun is not held to it,
//!   and a call that must not be sent twice is not left for it.
//!
//! # Shared between clones
//!
//! The list of targets, and whatever their services share.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Body, Completion, Error, ErrorKind, FinishReason, Head, Part, Request, Response};
//! use towline_layers::fallback::{Fallback, Target};
//! use tower::{ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     if request.model() == "gpt-4o" {
//!         return Err(Error::new(ErrorKind::Overloaded));
//!     }
//!     let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
//!     Ok(Response::new(Head::new("anthropic", request.model()), body))
//! });
//! let fallback = Fallback::new(Target::new("openai", model))
//!     .then(Target::new("anthropic", model).with_model("claude-sonnet-4-5"));
//! let answer = fallback.oneshot(Request::new("gpt-4o", "Hello?")).await?;
//! assert_eq!(answer.head().model(), "claude-sonnet-4-5");
//! # Ok(())
//! # }
//! ```

pub mod continuation;
mod failures;
mod rest;
mod service;
mod target;

pub use self::{
    service::{Fallback, FallbackFuture},
    target::Target,
};
