//! The bodies: several segments out, bounds and breaks in.

use crate::support::{LIMIT, call, channel_to, closed, fetch, listen, ok, read_request};
use bytes::Bytes;
use futures_core::Stream as _;
use http_body::Body as _;
use std::{future::poll_fn, pin::Pin, task::Poll};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::yield_now,
};
use tower_service::Service as _;
use towline_core::{Completion, Error, ErrorKind, Event, FinishReason, Text};
use towline_transport::{
    AnswerOrigin, AnswerStream, Decode, RequestBody, ResponseBody,
    ndjson::NdjsonStream,
    sse::{Frame, SseStream},
};

async fn answer(listener: &TcpListener, answer: &[u8]) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    read_request(&mut socket).await.unwrap().unwrap();
    socket.write_all(answer).await.unwrap();
    socket
}

/// The body of an answer that the server sent as it stands, and the server's socket.
async fn exchange(bytes: &[u8]) -> (ResponseBody, TcpStream, towline_transport::Channel) {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let (socket, response) = tokio::join!(answer(&listener, bytes), call(&channel));
    (response.unwrap().into_body(), socket, channel)
}

async fn next(body: &mut ResponseBody) -> Option<Result<Bytes, Error>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

#[tokio::test]
async fn a_body_of_segments_arrives_whole_with_its_length() {
    let (listener, address) = listen().await;
    let mut channel = channel_to(address);
    let segments: Vec<_> = (0..40)
        .map(|n| Bytes::from(format!("segment {n};")))
        .collect();
    let whole: Vec<u8> = segments.concat();
    let mut with_gaps = vec![Bytes::new()];
    with_gaps.extend(segments);
    with_gaps.push(Bytes::new());
    let request = http::Request::post("/")
        .body(RequestBody::segments(with_gaps))
        .unwrap();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let seen = read_request(&mut socket).await.unwrap().unwrap();
        socket.write_all(&ok("fine")).await.unwrap();
        seen
    };
    let (seen, response) = tokio::join!(server, channel.call(request));
    assert_eq!(
        response.unwrap().into_body().collect(4).await.unwrap(),
        "fine"
    );
    assert_eq!(seen.body, whole);
    assert!(
        seen.headers
            .contains(&format!("content-length: {}\n", whole.len()))
    );
}

#[tokio::test]
async fn a_request_has_the_host_of_the_base_url_and_its_own_path() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    for (uri, host, expected) in [
        ("/v1/chat?x=1".to_owned(), None, address.to_string()),
        (
            "/v1/chat?x=1".to_owned(),
            Some("other.test"),
            "other.test".to_owned(),
        ),
        (
            "http://elsewhere.test/v1/chat?x=1".to_owned(),
            None,
            address.to_string(),
        ),
    ] {
        let mut request = http::Request::get(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(RequestBody::default()).unwrap();
        let server = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let seen = read_request(&mut socket).await.unwrap().unwrap();
            socket
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
            seen
        };
        let mut channel = channel.clone();
        let (seen, response) = tokio::join!(server, channel.call(request));
        response.unwrap();
        assert_eq!(seen.line, "GET /v1/chat?x=1 HTTP/1.1");
        assert_eq!(seen.headers.matches("host: ").count(), 1);
        assert!(
            seen.headers.contains(&format!("host: {expected}\n")),
            "{}",
            seen.headers
        );
        while channel.stats().idle > 0 {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_whole_body_is_collected_in_whatever_pieces_it_comes() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n";
    let (body, _socket, channel) = exchange(chunked.as_bytes()).await;
    assert_eq!(body.collect(6).await.unwrap(), "abcdef");
    assert_eq!(channel.stats().idle, 1);

    let (body, _socket, _channel) = exchange(&ok("")).await;
    assert_eq!(body.collect(0).await.unwrap(), "");

    let one = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (body, _socket, _channel) = exchange(one.as_bytes()).await;
    assert_eq!(body.collect(3).await.unwrap(), "abc");

    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let long = "x".repeat(LIMIT);
    let bytes = ok(&long);
    let (_socket, fetched) = tokio::join!(answer(&listener, &bytes), fetch(&channel));
    assert_eq!(fetched.unwrap(), long);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_a_protocol_error_and_closes_the_exchange() {
    let known = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n";
    let one = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nabcdefg\r\n";
    let two = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n";
    for head in [known, one, two] {
        let (body, mut socket, channel) = exchange(head.as_bytes()).await;
        let error = body.collect(6).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("bound of 6 bytes"), "{error}");
        closed(&mut socket).await;
        assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_transport_error_that_names_the_server() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let (mut body, socket, channel) = exchange(head.as_bytes()).await;
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "abc");
        drop(socket);
        let error = next(&mut body).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        let text = error.to_string();
        assert!(text.contains("in the middle of its answer"), "{text}");
        assert!(text.contains(channel.origin()), "{text}");
        assert!(next(&mut body).await.is_none(), "nothing after an error");
        assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));
    }
}

#[tokio::test]
async fn a_reset_is_a_transport_error() {
    let (mut body, socket, _channel) =
        exchange(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "abc");
    let socket = socket.into_std().unwrap();
    socket2::SockRef::from(&socket)
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
    drop(socket);
    assert_eq!(
        next(&mut body).await.unwrap().unwrap_err().kind(),
        ErrorKind::Transport
    );
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_protocol_error() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let (_socket, response) = tokio::join!(
        answer(&listener, b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
        call(&channel)
    );
    let error = response.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(
        error.to_string().contains("does not answer in HTTP"),
        "{error}"
    );
}

#[tokio::test]
async fn a_released_body_gives_its_connection_back_if_only_the_end_was_missing() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let (mut body, mut socket, channel) = exchange(head.as_bytes()).await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "abc");
    body.release();
    assert_eq!(channel.stats().in_use, 1);
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    while channel.stats().in_use > 0 {
        yield_now().await;
    }
    assert_eq!(channel.stats().idle, 1);
}

#[tokio::test]
async fn a_released_body_that_goes_on_is_closed() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let (body, mut socket, channel) = exchange(head.as_bytes()).await;
    body.release();
    // Silence: the wait for the end has a limit.
    closed(&mut socket).await;
    assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));

    let (body, mut socket, channel) = exchange(head.as_bytes()).await;
    body.release();
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    while socket.write_all(chunk.as_bytes()).await.is_ok() {}
    assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));
}

/// Reads lines; `end` is the last.
struct Lines {
    done: bool,
    left: Option<Event>,
}

impl Decode for Lines {
    type Frame = Bytes;

    fn push(&mut self, line: Bytes) -> Result<Option<Event>, Error> {
        self.done = line == "end";
        Ok((!self.done).then(|| Event::Text(Text::from_utf8(line).unwrap())))
    }

    fn pop(&mut self) -> Option<Event> {
        self.left.take()
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn finish(&mut self) {
        self.left = Some(Event::Finish(FinishReason::Stop));
    }

    fn whole(&mut self, _: Bytes) -> Result<Completion, Error> {
        Err(Error::new(ErrorKind::Protocol))
    }
}

/// The events of a body of lines.
fn lines(body: ResponseBody) -> AnswerStream<NdjsonStream<ResponseBody>, Lines> {
    let decoder = Lines {
        done: false,
        left: None,
    };
    let origin = AnswerOrigin::new("p".into(), "m".into(), None);
    AnswerStream::new(NdjsonStream::new(body), decoder, origin)
}

#[tokio::test]
async fn a_stream_whose_end_is_there_gives_its_connection_back_with_its_last_event() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let whole = format!("{head}2\r\na\n\r\n4\r\nend\n\r\n0\r\n\r\n");
    let (body, _socket, channel) = exchange(whole.as_bytes()).await;
    let mut events = lines(body);
    let mut next = async || poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await;
    assert_eq!(next().await.unwrap().unwrap(), Event::Text("a".into()));
    assert_eq!(channel.stats().in_use, 1);
    let last = next().await.unwrap().unwrap();
    assert_eq!(last, Event::Finish(FinishReason::Stop));
    assert_eq!((channel.stats().idle, channel.stats().in_use), (1, 0));
}

#[tokio::test]
async fn to3_half_an_event_is_one_sign_of_life() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (body, mut socket, _channel) = exchange(format!("{head}1\r\na\r\n").as_bytes()).await;
    let mut events = lines(body);
    let next = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await;
    assert_eq!(next.unwrap().unwrap(), Event::Ping);
    let waits = poll_fn(|cx| Poll::Ready(Pin::new(&mut events).poll_next(cx).is_pending())).await;
    assert!(waits, "it was told");
    socket.write_all(b"3\r\nb\nc\r\n").await.unwrap();
    let next = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await;
    assert_eq!(next.unwrap().unwrap(), Event::Text("ab".into()));
    let waits = poll_fn(|cx| Poll::Ready(Pin::new(&mut events).poll_next(cx).is_pending())).await;
    assert!(waits, "an event is a sign of life itself");
}

#[tokio::test]
async fn a_stream_does_not_wait_for_the_end_of_its_body_after_its_last_event() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let open = format!("{head}4\r\nend\n\r\n");
    let (body, mut socket, channel) = exchange(open.as_bytes()).await;
    let mut events = lines(body);
    let last = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await;
    let finish = Event::Finish(FinishReason::Stop);
    assert_eq!(last.unwrap().unwrap(), finish);
    assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 1));
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    while channel.stats().in_use > 0 {
        yield_now().await;
    }
    assert_eq!(channel.stats().idle, 1);
}

#[tokio::test]
async fn a_stream_that_goes_on_after_its_last_event_is_closed() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let more = format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(64);
    let open = format!("{head}4\r\nend\n\r\n{more}");
    let (body, mut socket, channel) = exchange(open.as_bytes()).await;
    let mut events = lines(body);
    let last = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await;
    last.unwrap().unwrap();
    closed(&mut socket).await;
    assert_eq!((channel.stats().idle, channel.stats().in_use), (0, 0));
}

#[tokio::test]
async fn events_are_read_from_a_body_that_arrives_byte_by_byte() {
    let events = ": ping\n\nevent: delta\r\ndata: {\"a\":1}\r\n\r\ndata: [DONE]\n\n";
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for byte in events.as_bytes() {
        bytes.extend_from_slice(b"1\r\n");
        bytes.push(*byte);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let (body, _socket, channel) = exchange(&bytes).await;
    let mut stream = SseStream::new(body);
    let mut frames = Vec::new();
    while let Some(frame) =
        poll_fn(|cx| futures_core::Stream::poll_next(Pin::new(&mut stream), cx)).await
    {
        frames.push(frame.unwrap());
    }
    let [Frame::Comment, Frame::Event(delta), Frame::Event(done)] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!(delta.name.as_deref(), Some(&b"delta"[..]));
    assert_eq!(delta.data, "{\"a\":1}");
    assert_eq!((done.name.as_ref(), &done.data[..]), (None, &b"[DONE]"[..]));
    assert_eq!(channel.stats().idle, 1);
}
