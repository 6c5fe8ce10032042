//! Ends a call when a clock runs out.
//!
//! There are two layers, because the clocks belong in two places:
//!
//! - [`TotalLayer`], far outside: the whole call, its queues, pauses, attempts and body. It writes
//!   the deadline into the call's context, so that everything inside can see how much is left.
//! - [`AttemptLayer`], next to the provider: one attempt. Its clocks start after admission, so that
//!   time in a queue is not taken for a slow provider.
//!
//! | clock | from | to | default | why |
//! |---|---|---|---|---|
//! | first token | the attempt | first content of a stream | 120 s; 600 s where the model reasons | a model that thinks says nothing for minutes |
//! | whole | the attempt | the whole answer, not streamed | 600 s | what a stream of the same call would get |
//! | idle | the first content of a stream, then each sign of life | the next | 300 s | every byte is a sign of life, pings and comments too; 30 to 120 s killed healthy streams of eight known programs |
//! | progress | the last content | the next | off | for servers that ping for ever |
//! | attempt | the attempt | its end | off | |
//! | total | the call | its end | what the caller says | |
//!
//! The clock of the connection is the transport's. The error says which clock ran out
//! ([`Error::clock`](towline_core::Error::clock)), and is told after the exchange is closed.
//!
//! When an answer, or its next event, is there together with the timer, the answer wins. A stream
//! that is never silent still ends with the total and the attempt. Before the first content of a stream
//! its own clock counts alone: a model that thinks may be silent for longer than one that writes.
//!
//! # Shared between clones
//!
//! Nothing. Every call has its own timers: one for clocks that lie in each other where the stack is asked,
//! and none where it answers at once.
//!
//! # Panics
//!
//! The future panics outside a tokio runtime with its timer enabled.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use towline_core::{Clock, Error, ErrorKind, Request, Response};
//! use towline_layers::timeout::{AttemptLayer, Clocks, TotalLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let silent = service_fn(|_: Request| std::future::pending::<Result<Response, Error>>());
//! let model = ServiceBuilder::new()
//!     .layer(TotalLayer::new(Duration::from_secs(300)))
//!     .layer(AttemptLayer::new(Clocks::default()))
//!     .service(silent);
//! let request = Request::new("gpt-4o-mini", "Hello?").with_stream(true);
//! let error = model.oneshot(request).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Timeout);
//! assert_eq!(error.clock(), Some(Clock::FirstToken));
//! # }
//! ```

mod alarm;
mod attempt;
mod clocks;
mod total;

pub use self::{
    attempt::{Attempt, AttemptFuture, AttemptLayer},
    clocks::Clocks,
    total::{Total, TotalFuture, TotalLayer},
};
