//! Writes down what happens to each call: every wait, refusal and attempt, with its tokens and, where prices
//! are known ([`AttemptLayer::with_prices`]), what it cost.
//!
//! Two layers share the record ([`towline_core::Journey`]):
//!
//! - [`JourneyLayer`] goes outside everything. It starts the record and hands it over with the answer
//!   ([`Head::journey`](towline_core::Head::journey)) or with the error
//!   ([`Error::journey`](towline_core::Error::journey)), errors in the middle of a stream among them.
//! - [`AttemptLayer`] goes around the provider and the clocks of the attempt, inside everything else:
//!   outside those clocks, so that an attempt that one of them ends is not taken for one that the caller
//!   left. It writes down each attempt: whom it asked, when the first content came, how it ended, and what it
//!   used. Where the provider does not say what it used, or not of all of it (the attempt failed, or was
//!   dropped), it writes an estimate, because the provider may bill it all the same.
//!
//! The layers between them write their own waits and refusals. A record that is in the call's
//! context already is written on: several stacks may stand behind each other.
//!
//! # Shared between clones
//!
//! Nothing but the names of provider and model.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
//! use towline_layers::journey::{AttemptLayer, JourneyLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     let body = Body::complete(Completion::new(vec![Part::from("Hi.")], FinishReason::Stop));
//!     Ok::<_, Error>(Response::new(Head::new("openai", request.model()), body))
//! });
//! let model = ServiceBuilder::new()
//!     .layer(JourneyLayer::new())
//!     .layer(AttemptLayer::new("openai"))
//!     .service(model);
//! let answer = model.oneshot(Request::new("gpt-4o-mini", "Hello?")).await?;
//! assert_eq!(answer.head().journey().map(|journey| journey.attempts()), Some(1));
//! # Ok(())
//! # }
//! ```

mod attempt;
mod root;

pub use self::{
    attempt::{Attempt, AttemptFuture, AttemptLayer},
    root::{JourneyLayer, Root, RootFuture},
};
