use std::error::Error as _;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::layer::util::Identity;
use tower_test::assert_request_eq;
use towline_core::{Error, ErrorKind};
use towline_testkit::mock::{Handle, MockService, Spawn, spawn_layer};

type Pair = (Spawn<MockService<u8, u8>>, Handle<u8, u8>);

#[tokio::test]
async fn a_core_error_arrives_as_it_was_sent() {
    let (mut service, mut handle): Pair = spawn_layer(Identity::new());
    assert_ready_ok!(service.poll_ready());
    let call = service.call(1);
    let limited = Error::new(ErrorKind::RateLimit).with_status(429);
    assert_request_eq!(handle, 1).send_error(limited);
    let error = call.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::RateLimit, Some(429))
    );
}

#[tokio::test]
async fn another_error_becomes_the_source_of_a_transport_error() {
    let (mut service, mut handle): Pair = spawn_layer(Identity::new());
    assert_ready_ok!(service.poll_ready());
    let call = service.call(1);
    assert_request_eq!(handle, 1).send_error("the cable is cut");
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(error.source().unwrap().to_string(), "the cable is cut");
}

#[tokio::test]
async fn readiness_is_the_handles_to_give() {
    let (mut service, mut handle): Pair = spawn_layer(Identity::new());
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(7));
    assert_pending!(call.poll());
    assert_request_eq!(handle, 7).send_response(8);
    assert_eq!(assert_ready_ok!(call.poll()), 8);
}
