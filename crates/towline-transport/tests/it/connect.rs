//! What is said when there is no connection.

use crate::support::{call, channel_to, fetch, listen, serve};
use std::{future::pending, time::Duration};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready_err, task::spawn};
use tower_service::Service as _;
use towline_core::{Error, ErrorKind, task};
use towline_transport::{Channel, Dial, DialFuture, Http2, RequestBody};

fn get() -> http::Request<RequestBody> {
    http::Request::get("/")
        .body(RequestBody::default())
        .unwrap()
}

async fn error_of(url: String) -> Error {
    let channel = Channel::builder(url).build().unwrap();
    call(&channel).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_refused_connect_names_host_and_port() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = error_of(format!("http://{address}")).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(
        text.contains(&format!("connect to {address} refused")),
        "{text}"
    );
}

#[tokio::test]
async fn a_failed_name_lookup_names_the_host() {
    // Too long a label for any resolver: no query leaves the machine.
    let host = format!("{}.test", "x".repeat(64));
    let error = error_of(format!("http://{host}")).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error
            .to_string()
            .contains(&format!("dns lookup of {host} failed")),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_with_several_addresses_is_reached_on_the_one_that_listens() {
    // `localhost` may be ::1 first: nothing listens there.
    let (listener, address) = listen().await;
    let _server = task::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        serve(socket, "fine").await
    });
    let url = format!("http://localhost:{}", address.port());
    let channel = Channel::builder(url).build().unwrap();
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
}

struct BlackHole;

impl Dial for BlackHole {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a> {
        Box::pin(pending())
    }
}

#[tokio::test(start_paused = true)]
async fn the_connect_timeout_ends_the_wait_and_names_itself() {
    let mut channel = Channel::builder("http://origin.test:8080")
        .dial(BlackHole)
        .build()
        .unwrap();
    let mut call = spawn(channel.call(get()));
    assert_pending!(call.poll());
    advance(Duration::from_millis(9_999)).await;
    assert_pending!(call.poll());
    advance(Duration::from_millis(2)).await;
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let text = error.to_string();
    assert!(text.contains("connect timeout of 10s"), "{text}");
    assert!(text.contains("http://origin.test:8080"), "{text}");
}

#[cfg(not(feature = "http2"))]
#[test]
fn http2_by_force_is_refused_where_it_is_not_built_in() {
    let builder = Channel::builder("http://origin.test").http2(Http2::PriorKnowledge);
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("feature `http2`"), "{error}");
    assert!(Channel::builder("https://origin.test").build().is_ok());
}

#[cfg(feature = "http2")]
#[tokio::test(start_paused = true)]
async fn all_that_wait_for_one_connection_give_up_in_time() {
    let channel = Channel::builder("http://origin.test")
        .dial(BlackHole)
        .http2(Http2::PriorKnowledge)
        .connect_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let mut calls: Vec<_> = (0..5).map(|_| spawn(channel.clone().call(get()))).collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    advance(Duration::from_millis(3_001)).await;
    let texts: Vec<_> = calls
        .iter_mut()
        .map(|call| assert_ready_err!(call.poll()).to_string())
        .collect();
    assert!(
        texts
            .iter()
            .all(|text| text.contains("connect timeout of 3s")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_at_build_time() {
    let error = Channel::builder("https://user:hunter2@origin.test")
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!error.report().to_string().contains("hunter2"));
    let builder = Channel::builder("https://user:hunter2@origin.test");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let (_listener, address) = listen().await;
    assert_eq!(channel_to(address).base_path(), "/v1");
}
