//! Calls are turned away by the age of a queue and by nothing else.

#[cfg(feature = "concurrency")]
mod queue;

use super::support::{failed, question, whole};
use std::task::Poll;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    overload::{AgeBound, QueueGauge},
    shed::{Shed, ShedLayer},
};

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<ShedLayer>();
const _: () = promised::<Shed<()>>();

#[tokio::test(start_paused = true)]
async fn x5_shed_a_service_that_is_not_ready_is_not_overloaded() {
    /// Ready every other time.
    #[derive(Clone)]
    struct Coy(bool);

    impl Service<Request> for Coy {
        type Response = Response;
        type Error = Error;
        type Future = std::future::Ready<Result<Response, Error>>;

        fn poll_ready(&mut self, _cx: &mut std::task::Context<'_>) -> Poll<Result<(), Error>> {
            self.0 = !self.0;
            if self.0 {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            }
        }

        fn call(&mut self, _request: Request) -> Self::Future {
            assert!(!self.0, "called while it was not ready");
            std::future::ready(Ok(whole("whole")))
        }
    }

    let layer = ShedLayer::new(QueueGauge::new(), AgeBound::default());
    let mut service = task::spawn(layer.layer(Coy(false)));
    for _ in 0..10 {
        assert_pending!(service.enter(|cx, mut service| service.poll_ready(cx)));
        assert_ready_ok!(service.enter(|cx, mut service| service.poll_ready(cx)));
        assert_ready_ok!(task::spawn(service.call(question(false))).poll());
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_from_inside_is_not_touched() {
    let layer = ShedLayer::new(QueueGauge::new(), AgeBound::default());
    let service = layer.layer(service_fn(|_: Request| async {
        Err::<Response, _>(failed(ErrorKind::Server))
    }));
    let error = assert_ready_err!(task::spawn(service.oneshot(question(false))).poll());
    assert_eq!(
        (error.kind(), error.refused_by()),
        (ErrorKind::Server, None)
    );
}
