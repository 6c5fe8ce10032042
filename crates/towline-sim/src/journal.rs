//! What the simulator received, and how each answer ended.

mod keeper;

pub(crate) use self::keeper::{ConnectionTicket, Journal, Ticket, lock};

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;
use std::{fmt, sync::Arc};

/// One request that the simulator received, and how far its answer got when the journal was read.
///
/// `Debug` shows neither header values nor the body: they may hold keys and prompts.
#[derive(Clone)]
pub struct Exchange {
    facts: Arc<Facts>,
    progress: Progress,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It has not ended.
    Open,
    /// All of it was handed to the connection.
    Complete,
    /// A fault broke it off.
    Broken,
    /// The client left before the end.
    ClientLeft,
    /// The simulator was stopped before the end.
    Stopped,
}

/// Counters over the life of a simulator.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    connections: u64,
    live_connections: u64,
    requests: u64,
    live_requests: u64,
    live_streams: u64,
    peak_live_streams: u64,
}

/// What was received: the part of an [`Exchange`] that does not change.
pub(crate) struct Facts {
    pub(crate) id: u64,
    pub(crate) connection: u64,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    status: Option<u16>,
    streamed: bool,
    bytes: u64,
    events: u64,
    outcome: Outcome,
}

// === impl Exchange ===

impl Exchange {
    /// The number of the exchange, counted from 1 over the whole simulator.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.facts.id
    }

    /// The number of the connection that it came on, counted from 1.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.facts.connection
    }

    /// The HTTP method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.facts.method
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.facts.path
    }

    /// The query, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.facts.query.as_deref()
    }

    /// All headers as received, credentials too.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.facts.headers
    }

    /// The value of one header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.facts.headers.get(name)?.to_str().ok()
    }

    /// The credential of `authorization: Bearer`, if there is one.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let value = self.header(header::AUTHORIZATION.as_str())?;
        value.strip_prefix("Bearer ")
    }

    /// The request body, byte for byte.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.facts.body
    }

    /// The request body as JSON; `None` when it is not JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.facts.body).ok()
    }

    /// The status that was answered; `None` while no head has been sent.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.progress.status
    }

    /// Whether the answer is a stream of events.
    #[must_use]
    pub const fn streamed(&self) -> bool {
        self.progress.streamed
    }

    /// Body bytes of the answer that were handed to the connection.
    #[must_use]
    pub const fn bytes_sent(&self) -> u64 {
        self.progress.bytes
    }

    /// Events of the answer that were handed to the connection in full.
    #[must_use]
    pub const fn events_sent(&self) -> u64 {
        self.progress.events
    }

    /// How the answer ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.progress.outcome
    }

    /// Whether the client left before the answer had ended.
    #[must_use]
    pub const fn cancelled(&self) -> bool {
        matches!(self.progress.outcome, Outcome::ClientLeft)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("facts", &self.facts)
            .field("progress", &self.progress)
            .finish()
    }
}

// === impl Stats ===

impl Stats {
    /// Connections accepted so far.
    #[must_use]
    pub const fn connections(&self) -> u64 {
        self.connections
    }

    /// Connections open now.
    #[must_use]
    pub const fn live_connections(&self) -> u64 {
        self.live_connections
    }

    /// Requests received so far.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Requests whose answer has not ended.
    #[must_use]
    pub const fn live_requests(&self) -> u64 {
        self.live_requests
    }

    /// Streams that have begun and not ended.
    #[must_use]
    pub const fn live_streams(&self) -> u64 {
        self.live_streams
    }

    /// The most streams that were live at the same time.
    #[must_use]
    pub const fn peak_live_streams(&self) -> u64 {
        self.peak_live_streams
    }
}

// === impl Facts ===

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Facts")
            .field("id", &self.id)
            .field("connection", &self.connection)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
