//! Where exchanges and counters are kept while they happen.

#[cfg(test)]
mod tests;

use super::{Exchange, Facts, Outcome, Progress, Stats};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;

/// Where all exchanges and counters of a simulator are kept.
#[derive(Debug)]
pub(crate) struct Journal {
    limit: usize,
    max_bytes: usize,
    entries: Mutex<Entries>,
    stats: Mutex<Stats>,
    changed: watch::Sender<u64>,
    stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct Entries {
    list: VecDeque<Entry>,
    /// The request bodies in the list.
    bytes: usize,
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

// === impl Journal ===

impl Journal {
    /// Keeps at most `limit` exchanges, and at most `max_bytes` of request bodies.
    pub(crate) fn new(limit: usize, max_bytes: usize) -> Self {
        Self {
            limit,
            max_bytes,
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
        entries.list.iter().map(Entry::snapshot).collect()
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
        entries.bytes += entry.facts.body.len();
        entries.list.push_back(entry);
        while entries.list.len() > self.limit || entries.bytes > self.max_bytes {
            let Some(oldest) = entries.list.pop_front() else {
                break;
            };
            entries.bytes -= oldest.facts.body.len();
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
