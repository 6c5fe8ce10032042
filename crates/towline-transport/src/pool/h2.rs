//! HTTP/2: many exchanges on one connection.

use super::Pool;
use crate::RequestBody;
use hyper::{client::conn::http2::SendRequest, rt::Executor};
use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use towline_core::task::{self, Task};

/// A connection: the way to open streams on it, and the tasks that drive it.
pub(crate) struct H2Conn {
    sender: SendRequest<RequestBody>,
    /// Dropping them closes the connection.
    _driver: Task<()>,
    _tasks: Arc<TaskSet>,
}

/// One stream of a shared connection.
#[derive(Debug)]
pub(crate) struct H2Lease {
    conn: Arc<H2Conn>,
    pool: Weak<Pool>,
}

/// What hyper spawned for one connection: its reader, and a task for each stream.
#[derive(Debug, Default)]
pub(crate) struct TaskSet {
    tasks: Mutex<Vec<Task<()>>>,
}

/// Spawns into a [`TaskSet`] for as long as it exists. The spawned tasks hold spawners themselves, so
/// a strong reference would keep the set alive for ever.
#[derive(Clone, Debug)]
pub(crate) struct Spawner {
    set: Weak<TaskSet>,
}

// === impl H2Conn ===

impl H2Conn {
    pub(crate) const fn new(
        sender: SendRequest<RequestBody>,
        driver: Task<()>,
        tasks: Arc<TaskSet>,
    ) -> Self {
        Self {
            sender,
            _driver: driver,
            _tasks: tasks,
        }
    }

    /// Whether new streams are refused. Streams already open may still be served.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl fmt::Debug for H2Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H2Conn")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

// === impl H2Lease ===

impl H2Lease {
    pub(super) const fn new(conn: Arc<H2Conn>, pool: Weak<Pool>) -> Self {
        Self { conn, pool }
    }

    pub(crate) fn sender(&self) -> SendRequest<RequestBody> {
        self.conn.sender.clone()
    }

    pub(crate) const fn conn(&self) -> &Arc<H2Conn> {
        &self.conn
    }

    pub(super) fn pool(&self) -> Option<Arc<Pool>> {
        self.pool.upgrade()
    }
}

impl Drop for H2Lease {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.lease_ended();
            pool.stream_done(&self.conn);
        }
    }
}

// === impl TaskSet ===

impl TaskSet {
    pub(crate) fn spawner(self: &Arc<Self>) -> Spawner {
        Spawner {
            set: Arc::downgrade(self),
        }
    }

    fn add(&self, task: Task<()>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Swept only when the list would have to grow: the cost per task stays constant.
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
            let room = tasks.len().max(8);
            tasks.reserve(room);
        }
        tasks.push(task);
    }
}

// === impl Spawner ===

impl<F> Executor<F> for Spawner
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        // Without the set the connection is being torn down, and the work with it.
        if let Some(set) = self.set.upgrade() {
            set.add(task::spawn(future));
        }
    }
}
