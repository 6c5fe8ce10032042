//! Servers that take back what they had not begun, over HTTP/2.

use crate::support::{Model, client_of, question, row};
use bytes::Bytes;
use h2::{Reason, server::SendResponse};
use http::{Request, Response};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceExt;
use towline_core::task;
use towline_openai::{OpenAi, OpenAiConfig};
use towline_transport::{Channel, Http2};

const ANSWER: &str = r#"{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;

/// What the server saw.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    streams: AtomicUsize,
    refused: AtomicUsize,
}

fn answer(mut respond: SendResponse<Bytes>) {
    let head = Response::builder().header("content-type", "application/json");
    let sent = respond.send_response(head.body(()).unwrap(), false);
    // A client may have gone meanwhile.
    if let Ok(mut stream) = sent {
        let _sent = stream.send_data(Bytes::from_static(ANSWER.as_bytes()), true);
    }
}

/// Answers what comes. Each third stream is refused, and after eight the connection goes away.
async fn serve(socket: tokio::net::TcpStream, seen: Arc<Seen>) {
    let mut connection = h2::server::handshake(socket).await.unwrap();
    let mut count = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let _request: Request<h2::RecvStream> = request;
        count += 1;
        seen.streams.fetch_add(1, Ordering::SeqCst);
        if count % 3 == 0 {
            seen.refused.fetch_add(1, Ordering::SeqCst);
            respond.send_reset(Reason::REFUSED_STREAM);
        } else {
            answer(respond);
        }
        if count == 8 {
            connection.graceful_shutdown();
        }
    }
}

#[tokio::test]
async fn scenario_38_what_a_server_had_not_begun_is_sent_again_unseen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::<Seen>::default();
    let counted = Arc::clone(&seen);
    let _server = task::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            counted.connections.fetch_add(1, Ordering::SeqCst);
            connections.spawn(serve(socket, Arc::clone(&counted)));
        }
    });
    let base = format!("http://{address}/v1");
    let channel = Channel::builder(base.clone()).http2(Http2::PriorKnowledge);
    let config = OpenAiConfig::builder(base).build().unwrap();
    let service = OpenAi::new(config, channel.build().unwrap());
    let model = Model::new(move |request| service.clone().oneshot(request));
    // One failure that counted would open the breaker, and one that was seen would fail the call.
    let keys = ["retry.max_attempts=1", "breaker.failures=1"];
    let client = client_of(&[&model], &keys).await;
    for _ in 0..60 {
        let answer = client.call(question()).await.unwrap();
        assert_eq!(answer.head().attempts(), 1);
        answer.collect().await.unwrap();
    }
    let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
    let (connections, refused) = (count(&seen.connections), count(&seen.refused));
    assert!(connections > 2 && refused > 10, "{seen:?}");
    assert_eq!(count(&seen.streams), 60 + refused);
    row(
        "38",
        "sent again unseen, no failure counted",
        format!("60 calls, {refused} streams refused, {connections} connections, 1 attempt each"),
    );
}
