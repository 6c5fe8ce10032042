//! The mock of `tower_test`, in the error type of a Towline stack.
//!
//! `tower_test` answers with a boxed error and a stack speaks [`Error`]. Here an error that the test
//! sends as a core [`Error`] arrives as it is; any other becomes one of kind
//! [`ErrorKind::Transport`] with the box as its source.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Error, ErrorKind};
//! use towline_testkit::mock;
//! use tower::layer::util::Identity;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (mut service, mut handle) = mock::spawn_layer::<_, &str, &str>(Identity::new());
//! assert!(service.poll_ready().is_ready());
//! let call = service.call("hello");
//! let (request, answer) = handle.next_request().await.expect("the call went through");
//! assert_eq!(request, "hello");
//! answer.send_error(Error::new(ErrorKind::RateLimit));
//! assert_eq!(call.await.unwrap_err().kind(), ErrorKind::RateLimit);
//! # }
//! ```

use std::error::Error as StdError;
use tower::util::MapErr;
use tower_layer::Layer;
use tower_test::mock;
pub use tower_test::mock::{Handle, Mock, SendResponse, Spawn};
use towline_core::{Error, ErrorKind};

/// The error that `tower_test` answers with.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A mock that speaks the core [`Error`].
pub type MockService<Req, Res> = MapErr<Mock<Req, Res>, fn(BoxError) -> Error>;

/// A mock service, and the handle that answers its calls.
#[must_use]
pub fn service<Req, Res>() -> (MockService<Req, Res>, Handle<Req, Res>) {
    let (mock, handle) = mock::pair();
    (adapt(mock), handle)
}

/// A mock inside `layer`, spawned so that its readiness can be polled, and the handle that answers
/// the calls which come through.
pub fn spawn_layer<L, Req, Res>(layer: L) -> (Spawn<L::Service>, Handle<Req, Res>)
where
    L: Layer<MockService<Req, Res>>,
{
    mock::spawn_with(|mock| layer.layer(adapt(mock)))
}

fn adapt<Req, Res>(mock: Mock<Req, Res>) -> MockService<Req, Res> {
    MapErr::new(mock, core_error as fn(BoxError) -> Error)
}

fn core_error(cause: BoxError) -> Error {
    match cause.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => Error::new(ErrorKind::Transport).with_source(other),
    }
}
