//! A call that is dropped closes what it opened, at every stage.

use crate::support::{LIMIT, call, channel_to, closed, fetch, listen, read_request, serve};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_test::{assert_pending, task::spawn};
use tower_service::Service as _;
use towline_core::task;
use towline_transport::{Channel, Dial, DialFuture, RequestBody, Roots, TlsConfig};

/// Never connects, and tells when the attempt is dropped.
struct Stuck {
    dropped: Arc<AtomicBool>,
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Dial for Stuck {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a> {
        let guard = SetOnDrop(Arc::clone(&self.dropped));
        Box::pin(async move {
            let _guard = guard;
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn dropped_while_dialling_it_gives_up_the_attempt() {
    let dropped = Arc::new(AtomicBool::new(false));
    let stuck = Stuck {
        dropped: Arc::clone(&dropped),
    };
    let mut channel = Channel::builder("http://origin.test")
        .dial(stuck)
        .build()
        .unwrap();
    let request = http::Request::get("/")
        .body(RequestBody::default())
        .unwrap();
    let mut pending = spawn(channel.call(request));
    assert_pending!(pending.poll());
    assert!(!dropped.load(Ordering::SeqCst));
    drop(pending);
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(channel.stats().in_use, 0);
}

#[tokio::test]
async fn dropped_in_the_tls_handshake_it_closes_the_socket() {
    let (listener, address) = listen().await;
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = TlsConfig::builder()
        .roots(Roots::CustomOnly)
        .ca_pem(certificate.cert.pem())
        .build()
        .unwrap();
    let channel = Channel::builder(format!("https://localhost:{}", address.port()))
        .tls(tls)
        .build()
        .unwrap();
    let calling = task::spawn(async move { call(&channel).await.map(drop) });
    let (mut socket, _) = listener.accept().await.unwrap();
    // The client's first record is there: it waits for the server's.
    assert_eq!(socket.read_u8().await.unwrap(), 22);
    drop(calling);
    closed(&mut socket).await;
}

#[tokio::test]
async fn dropped_while_it_lets_others_go_first_it_takes_no_connection() {
    let (listener, address) = listen().await;
    let _server = task::spawn(async move {
        let mut running = Vec::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            running.push(task::spawn(serve(socket, "answer")));
        }
    });
    let channel = channel_to(address);
    // Many calls, each at its head.
    let mut answers = Vec::new();
    for _ in 0..17 {
        answers.push(call(&channel).await.unwrap());
    }
    let last = answers.pop().unwrap();
    last.into_body().collect(LIMIT).await.unwrap();
    let before = channel.stats();
    assert_eq!((before.idle, before.in_use), (1, 16));
    let mut pending = spawn(call(&channel));
    assert_pending!(pending.poll());
    assert_eq!(channel.stats(), before);
    drop(pending);
    assert_eq!(channel.stats(), before);
    assert_eq!(fetch(&channel).await.unwrap(), "answer");
    assert_eq!(channel.stats().opened, before.opened);
}

#[tokio::test]
async fn dropped_before_the_head_it_closes_the_connection() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let calling = task::spawn({
        let channel = channel.clone();
        async move { call(&channel).await.map(drop) }
    });
    let (mut socket, _) = listener.accept().await.unwrap();
    read_request(&mut socket).await.unwrap().unwrap();
    assert_eq!(channel.stats().in_use, 1);
    drop(calling);
    closed(&mut socket).await;
    assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));
}

#[tokio::test]
async fn dropped_in_the_middle_of_the_body_it_closes_the_connection() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await.unwrap().unwrap();
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
        socket.write_all(head).await.unwrap();
        socket
    };
    let (mut socket, response) = tokio::join!(server, call(&channel));
    drop(response.unwrap());
    assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));
    closed(&mut socket).await;
}

#[tokio::test]
async fn dropped_outside_a_runtime_it_does_no_harm() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await.unwrap().unwrap();
        socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n")
            .await
            .unwrap();
        socket
    };
    let (mut socket, response) = tokio::join!(server, call(&channel));
    let body = response.unwrap().into_body();
    std::thread::spawn(move || body.release()).join().unwrap();
    closed(&mut socket).await;
    std::thread::spawn(move || drop(channel)).join().unwrap();
}
