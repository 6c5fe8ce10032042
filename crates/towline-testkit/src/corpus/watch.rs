//! Everything a caller can see of a call, in a form that can be compared.

use bytes::Bytes;
use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;
use tower_service::Service;
use towline_core::{Completion, Error, ErrorKind, Event, Request, Response};

/// What came of a call.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Seen {
    /// Events, and the error that broke them off.
    Stream(Vec<Event>, Option<Failure>),
    /// An answer in one piece.
    Whole(Completion),
    /// No answer.
    Failed(Failure),
}

/// The facts of an error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// Its kind.
    pub kind: ErrorKind,
    /// Its words.
    pub message: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The provider's own code.
    pub code: Option<String>,
    /// The provider's id of the call.
    pub request_id: Option<String>,
    /// The wait that the provider asked for.
    pub retry_after: Option<Duration>,
    /// Whether the same target may be asked again.
    pub retryable: bool,
    /// What had been delivered.
    pub partial: Option<Completion>,
}

/// Calls, and reads what comes event by event.
///
/// # Cancel safety
///
/// Dropping the future drops the call.
pub async fn watch<S>(service: S, request: Request) -> Seen
where
    S: Service<Request, Response = Response, Error = Error>,
{
    let mut response = match service.oneshot(request).await {
        Ok(response) => response,
        Err(error) => return Seen::Failed(Failure::from(&error)),
    };
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

/// Runs a call to a [`Canned`](super::Canned) service: it needs no socket, and nothing in it waits.
///
/// # Panics
///
/// When the machine has no room for one more runtime.
pub fn now<T>(call: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Option<Runtime> = Builder::new_current_thread().enable_time().build().ok();
    }
    RUNTIME.with(|runtime| {
        let runtime = runtime.as_ref();
        #[expect(clippy::expect_used, reason = "a test that cannot run has to fail")]
        runtime.expect("a runtime for the test").block_on(call)
    })
}

/// Runs `check` for every item on as many threads as there are processors; results in order.
pub fn for_each<T: Sync, R: Send>(items: &[T], check: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        loop {
            let item = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, item)) = item else { break };
            let result = check(item);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The places at which a stream is worth cutting: before each event, in its middle, before the line
/// end that completes it, and inside each character of several bytes. In order, each once.
#[must_use]
pub fn cuts(stream: &Bytes) -> Vec<usize> {
    let mut places = vec![0];
    let mut start = 0;
    for end in super::reframe::boundaries(stream) {
        let event = stream.get(start..end).unwrap_or_default();
        // Of CRLF the CR alone is a line end: the cut goes before it.
        let line_end = if event.ends_with(b"\r\n") { 2 } else { 1 };
        places.extend([start, (start + end) / 2, end - line_end]);
        start = end;
    }
    let inside = |(at, byte): (usize, &u8)| (0x80..0xC0).contains(byte).then_some(at);
    places.extend(stream.iter().enumerate().filter_map(inside));
    places.sort_unstable();
    places.dedup();
    places
}

// === impl Seen ===

impl Seen {
    /// The error, if it failed.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Stream(_, failure) => failure.as_ref(),
            Self::Failed(failure) => Some(failure),
            Self::Whole(_) => None,
        }
    }

    /// Without the signs of life, which a decoder may report for comments.
    #[must_use]
    pub fn without_pings(mut self) -> Self {
        if let Self::Stream(events, _) = &mut self {
            events.retain(|event| !matches!(event, Event::Ping));
        }
        self
    }

    /// The text that was delivered.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Stream(events, _) => events.iter().filter_map(Event::as_text).collect(),
            Self::Whole(completion) => completion.text().into_owned(),
            Self::Failed(_) => String::new(),
        }
    }
}

// === impl Failure ===

impl Failure {
    /// The text that had been delivered.
    #[must_use]
    pub fn partial_text(&self) -> String {
        let text = self.partial.as_ref().map(Completion::text);
        text.unwrap_or_default().into_owned()
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.message().map(str::to_owned),
            status: error.status(),
            code: error.code().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            retry_after: error.retry_after(),
            retryable: error.is_retryable(),
            partial: error.partial().cloned(),
        }
    }
}
