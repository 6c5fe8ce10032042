//! HTTP/2: one connection for all, and what its peer may refuse.

use crate::{
    support::{call, fetch, listen, post},
    tls::{Authority, trusting},
};
use bytes::Bytes;
use h2::{Reason, server::SendResponse};
use http::{Request, Response};
use std::{
    future::{pending, poll_fn},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::yield_now,
};
use tower_service::Service as _;
use towline_core::{ErrorKind, task};
use towline_transport::{Channel, Http2, RequestBody};

type Connection<S> = h2::server::Connection<S, Bytes>;
type Asked = (Request<h2::RecvStream>, SendResponse<Bytes>);

async fn accept(listener: &TcpListener) -> Connection<tokio::net::TcpStream> {
    let (socket, _) = listener.accept().await.unwrap();
    h2::server::handshake(socket).await.unwrap()
}

fn answer((_, mut respond): Asked, body: &'static str) {
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    stream
        .send_data(Bytes::from_static(body.as_bytes()), true)
        .unwrap();
}

/// Answers every stream of a connection.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<S>,
    body: &'static str,
) {
    while let Some(Ok(asked)) = connection.accept().await {
        answer(asked, body);
    }
}

fn prior_knowledge(address: SocketAddr) -> Channel {
    Channel::builder(format!("http://{address}/v1"))
        .http2(Http2::PriorKnowledge)
        .build()
        .unwrap()
}

async fn all(channel: &Channel, count: usize) -> Vec<String> {
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let channel = channel.clone();
            task::spawn(async move { fetch(&channel).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn agreed_in_the_handshake_it_serves_a_burst_on_one_connection() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    let acceptor = authority.acceptor(&["h2", "http/1.1"], None);
    let accepted = Arc::new(AtomicUsize::new(0));
    let _server = task::spawn({
        let accepted = Arc::clone(&accepted);
        async move {
            let mut running = Vec::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                let stream = acceptor.accept(socket).await.unwrap();
                let connection = h2::server::handshake(stream).await.unwrap();
                running.push(task::spawn(serve(connection, "h2")));
            }
        }
    });
    let channel = Channel::builder(format!("https://localhost:{}", address.port()))
        .tls(trusting(&authority).build().unwrap())
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(all(&channel, 16).await, ["h2"; 16]);
    }
    let stats = channel.stats();
    assert_eq!(
        (stats.opened, stats.reused, stats.idle, stats.in_use),
        (1, 47, 1, 0)
    );
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_has_the_whole_address_and_no_host_header() {
    let (listener, address) = listen().await;
    let (send, mut seen) = mpsc::unbounded_channel();
    let _server = task::spawn(async move {
        let mut connection = accept(&listener).await;
        while let Some(Ok((request, respond))) = connection.accept().await {
            send.send((request.uri().clone(), request.headers().clone()))
                .unwrap();
            answer((request, respond), "fine");
        }
    });
    let channel = prior_knowledge(address);
    let mut request = post("/v1/chat?x=1", "{}");
    request
        .headers_mut()
        .insert("connection", "keep-alive".parse().unwrap());
    let response = channel.clone().call(request).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(response.into_body().collect(9).await.unwrap(), "fine");
    let (uri, headers) = seen.recv().await.unwrap();
    assert_eq!(uri.to_string(), format!("http://{address}/v1/chat?x=1"));
    assert!(!headers.contains_key("host"));
    assert_eq!(headers["content-length"], "2");
}

#[tokio::test]
async fn a_refused_stream_is_opened_again_once() {
    let (listener, address) = listen().await;
    let _server = task::spawn(async move {
        let mut connection = accept(&listener).await;
        let mut count = 0;
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            count += 1;
            match count {
                2 => answer((request, respond), "second try"),
                _ => respond.send_reset(Reason::REFUSED_STREAM),
            }
        }
    });
    let channel = prior_knowledge(address);
    assert_eq!(fetch(&channel).await.unwrap(), "second try");
    assert_eq!(
        channel.stats().opened,
        1,
        "the connection is as good as before"
    );
    let error = fetch(&channel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(channel.stats().in_use, 0);
}

#[tokio::test]
async fn a_stream_that_was_reset_otherwise_is_not_opened_again() {
    let (listener, address) = listen().await;
    let count = Arc::new(AtomicUsize::new(0));
    let _server = task::spawn({
        let count = Arc::clone(&count);
        async move {
            let mut connection = accept(&listener).await;
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                respond.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    });
    let channel = prior_knowledge(address);
    assert_eq!(
        fetch(&channel).await.unwrap_err().kind(),
        ErrorKind::Transport
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_goes_away_is_replaced_and_its_streams_are_served_to_the_end() {
    let (listener, address) = listen().await;
    let channel = prior_knowledge(address);
    let _server = task::spawn(async move {
        let mut first = accept(&listener).await;
        let (_, mut respond) = first.accept().await.unwrap().unwrap();
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        stream
            .send_data(Bytes::from_static(b"begun "), false)
            .unwrap();
        first.graceful_shutdown();
        let first = task::spawn(async move { while first.accept().await.is_some() {} });
        let second = accept(&listener).await;
        let second = task::spawn(serve(second, "other"));
        stream
            .send_data(Bytes::from_static(b"and ended"), true)
            .unwrap();
        first.await;
        second.await;
    });
    let begun = call(&channel).await.unwrap();
    // The peer says that it goes away at some moment from here on: no call is lost in it.
    for _ in 0..20 {
        if fetch(&channel).await.unwrap() == "other" {
            break;
        }
    }
    assert_eq!(
        begun.into_body().collect(99).await.unwrap(),
        "begun and ended"
    );
    assert_eq!(channel.stats().opened, 2);
}

#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let (listener, address) = listen().await;
    let channel = prior_knowledge(address);
    let (close, may_close) = oneshot::channel();
    let _server = task::spawn(async move {
        let mut first = accept(&listener).await;
        let asked = first.accept().await.unwrap().unwrap();
        answer(asked, "first");
        tokio::select! {
            _ = first.accept() => panic!("nothing more is asked"),
            _ = may_close => drop(first),
        }
        serve(accept(&listener).await, "second").await;
    });
    assert_eq!(fetch(&channel).await.unwrap(), "first");
    assert_eq!(channel.stats().idle, 1);
    close.send(()).unwrap();
    while channel.stats().idle > 0 {
        yield_now().await;
    }
    assert_eq!(fetch(&channel).await.unwrap(), "second");
    assert_eq!(channel.stats().opened, 2);
}

#[tokio::test]
async fn a_dropped_answer_resets_its_stream_and_no_other() {
    let (listener, address) = listen().await;
    let (send, mut resets) = mpsc::unbounded_channel();
    let _server = task::spawn(async move {
        let mut connection = accept(&listener).await;
        let mut watching = Vec::new();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            stream
                .send_data(Bytes::from_static(b"part"), false)
                .unwrap();
            let send = send.clone();
            watching.push(task::spawn(async move {
                let reason = poll_fn(|cx| stream.poll_reset(cx)).await;
                let _sent = send.send(reason.unwrap());
            }));
        }
    });
    let channel = prior_knowledge(address);
    let kept = call(&channel).await.unwrap();
    let dropped = call(&channel).await.unwrap();
    assert_eq!(channel.stats().in_use, 2);
    drop(dropped);
    assert_eq!(resets.recv().await.unwrap(), Reason::CANCEL);
    assert_eq!((channel.stats().opened, channel.stats().in_use), (1, 1));
    drop(kept);
    assert_eq!(resets.recv().await.unwrap(), Reason::CANCEL);
}

#[tokio::test]
async fn a_call_dropped_before_the_head_resets_its_stream() {
    let (listener, address) = listen().await;
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    let (send, mut resets) = mpsc::unbounded_channel();
    let _server = task::spawn(async move {
        let mut connection = accept(&listener).await;
        let mut watching = Vec::new();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            asked.send(()).unwrap();
            let send = send.clone();
            watching.push(task::spawn(async move {
                let reason = poll_fn(|cx| respond.poll_reset(cx)).await;
                let _sent = send.send(reason.unwrap());
            }));
        }
    });
    let channel = prior_knowledge(address);
    let calling = task::spawn({
        let channel = channel.clone();
        async move { call(&channel).await.map(drop) }
    });
    was_asked.recv().await.unwrap();
    drop(calling);
    assert_eq!(resets.recv().await.unwrap(), Reason::CANCEL);
    assert_eq!(channel.stats().in_use, 0);
}

#[tokio::test]
async fn an_idle_connection_closes_at_the_idle_timeout() {
    let (listener, address) = listen().await;
    let channel = Channel::builder(format!("http://{address}"))
        .http2(Http2::PriorKnowledge)
        .idle_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    let server = task::spawn(async move { serve(accept(&listener).await, "fine").await });
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
    server.await.unwrap();
    assert_eq!(channel.stats().idle, 0);
}

#[tokio::test]
async fn dropping_the_last_channel_closes_it() {
    let (listener, address) = listen().await;
    let channel = prior_knowledge(address);
    let server = task::spawn(async move { serve(accept(&listener).await, "fine").await });
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
    drop(channel);
    server.await.unwrap();
}

#[tokio::test]
async fn calls_that_waited_for_a_connection_share_its_failure() {
    let (listener, address) = listen().await;
    drop(listener);
    let channel = prior_knowledge(address);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let channel = channel.clone();
            task::spawn(async move { fetch(&channel).await.unwrap_err().to_string() })
        })
        .collect();
    for call in calls {
        let text = call.await.unwrap();
        assert!(text.contains("refused"), "{text}");
    }
    // And the next call tries again.
    let listener = TcpListener::bind(address).await.unwrap();
    let _server = task::spawn(async move {
        serve(accept(&listener).await, "up").await;
        pending::<()>().await;
    });
    assert_eq!(fetch(&channel).await.unwrap(), "up");
}

#[tokio::test]
async fn a_request_with_a_long_body_is_sent_whole() {
    let (listener, address) = listen().await;
    let _server = task::spawn(async move {
        let mut connection = accept(&listener).await;
        let mut running = Vec::new();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            running.push(task::spawn(async move {
                let mut body = request.into_body();
                let mut read = 0;
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    read += data.len();
                    body.flow_control().release_capacity(data.len()).unwrap();
                }
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                stream
                    .send_data(Bytes::from(read.to_string()), true)
                    .unwrap();
            }));
        }
    });
    let mut channel = prior_knowledge(address);
    let segments = vec![Bytes::from(vec![b'x'; 500_000]); 3];
    let request = Request::post("/")
        .body(RequestBody::segments(segments))
        .unwrap();
    let response = channel.call(request).await.unwrap();
    assert_eq!(response.into_body().collect(9).await.unwrap(), "1500000");
    while channel.stats().in_use > 0 {
        yield_now().await;
    }
}
