//! What can go wrong, on purpose.

mod arrange;

pub(crate) use self::arrange::{Performance, Step, arrange};

use serde_json::Value;
use std::{future, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Damage to one answer, done on purpose. A [`Rule`](crate::Rule) takes any number of them; they are
/// applied in the order given.
///
/// Events are counted from 0 and include the first (role) and last (`[DONE]`) event of a stream. An
/// answer that is no stream counts as one event. Bytes are those of the body, before framing. A
/// position behind the end means the end.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline_sim::{Fault, Rule};
///
/// // Two answers with 429, then whatever the next rules say.
/// let _limited = Rule::any()
///     .times(2)
///     .fault(Fault::status(429).with_header("retry-after", "1"));
/// // A stream that dies after three events, each 10 ms late.
/// let _broken = Rule::any()
///     .fault(Fault::DelayPerEvent(Duration::from_millis(10)))
///     .fault(Fault::CutAfterEvents(3));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this status instead. Without a body it is the error object of the dialect.
    /// [`Fault::status`] is the short form.
    Status {
        /// An HTTP status; a number that is none is answered with 500 and says so.
        status: u16,
        /// Headers in addition to those of the dialect; they replace those of the same name.
        headers: Vec<(String, String)>,
        /// The body: a string is sent as plain text, any other value as JSON.
        body: Option<Value>,
    },
    /// Sends this header too, with whatever answer; it replaces those of the same name. For what some
    /// providers do at odd times, such as `retry-after` on a good answer. A name or value that HTTP does
    /// not allow is answered with 500 and says so.
    Header(String, String),
    /// Sends nothing, not even the head, for so long.
    StallHead(Stall),
    /// Falls silent after so many body bytes.
    StallAfterBytes(u64, Stall),
    /// Falls silent after so many events.
    StallAfterEvents(usize, Stall),
    /// Waits before each event.
    DelayPerEvent(Duration),
    /// Closes the connection (FIN) after so many body bytes: the end of the transfer is missing. On
    /// HTTP/2 the stream is reset.
    CutAfterBytes(u64),
    /// Closes the connection (FIN) after so many events: the end of the transfer is missing. On
    /// HTTP/2 the stream is reset.
    CutAfterEvents(usize),
    /// Ends the transfer properly after so many events; the terminal event never comes.
    CleanEndAfterEvents(usize),
    /// Resets the connection (RST) before the head.
    ResetHead,
    /// Resets the connection (RST) after so many body bytes.
    ResetAfterBytes(u64),
    /// Sends an error inside the stream after so many events, with status 200. An answer that is no
    /// stream is replaced by it. It is framed as the dialect does it: a `data:` event, an event named
    /// `error`, a line of JSON, and for Responses an `error` and a `response.failed`.
    /// [`Fault::in_band_error`] is the short form.
    InBandError {
        /// Events before it.
        after_events: usize,
        /// The data of the error event.
        body: Value,
        /// The name of the event, if it has another one than in the dialect.
        event: Option<String>,
        /// Whether the rest of the stream follows, as some providers do it. Otherwise the stream
        /// ends properly right there.
        goes_on: bool,
    },
    /// As [`InBandError`](Self::InBandError), with the error that the dialect has for a status.
    /// [`Fault::in_band_status`] is the short form.
    InBandStatus {
        /// Events before it.
        after_events: usize,
        /// The status whose error it is; the answer itself has status 200. A number that is none is
        /// answered with 500 and says so.
        status: u16,
        /// Whether the rest of the stream follows.
        goes_on: bool,
    },
    /// Sends this event twice in a row.
    DuplicateEvent(usize),
    /// Sends these two events in each other's place.
    SwapEvents(usize, usize),
    /// Puts bytes that are no UTF-8 into the middle of the event that comes after so many.
    BadUtf8AfterEvents(usize),
    /// Breaks the JSON of this event, the framing around it stays good.
    MalformedJson(usize),
    /// Sends the body with a `content-length` that is off by so much. Too large: the connection
    /// closes early. Too small: the surplus bytes follow on the same connection. Pauses in the body
    /// do not happen.
    WrongContentLength(i64),
    /// Writes the whole answer, head too, one byte at a time.
    OneByteAtATime,
    /// As [`OneByteAtATime`](Self::OneByteAtATime), with a wait after each byte.
    OneByteEvery(Duration),
    /// Closes the connection (FIN) after the answer, which is whole, without having said so: what a
    /// client sees that keeps an idle connection for too long. On HTTP/2 it closes all streams.
    CloseAfter,
}

/// How long a stall lasts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stall {
    /// Then the answer goes on.
    For(Duration),
    /// Until the gate is opened.
    Until(Gate),
    /// Until the client leaves or the simulator stops.
    Forever,
}

/// Holds answers back until a test lets them go. All clones are one gate.
///
/// # Examples
///
/// ```
/// use towline_sim::{Fault, Gate, Rule, Stall};
///
/// let gate = Gate::new();
/// let _held = Rule::any().fault(Fault::StallHead(Stall::Until(gate.clone())));
/// // ... the client is waiting now ...
/// gate.open();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
}

// === impl Fault ===

impl Fault {
    /// Answers with `status` and the error object that the dialect has for it.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Status {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Sends `body` as an error event after `after_events` events and ends the stream properly.
    #[must_use]
    pub fn in_band_error(after_events: usize, body: impl Into<Value>) -> Self {
        Self::InBandError {
            after_events,
            body: body.into(),
            event: None,
            goes_on: false,
        }
    }

    /// Sends the error that the dialect has for `status` after `after_events` events and ends the
    /// stream properly.
    #[must_use]
    pub const fn in_band_status(after_events: usize, status: u16) -> Self {
        Self::InBandStatus {
            after_events,
            status,
            goes_on: false,
        }
    }

    /// Adds a header to a [`Status`](Self::Status). Of no effect on the others.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Sets the body of a [`Status`](Self::Status) or an [`InBandError`](Self::InBandError). Of no
    /// effect on the others.
    #[must_use]
    pub fn with_body(mut self, value: impl Into<Value>) -> Self {
        match &mut self {
            Self::Status { body, .. } => *body = Some(value.into()),
            Self::InBandError { body, .. } => *body = value.into(),
            _ => {}
        }
        self
    }
}

// === impl Stall ===

impl Stall {
    pub(crate) async fn wait(self) {
        match self {
            Self::For(time) => tokio::time::sleep(time).await,
            Self::Until(gate) => gate.opened().await,
            Self::Forever => future::pending().await,
        }
    }
}

// === impl Gate ===

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets go what is held back, and what comes later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Holds back what comes from now on.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    async fn opened(self) {
        let mut state = self.open.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        let _opened = state.wait_for(|open| *open).await;
    }
}
