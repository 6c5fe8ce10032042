//! Everything a caller can see of a call, in a form that can be compared.

use crate::select::{Api, Ask};
use bytes::Bytes;
use http_body::Body;
use std::{future::Future, time::Duration};
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt};
use towline_core::{
    Completion, EmbeddingRequest, Error, ErrorKind, Event, Request, Response, Usage,
};
use towline_ollama::Ollama;
use towline_testkit::corpus::{Answer, Canned};
use towline_transport::RequestBody;

/// What came of a call.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Stream(Vec<Event>, Option<Failure>),
    Whole(Completion),
    Vectors(Vec<Vec<f32>>, Option<Usage>),
    Failed(Failure),
}

/// The facts of an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) message: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) retryable: bool,
    pub(crate) partial: Option<Completion>,
}

// === impl Failure ===

impl Failure {
    /// The text that was kept of what had been delivered.
    pub(crate) fn kept(&self) -> String {
        let text = self.partial.as_ref().map(|partial| partial.text());
        text.unwrap_or_default().into_owned()
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.message().map(str::to_owned),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            retry_after: error.retry_after(),
            retryable: error.is_retryable(),
            partial: error.partial().cloned(),
        }
    }
}

// === impl Seen ===

impl Seen {
    pub(crate) const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Stream(_, failure) => failure.as_ref(),
            Self::Failed(failure) => Some(failure),
            Self::Whole(_) | Self::Vectors(..) => None,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Stream(events, _) => events.iter().filter_map(Event::as_text).collect(),
            Self::Whole(completion) => completion.text().into_owned(),
            Self::Vectors(..) | Self::Failed(_) => String::new(),
        }
    }
}

/// Calls, and reads what comes event by event.
pub(crate) async fn watch<S, B>(client: Ollama<S>, ask: &Ask) -> Seen
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>, Error = Error>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Error>,
{
    match ask.api {
        Api::Chat => match call(client, ask).await {
            Ok(response) => read(response).await,
            Err(error) => Seen::Failed(Failure::from(&error)),
        },
        Api::Embeddings => {
            let request = EmbeddingRequest::new(ask.model.as_str(), ["text"]);
            match client.oneshot(request).await {
                Ok(answer) => {
                    let usage = answer.usage().cloned();
                    Seen::Vectors(answer.into_vectors(), usage)
                }
                Err(error) => Seen::Failed(Failure::from(&error)),
            }
        }
    }
}

async fn call<S, B>(client: Ollama<S>, ask: &Ask) -> Result<Response, Error>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>, Error = Error>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Error>,
{
    let request = Request::new(ask.model.as_str(), "ask").with_stream(ask.stream);
    client.oneshot(request).await
}

async fn read(mut response: Response) -> Seen {
    if response.body_mut().is_complete() {
        return match response.collect().await {
            Ok(completion) => Seen::Whole(completion),
            Err(error) => Seen::Failed(Failure::from(&error)),
        };
    }
    let mut events = Vec::new();
    while let Some(item) = response.body_mut().next().await {
        match item {
            Ok(event) => events.push(event),
            Err(error) => return Seen::Stream(events, Some(Failure::from(&error))),
        }
    }
    Seen::Stream(events, None)
}

/// What a canned answer looks like to the caller, its body in these pieces.
pub(crate) fn see(ask: &Ask, canned: &Canned, frames: Vec<Bytes>) -> Seen {
    now(watch(Ask::client(canned.with_frames(frames)), ask))
}

/// What an answer looks like to the caller, its body in one piece.
pub(crate) fn see_whole(ask: &Ask, answer: &Answer) -> Seen {
    see(ask, &Canned::new(answer), vec![answer.body.clone()])
}

/// The collected answer.
pub(crate) fn collect(ask: &Ask, answer: &Answer) -> Result<Completion, Error> {
    now(async {
        call(Ask::client(Canned::new(answer)), ask)
            .await?
            .collect()
            .await
    })
}

/// Runs a call that needs no socket, on a clock that does not wait.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
