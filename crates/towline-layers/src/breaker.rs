//! Stops asking a deployment that fails, and finds out when it is back.
//!
//! # Where it goes
//!
//! Around one deployment: inside retries, fallback and the balancer, so that each attempt is seen and
//! another deployment can be asked; outside the provider's limits, so that nothing is reserved for a
//! call that is refused. One breaker around several deployments would leave all alone for the fault
//! of one.
//!
//! # What counts
//!
//! The outcome of a call is that of its whole answer: a stream that breaks off is a failure, and its
//! first token is no success yet. Failures are overload (503, 529), other faults of the server,
//! timeouts, broken connections, broken-off and unreadable answers. These say nothing, and are not
//! counted:
//!
//! - what is the request's fault: other 4xx, a full context window, a content filter;
//! - a rate limit, which is for the limiter to heed. Only when more than
//!   [`rate_limits`](BreakerConfig::with_rate_limits) of them come in a row though our own limits let
//!   the calls through, the breaker opens for as long as the provider says;
//! - what a layer of ours refused, a caller who left, a reader who left, and the clock of the whole
//!   call, whose time may have passed elsewhere.
//!
//! It opens after [`failures`](BreakerConfig::with_failures) in a row, or when a
//! [share](BreakerConfig::with_ratio) of the calls in a window failed. Counts are exact: a burst
//! decides as the same calls spread out.
//!
//! # When it is open
//!
//! Calls are refused at once with [`ErrorKind::Overloaded`], `refused_by` "breaker" and the rest of
//! the cooldown as `retry_after`. Nobody waits here. The cooldown doubles each time that it opens
//! again soon, and is never shorter than a `Retry-After` of the provider. Then a few calls try whether
//! the deployment is back; a try that fails or is rate limited opens it again, and one that is dropped
//! or says nothing leaves its place to another. So does one that is not over after as long as it was open,
//! for nobody may be reading its answer; what comes of it still counts. Results of calls that began before
//! the last change of state are not counted.
//!
//! Where there is nobody else to ask, [`single`](BreakerConfig::with_single) lets some calls through.
//!
//! # Shared between clones
//!
//! Everything: clones of a [`Breaker`], its layers and their services are one breaker.
//!
//! # Examples
//!
//! ```
//! use std::num::NonZeroU32;
//! use towline_core::{Error, ErrorKind, Request, Response};
//! use towline_layers::breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerState};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let down = service_fn(|_: Request| async { Err::<Response, _>(Error::new(ErrorKind::Server)) });
//! let config = BreakerConfig::new().with_failures(NonZeroU32::new(2));
//! let breaker = Breaker::new("openai", config);
//! let model = BreakerLayer::new(&breaker).layer(down);
//! for _ in 0..2 {
//!     assert!(model.clone().oneshot(Request::new("m", "Hello?")).await.is_err());
//! }
//! assert_eq!(breaker.state(), BreakerState::Open);
//! let error = model.oneshot(Request::new("m", "Hello?")).await.unwrap_err();
//! assert_eq!(error.refused_by(), Some("breaker"));
//! # }
//! ```

mod config;
mod handle;
mod layer;
mod machine;
mod ring;
mod state;
mod tries;

pub use self::{
    config::BreakerConfig,
    handle::{Breaker, BreakerChange, BreakerStatus},
    layer::{BreakerFuture, BreakerLayer, BreakerService},
    state::{BreakerCause, BreakerState},
};

#[cfg(doc)]
use towline_core::ErrorKind;
