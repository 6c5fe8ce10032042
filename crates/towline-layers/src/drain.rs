//! Lets the calls under way end, and no new ones in.
//!
//! # Where it goes
//!
//! Outside everything but the record of the call: a call that is turned away costs nothing.
//!
//! # Two phases
//!
//! [`Drain::start`] turns new calls away at once, with [`ErrorKind::Closed`]. [`Drain::run`] waits for
//! the calls under way, streams that are still being read among them. What has not ended within its
//! patience is ended: the futures, and the bodies in the hands of their readers, fail with
//! [`ErrorKind::Closed`], and what they used is settled as for every stream that breaks off.
//!
//! # Shared between clones
//!
//! Everything: clones of a [`Drain`], its layers and their services are one gate.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use towline_core::{Body, Completion, Error, ErrorKind, FinishReason, Head, Request, Response};
//! use towline_layers::drain::{Drain, DrainLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let model = service_fn(|request: Request| async move {
//!     let body = Body::complete(Completion::new(Vec::new(), FinishReason::Stop));
//!     Ok::<_, Error>(Response::new(Head::new("any", request.model()), body))
//! });
//! let drain = Drain::new();
//! let model = DrainLayer::new(&drain).layer(model);
//! assert!(model.clone().oneshot(Request::new("m", "Hello?")).await.is_ok());
//!
//! let drained = drain.run(Duration::from_secs(30)).await;
//! assert_eq!(drained.cut(), 0);
//! let error = model.oneshot(Request::new("m", "Hello?")).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Closed);
//! # }
//! ```

mod gate;
mod layer;

pub use self::{
    gate::{Drain, Drained, Pass},
    layer::{DrainFuture, DrainLayer, DrainService},
};

#[cfg(doc)]
use towline_core::ErrorKind;
