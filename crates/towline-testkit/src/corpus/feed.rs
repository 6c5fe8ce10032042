//! Hands a recorded answer to a client without a socket.

use super::Answer;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use std::{
    collections::VecDeque,
    fmt,
    future::{Ready, ready},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};
use tower_service::Service;
use towline_core::Error;
use towline_transport::RequestBody;

/// An HTTP service that gives the same answer to every request, in frames of the test's choice. It
/// stands where a provider crate expects a transport.
///
/// Clones share the answer, and the record of what was sent.
#[derive(Clone)]
pub struct Canned {
    status: u16,
    headers: Arc<HeaderMap>,
    frames: Arc<[Bytes]>,
    sent: Option<Arc<Mutex<Vec<http::Request<Bytes>>>>>,
}

/// A response body that arrives in prepared pieces.
#[derive(Debug)]
pub struct Frames {
    left: VecDeque<Bytes>,
}

// === impl Canned ===

impl Canned {
    /// Gives `answer`, its body in one piece.
    #[must_use]
    pub fn new(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            headers: Arc::new(answer.headers.clone()),
            frames: Arc::new([answer.body.clone()]),
            sent: None,
        }
    }

    /// Gives the same head with a body in these pieces.
    #[must_use]
    pub fn with_frames(&self, frames: Vec<Bytes>) -> Self {
        Self {
            frames: frames.into(),
            ..self.clone()
        }
    }

    /// Keeps every request, for [`sent`](Self::sent).
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.sent = Some(Arc::default());
        self
    }

    /// The requests that were sent, oldest first. Empty without [`recording`](Self::recording).
    #[must_use]
    pub fn sent(&self) -> Vec<http::Request<Bytes>> {
        let Some(sent) = &self.sent else {
            return Vec::new();
        };
        let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.clone()
    }

    fn record(&self, request: http::Request<RequestBody>) {
        if let Some(sent) = &self.sent {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(request.map(read));
        }
    }
}

impl Service<http::Request<RequestBody>> for Canned {
    type Response = http::Response<Frames>;
    type Error = Error;
    type Future = Ready<Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        self.record(request);
        let frames = self.frames.iter().filter(|frame| !frame.is_empty());
        let mut response = http::Response::new(Frames {
            left: frames.cloned().collect(),
        });
        *response.headers_mut() = (*self.headers).clone();
        // The loader took the status from a recording, so it is one.
        *response.status_mut() = self.status.try_into().unwrap_or_default();
        ready(Ok(response))
    }
}

impl fmt::Debug for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canned")
            .field("status", &self.status)
            .field("frames", &self.frames.len())
            .finish_non_exhaustive()
    }
}

// === impl Frames ===

impl Body for Frames {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.left.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }
}

/// The bytes of a request body, which is always ready.
fn read(body: RequestBody) -> Bytes {
    let mut body = pin!(body);
    let mut cx = Context::from_waker(Waker::noop());
    let mut bytes = Vec::with_capacity(body.len());
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.into()
}
