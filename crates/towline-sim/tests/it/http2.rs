//! HTTP/2 with prior knowledge.

use crate::{CHAT, ask_streamed, with};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::{Request, Response, body::Incoming, client::conn::http2, rt::Executor};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
};
use tokio::net::TcpStream;
use towline_core::task::{self, Task};
use towline_sim::{Fault, Outcome, Rule, Simulator};

/// A body of one piece.
struct One(Option<Bytes>);

impl Body for One {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Keeps what hyper spawns.
#[derive(Clone, Default)]
struct Spawner(std::sync::Arc<Mutex<Vec<Task<()>>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, future: F) {
        self.0.lock().unwrap().push(task::spawn(future));
    }
}

async fn call(sim: &Simulator) -> (Response<Incoming>, Spawner) {
    let spawner = Spawner::default();
    let io = TokioIo::new(TcpStream::connect(sim.addr()).await.unwrap());
    let (mut client, connection) = http2::handshake(spawner.clone(), io).await.unwrap();
    spawner.execute(async { connection.await.unwrap_or_default() });
    let uri = format!("http://{}{CHAT}", sim.addr());
    let body = One(Some(ask_streamed("x").to_string().into()));
    let request = Request::post(uri).body(body).unwrap();
    (client.send_request(request).await.unwrap(), spawner)
}

async fn read(response: Response<Incoming>) -> (String, bool) {
    let mut body = response.into_body();
    let mut text = String::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(frame) = frame else {
            return (text, false);
        };
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    (text, true)
}

#[tokio::test]
async fn a_stream_comes_whole() {
    let sim = Simulator::start().await.unwrap();
    let (response, _tasks) = call(&sim).await;
    assert_eq!(response.status(), 200);
    let (text, complete) = read(response).await;
    assert!(complete && text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test]
async fn a_cut_resets_the_stream() {
    let sim = with(Rule::any().fault(Fault::CutAfterEvents(2))).await;
    let (response, _tasks) = call(&sim).await;
    let (text, complete) = read(response).await;
    assert!(!complete);
    assert_eq!(text.matches("data: ").count(), 2);
    sim.wait_for(|sim| sim.journal()[0].outcome() == Outcome::Broken)
        .await;
}
