//! What the simulator received, and how each answer ended.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;

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

/// Where all exchanges and counters of a simulator are kept.
#[derive(Debug)]
pub(crate) struct Journal {
    limit: usize,
    entries: Mutex<VecDeque<Entry>>,
    stats: Mutex<Stats>,
    changed: watch::Sender<u64>,
    stopping: AtomicBool,
}

#[derive(Clone, Debug)]
struct Entry {
    facts: Arc<Facts>,
    progress: Arc<Mutex<Progress>>,
}

/// The live end of an [`Exchange`]: whoever answers holds it, and its drop is the end.
#[derive(Debug)]
pub(crate) struct Ticket {
    journal: Arc<Journal>,
    progress: Arc<Mutex<Progress>>,
    streamed: bool,
}

/// Counts a connection for as long as it lives.
#[derive(Debug)]
pub(crate) struct ConnectionTicket {
    journal: Arc<Journal>,
    id: u64,
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

// === impl Journal ===

impl Journal {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: Mutex::default(),
            stats: Mutex::default(),
            changed: watch::Sender::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Begins an exchange. `facts` gets the number that is next.
    pub(crate) fn open(self: &Arc<Self>, facts: impl FnOnce(u64) -> Facts) -> (Arc<Facts>, Ticket) {
        let id = self.count(|stats| {
            stats.requests += 1;
            stats.live_requests += 1;
            stats.requests
        });
        let facts = Arc::new(facts(id));
        let progress = Arc::new(Mutex::new(Progress {
            status: None,
            streamed: false,
            bytes: 0,
            events: 0,
            outcome: Outcome::Open,
        }));
        self.keep(Entry {
            facts: Arc::clone(&facts),
            progress: Arc::clone(&progress),
        });
        let ticket = Ticket {
            journal: Arc::clone(self),
            progress,
            streamed: false,
        };
        self.touch();
        (facts, ticket)
    }

    pub(crate) fn connect(self: &Arc<Self>) -> ConnectionTicket {
        let id = self.count(|stats| {
            stats.connections += 1;
            stats.live_connections += 1;
            stats.connections
        });
        self.touch();
        ConnectionTicket {
            journal: Arc::clone(self),
            id,
        }
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        let entries = lock(&self.entries);
        entries.iter().map(Entry::snapshot).collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        *lock(&self.stats)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// From now on an answer that is dropped counts as stopped, not as left by the client.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    fn keep(&self, entry: Entry) {
        let mut entries = lock(&self.entries);
        entries.push_back(entry);
        while entries.len() > self.limit {
            let _oldest = entries.pop_front();
        }
    }

    fn count<T>(&self, change: impl FnOnce(&mut Stats) -> T) -> T {
        change(&mut lock(&self.stats))
    }

    fn touch(&self) {
        self.changed
            .send_modify(|version| *version = version.wrapping_add(1));
    }
}

// === impl Entry ===

impl Entry {
    fn snapshot(&self) -> Exchange {
        Exchange {
            facts: Arc::clone(&self.facts),
            progress: *lock(&self.progress),
        }
    }
}

// === impl Ticket ===

impl Ticket {
    /// The head goes out.
    pub(crate) fn head(&mut self, status: u16, streamed: bool) {
        {
            let mut progress = lock(&self.progress);
            progress.status = Some(status);
            progress.streamed = streamed;
        }
        if streamed && !self.streamed {
            self.streamed = true;
            self.journal.count(|stats| {
                stats.live_streams += 1;
                stats.peak_live_streams = stats.peak_live_streams.max(stats.live_streams);
            });
        }
        self.journal.touch();
    }

    /// Body bytes were handed over.
    pub(crate) fn sent(&self, bytes: usize, ends_event: bool) {
        {
            let mut progress = lock(&self.progress);
            progress.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
            progress.events += u64::from(ends_event);
        }
        self.journal.touch();
    }

    /// Sets how it ended; the first word counts.
    pub(crate) fn end(&self, outcome: Outcome) {
        let mut progress = lock(&self.progress);
        if progress.outcome == Outcome::Open {
            progress.outcome = outcome;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let stopping = self.journal.stopping.load(Ordering::SeqCst);
        self.end(if stopping {
            Outcome::Stopped
        } else {
            Outcome::ClientLeft
        });
        self.journal.count(|stats| {
            stats.live_requests -= 1;
            stats.live_streams -= u64::from(self.streamed);
        });
        self.journal.touch();
    }
}

// === impl ConnectionTicket ===

impl ConnectionTicket {
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for ConnectionTicket {
    fn drop(&mut self) {
        self.journal.count(|stats| stats.live_connections -= 1);
        self.journal.touch();
    }
}

/// A panic elsewhere does not make the counters unusable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
