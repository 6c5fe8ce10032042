//! HTTP/2: many exchanges on one connection.

use super::{Failure, Pool, Unprocessed};
use crate::{RequestBody, fault};
use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
    rt::{Executor, Read, Write},
};
use hyper_util::rt::TokioTimer;
use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
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
struct TaskSet {
    tasks: Mutex<Vec<Task<()>>>,
}

/// Spawns into a [`TaskSet`] for as long as it exists. The spawned tasks hold spawners themselves, so
/// a strong reference would keep the set alive for ever.
#[derive(Clone, Debug)]
struct Spawner {
    set: Weak<TaskSet>,
}

// === impl H2Conn ===

impl H2Conn {
    /// HTTP/2 on a connected stream. While streams wait for it, a peer that vanished without a word
    /// is found out by a ping each `keepalive`.
    pub(crate) async fn connect<T>(io: T, keepalive: Option<Duration>) -> hyper::Result<Self>
    where
        T: Read + Write + Send + Unpin + 'static,
    {
        let tasks = Arc::new(TaskSet::default());
        let mut builder = http2::Builder::new(tasks.spawner());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(keepalive)
            .keep_alive_timeout(keepalive.unwrap_or_default());
        let (sender, connection) = builder.handshake::<_, RequestBody>(io).await?;
        let driver = task::spawn(async move {
            let _ended = connection.await;
        });
        Ok(Self {
            sender,
            _driver: driver,
            _tasks: tasks,
        })
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

    /// Sends a request, up to the head of the answer.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Failure> {
        self.conn.sender.clone().try_send_request(request).await
    }

    /// Whether `error` says that the request was not processed, so that it may be sent again.
    pub(crate) fn unprocessed(error: &hyper::Error) -> Option<Unprocessed> {
        let cause = fault::find::<h2::Error>(error)?;
        if !cause.is_remote() {
            return None;
        }
        match cause.reason()? {
            h2::Reason::REFUSED_STREAM if cause.is_reset() => Some(Unprocessed::Stream),
            // A peer that goes away in peace processes what it has and refuses what came after.
            h2::Reason::NO_ERROR if cause.is_go_away() => Some(Unprocessed::Connection),
            _ => None,
        }
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
    fn spawner(self: &Arc<Self>) -> Spawner {
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
