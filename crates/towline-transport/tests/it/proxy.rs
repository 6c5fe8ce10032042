//! Through an HTTP proxy, around it, and what it may refuse.

use crate::{
    support::{call, fetch, listen, ok, read_request, serve},
    tls::{Authority, trusting},
};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use towline_core::{ErrorKind, task};
use towline_transport::{Channel, ProxyConfig, ProxyConfigBuilder};

fn proxy_at(address: SocketAddr) -> ProxyConfigBuilder {
    ProxyConfig::builder(format!("http://user:hunter2@{address}"))
}

/// Reads one request, answers it, and hands out what it read.
async fn once(listener: &TcpListener, answer: &[u8]) -> (crate::support::Seen, TcpStream) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let seen = read_request(&mut socket).await.unwrap().unwrap();
    socket.write_all(answer).await.unwrap();
    (seen, socket)
}

#[tokio::test]
async fn a_plain_origin_is_asked_for_in_absolute_form() {
    let (listener, address) = listen().await;
    let channel = Channel::builder("http://origin.test:8080/v1")
        .proxy(proxy_at(address).build().unwrap())
        .build()
        .unwrap();
    let answer = ok("through");
    let ((seen, _socket), fetched) = tokio::join!(once(&listener, &answer), fetch(&channel));
    assert_eq!(fetched.unwrap(), "through");
    assert_eq!(seen.line, "POST http://origin.test:8080/v1/x HTTP/1.1");
    assert!(
        seen.headers.contains("host: origin.test:8080\n"),
        "{}",
        seen.headers
    );
    // user:hunter2
    assert!(
        seen.headers
            .contains("proxy-authorization: Basic dXNlcjpodW50ZXIy\n"),
        "{}",
        seen.headers
    );
}

#[tokio::test]
async fn a_tls_origin_is_reached_through_connect() {
    let authority = Authority::new();
    let (origin, origin_address) = listen().await;
    let acceptor = authority.acceptor(&["http/1.1"], None);
    let _origin = task::spawn(async move {
        let (socket, _) = origin.accept().await.unwrap();
        serve(acceptor.accept(socket).await.unwrap(), "secret").await
    });
    let (listener, address) = listen().await;
    let proxy = task::spawn(async move {
        let established = b"HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n";
        let (seen, mut socket) = once(&listener, established).await;
        let mut onward = TcpStream::connect(origin_address).await.unwrap();
        let _ended = copy_bidirectional(&mut socket, &mut onward).await;
        seen
    });
    // The name is for the proxy to look up: it need not exist here.
    let channel = Channel::builder("https://localhost/v1")
        .proxy(proxy_at(address).build().unwrap())
        .tls(trusting(&authority).build().unwrap())
        .build()
        .unwrap();
    assert_eq!(fetch(&channel).await.unwrap(), "secret");
    assert_eq!(fetch(&channel).await.unwrap(), "secret");
    drop(channel);
    let seen = proxy.await.unwrap();
    assert_eq!(seen.line, "CONNECT localhost:443 HTTP/1.1");
    assert_eq!(
        seen.headers,
        "host: localhost:443\nproxy-authorization: Basic dXNlcjpodW50ZXIy\n\n"
    );
}

#[tokio::test]
async fn an_exception_goes_around_the_proxy() {
    let (listener, address) = listen().await;
    let _origin = task::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        serve(socket, "direct").await
    });
    let (proxy, proxy_address) = listen().await;
    drop(proxy);
    let config = proxy_at(proxy_address)
        .no_proxy("example.com, 127.0.0.0/8")
        .build()
        .unwrap();
    let channel = Channel::builder(format!("http://{address}"))
        .proxy(config)
        .build()
        .unwrap();
    assert_eq!(fetch(&channel).await.unwrap(), "direct");
}

#[tokio::test]
async fn a_refusal_names_proxy_and_status_and_never_the_password() {
    let tls = trusting(&Authority::new()).build().unwrap();
    for (url, answer, part) in [
        (
            "https://origin.test",
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "status 407; it does not accept",
        ),
        (
            "https://origin.test",
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno",
            "status 403; its rules",
        ),
        (
            "https://origin.test",
            "HTTP/1.0 502 Bad Gateway\r\n\r\n",
            "status 502; it cannot reach",
        ),
        (
            "https://origin.test",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "does not answer CONNECT",
        ),
        (
            "http://origin.test",
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "status 407",
        ),
    ] {
        let (listener, address) = listen().await;
        let channel = Channel::builder(url)
            .proxy(proxy_at(address).build().unwrap())
            .tls(tls.clone())
            .build()
            .unwrap();
        let (_seen, answered) = tokio::join!(once(&listener, answer.as_bytes()), call(&channel));
        let error = answered.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        let text = error.report().to_string();
        assert!(text.contains(part), "{text}");
        assert!(text.contains(&format!("proxy {address}")), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("dXNlcjpodW50ZXIy"),
            "{text}"
        );
        let shown = format!("{channel:?} {error:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("dXNlcjpodW50ZXIy"),
            "{shown}"
        );
        assert_eq!(channel.stats().in_use, 0);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let (listener, address) = listen().await;
    drop(listener);
    let channel = Channel::builder("http://origin.test")
        .proxy(proxy_at(address).build().unwrap())
        .build()
        .unwrap();
    let error = call(&channel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(
        text.contains(&format!("proxy {address}: connect to {address} refused")),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_that_closes_on_connect_is_named() {
    let (listener, address) = listen().await;
    let channel = Channel::builder("https://origin.test")
        .proxy(proxy_at(address).build().unwrap())
        .tls(trusting(&Authority::new()).build().unwrap())
        .build()
        .unwrap();
    let server = async {
        let (seen, socket) = once(&listener, b"").await;
        drop(socket);
        seen
    };
    let (_seen, answered) = tokio::join!(server, call(&channel));
    let text = answered.unwrap_err().to_string();
    assert!(
        text.contains("closed the connection on CONNECT origin.test:443"),
        "{text}"
    );
}
