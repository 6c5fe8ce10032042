//! Checks prompts before they are sent.
//!
//! # Where it goes
//!
//! Outside of everything that waits or costs: right behind the drain gate. What it refuses takes no
//! quota and no slot.
//!
//! # What it checks
//!
//! In this order: the size of the prompt ([`Guard::with_max_bytes`]), phrases that must not be in it
//! ([`Guard::with_forbidden`]), and checks of your own ([`Guard::with_check`]). The first that finds
//! something refuses the call, which then is not retried and not sent to another target. Messages name
//! the rule and never the prompt.
//!
//! A phrase is found in any case of its letters, inside one part of a message. It is a fence, not a
//! wall: a phrase that is written in another way passes.
//!
//! # Shared between clones
//!
//! The rules.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Error, ErrorKind, Request, Response};
//! use towline_layers::guard::{Guard, GuardLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let model = service_fn(|_: Request| async { Err::<Response, _>(Error::new(ErrorKind::Server)) });
//! let rules = Guard::new()
//!     .with_max_bytes(100_000)
//!     .with_forbidden(["project bluebird"])
//!     .with_check(|request: &Request| match request.options().user() {
//!         Some(_) => Ok(()),
//!         None => Err("a call has to name its user".to_owned()),
//!     });
//! let model = GuardLayer::new(rules).layer(model);
//! let error = model.oneshot(Request::new("m", "What is Project Bluebird?")).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidRequest);
//! assert_eq!(error.refused_by(), Some("guard"));
//! # }
//! ```

mod layer;
mod rules;

pub use self::{
    layer::{GuardFuture, GuardLayer, GuardService},
    rules::{Guard, Prompt},
};
