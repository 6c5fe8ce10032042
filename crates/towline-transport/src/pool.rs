//! The connections of one channel.
//!
//! One origin, so no map. HTTP/1 connections that are idle lie on a stack; an HTTP/2 connection is
//! shared. A [`Lease`] is the right to one exchange. It owns what keeps the connection running, so a
//! connection is either leased, or in the pool, or gone.

mod crowd;
mod h1;
#[cfg(feature = "http2")]
mod h2;
mod line;
#[cfg(not(feature = "http2"))]
mod no_h2;
mod reaper;

#[cfg(feature = "http2")]
pub(crate) use self::h2::{H2Conn, H2Lease};
#[cfg(not(feature = "http2"))]
pub(crate) use self::no_h2::{H2Conn, H2Lease};
pub(crate) use self::{
    h1::{H1Conn, H1Lease},
    line::Line,
};

use self::crowd::Crowd;
use crate::{RequestBody, ResponseBody};
use hyper::client::conn::TrySendError;
use std::{
    borrow::Cow,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use towline_core::task::{self, Task};

/// How long [`ResponseBody::release`] waits for the end of a body, and how much it reads.
const DRAIN_TIME: Duration = Duration::from_millis(100);
pub(crate) const DRAIN_BYTES: usize = 16 * 1024;

/// Longer than any idle connection lives, and not too long for a clock.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 30);

/// How long a connection may take to finish with its last exchange before it is given up.
const READY_GRACE: Duration = Duration::from_millis(100);

/// What a channel's pool has done and holds. Counts are of all clones together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Connections opened since the channel was built.
    pub opened: u64,
    /// Exchanges that took a connection which was there already.
    pub reused: u64,
    /// Connections that wait for a call.
    pub idle: usize,
    /// Exchanges under way, each until the end of its response body.
    pub in_use: usize,
}

/// The right to one exchange on a connection.
#[derive(Debug)]
pub(crate) enum Lease {
    H1(H1Lease),
    H2(H2Lease),
}

/// What hyper says of a request that failed.
pub(crate) type Failure = TrySendError<http::Request<RequestBody>>;

/// What an HTTP/2 peer said it did not process.
#[cfg_attr(
    not(feature = "http2"),
    expect(dead_code, reason = "there is no peer to say it")
)]
pub(crate) enum Unprocessed {
    /// One stream, on a connection that goes on.
    Stream,
    /// A stream that came too late on a connection that is going away.
    Connection,
}

#[derive(Debug)]
pub(crate) struct Pool {
    /// For messages.
    origin: Box<str>,
    max_idle: usize,
    idle_timeout: Duration,
    opened: AtomicU64,
    in_use: AtomicUsize,
    crowd: Crowd,
    /// Told when something happens on an idle connection: mostly, that its server closed it.
    stirred: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Exchanges that took a connection which was there already.
    reused: u64,
    /// A stack: the last is the one used last, the first has been idle longest.
    idle: Vec<Idle>,
    shared: Option<Shared>,
    /// Set under the lock by whoever starts the reaper, unset under the lock by the reaper itself.
    reaping: bool,
    reaper: Option<Task<()>>,
    /// Tasks that read released bodies to their end.
    drains: Vec<Task<()>>,
}

#[derive(Debug)]
struct Idle {
    conn: Box<H1Conn>,
    since: Instant,
}

#[derive(Debug)]
struct Shared {
    conn: Arc<H2Conn>,
    streams: usize,
    idle_since: Option<Instant>,
}

// === impl Pool ===

impl Pool {
    pub(crate) fn new(origin: &str, max_idle: usize, idle_timeout: Duration) -> Self {
        Self {
            origin: origin.into(),
            max_idle,
            idle_timeout: idle_timeout.min(FOREVER),
            opened: AtomicU64::new(0),
            in_use: AtomicUsize::new(0),
            crowd: Crowd::default(),
            stirred: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// For a call that is about to take a connection: where many are under way, others go first, once.
    pub(crate) fn step_back(&self) -> impl Future<Output = ()> {
        self.crowd.step_back(self.in_use.load(Ordering::Relaxed))
    }

    /// A connection that is there and can have a request at once. Mostly the one on top can.
    pub(crate) fn take_ready(self: &Arc<Self>) -> Option<Lease> {
        let mut state = self.lock();
        let lease = if state.shared.is_some() {
            Lease::H2(self.lease_shared(&mut state)?)
        } else {
            let Idle { conn, .. } = state.idle.pop_if(|idle| idle.conn.is_ready())?;
            Lease::H1(self.lease_h1(conn))
        };
        state.reused += 1;
        Some(lease)
    }

    /// A connection that is there and, as far as anyone knows, alive.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Lease> {
        // Let go of without the lock: what reads and writes may be the caller's own.
        let mut closed = Vec::new();
        let mut state = self.lock();
        if let Some(lease) = self.lease_shared(&mut state) {
            return Some(Lease::H2(lease));
        }
        while let Some(Idle { conn, .. }) = state.idle.pop() {
            if !conn.is_closed() {
                return Some(Lease::H1(self.lease_h1(conn)));
            }
            closed.push(conn);
        }
        drop(state);
        None
    }

    /// The shared HTTP/2 connection, if there is one alive.
    pub(crate) fn take_shared(self: &Arc<Self>) -> Option<Lease> {
        let mut state = self.lock();
        let lease = self.lease_shared(&mut state)?;
        state.reused += 1;
        Some(Lease::H2(lease))
    }

    pub(crate) fn count_reuse(&self) {
        self.lock().reused += 1;
    }

    /// Leases a connection that was just opened for the caller.
    pub(crate) fn lease_new_h1(self: &Arc<Self>, conn: H1Conn) -> Lease {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Lease::H1(self.lease_h1(Box::new(conn)))
    }

    /// Shares a connection that was just opened, and leases its first stream.
    #[cfg_attr(
        not(feature = "http2"),
        expect(unreachable_code, reason = "no connection speaks HTTP/2")
    )]
    pub(crate) fn lease_new_h2(self: &Arc<Self>, conn: H2Conn) -> Lease {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let conn = Arc::new(conn);
        let shared = Shared {
            conn: Arc::clone(&conn),
            streams: 1,
            idle_since: None,
        };
        let before = self.lock().shared.replace(shared);
        // A predecessor that is still there lives on in the streams it carries.
        drop(before);
        Lease::H2(self.lease_h2(conn))
    }

    /// Takes a connection that said it is going away out of use for new calls.
    pub(crate) fn evict(&self, conn: &Arc<H2Conn>) {
        let mut state = self.lock();
        if state
            .shared
            .as_ref()
            .is_some_and(|shared| Arc::ptr_eq(&shared.conn, conn))
        {
            state.shared = None;
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// To be told when something happens on a connection while it is idle.
    pub(crate) const fn stirred(&self) -> &Arc<Notify> {
        &self.stirred
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let state = self.lock();
        let idle = state
            .idle
            .iter()
            .filter(|idle| !idle.conn.is_closed())
            .count();
        let shared = state.shared.as_ref();
        let idle_shared = shared.is_some_and(|s| s.streams == 0 && !s.conn.is_closed());
        PoolStats {
            opened: self.opened.load(Ordering::Relaxed),
            reused: state.reused,
            idle: idle + usize::from(idle_shared),
            in_use: self.in_use.load(Ordering::Relaxed),
        }
    }

    /// Reads `body` on for a moment, so that its connection can be used again.
    pub(crate) fn finish_in_background(&self, body: ResponseBody) {
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let drain = task::spawn(async move {
            // Out of time or bytes: the body drops, which closes the exchange.
            let _done = timeout(DRAIN_TIME, body.drain(DRAIN_BYTES)).await;
        });
        let mut state = self.lock();
        state.drains.retain(|task| !task.is_finished());
        state.drains.push(drain);
    }

    fn lease_h1(self: &Arc<Self>, conn: Box<H1Conn>) -> H1Lease {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        H1Lease::new(conn, Arc::downgrade(self))
    }

    fn lease_h2(self: &Arc<Self>, conn: Arc<H2Conn>) -> H2Lease {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        H2Lease::new(conn, Arc::downgrade(self))
    }

    #[cfg_attr(
        not(feature = "http2"),
        expect(unreachable_code, reason = "no connection speaks HTTP/2")
    )]
    fn lease_shared(self: &Arc<Self>, state: &mut State) -> Option<H2Lease> {
        let shared = state.shared.as_mut()?;
        if shared.conn.is_closed() {
            state.shared = None;
            return None;
        }
        shared.streams += 1;
        shared.idle_since = None;
        Some(self.lease_h2(Arc::clone(&shared.conn)))
    }

    /// An HTTP/1 connection whose exchange is over comes back.
    fn put_back(self: &Arc<Self>, conn: Box<H1Conn>) {
        if self.max_idle == 0 || conn.is_closed() {
            return;
        }
        let mut state = self.lock();
        // The one idle longest is the one whose server will close it first.
        let surplus = (state.idle.len() >= self.max_idle).then(|| state.idle.remove(0));
        // The reaper, who wants the lock, finds it in its place.
        conn.rest();
        state.idle.push(Idle {
            conn,
            since: Instant::now(),
        });
        self.start_reaper(&mut state);
        drop(state);
        // What reads and writes may be the caller's own: it goes without the lock.
        drop(surplus);
    }

    /// A stream of the shared connection is over.
    #[cfg_attr(
        not(feature = "http2"),
        expect(dead_code, reason = "no connection speaks HTTP/2")
    )]
    fn stream_done(self: &Arc<Self>, conn: &Arc<H2Conn>) {
        let mut state = self.lock();
        let Some(shared) = &mut state.shared else {
            return;
        };
        if !Arc::ptr_eq(&shared.conn, conn) {
            return;
        }
        shared.streams = shared.streams.saturating_sub(1);
        if shared.streams == 0 {
            shared.idle_since = Some(Instant::now());
            self.start_reaper(&mut state);
        }
    }

    fn lease_ended(&self) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lease ===

impl Lease {
    /// Whether a connection that was taken can have the request.
    ///
    /// Mostly it can at once. It may have to write out the rest of its last exchange first, and if
    /// the server answered without reading that, it never will.
    pub(crate) async fn ready(&mut self) -> bool {
        match self {
            Self::H1(lease) => matches!(timeout(READY_GRACE, lease.ready()).await, Ok(true)),
            Self::H2(_) => true,
        }
    }

    /// The exchange is over and nothing of it is left on the connection.
    pub(crate) fn give_back(self) {
        match self {
            Self::H1(lease) => lease.give_back(),
            // Its end says all: the connection is shared.
            Self::H2(_) => {}
        }
    }

    /// Polls what comes over the connection. One without a task of its own moves on with it.
    pub(crate) fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        match self {
            Self::H1(lease) => lease.drive(cx, poll),
            Self::H2(_) => poll(cx),
        }
    }

    /// The pool, unless the last channel is gone.
    pub(crate) fn pool(&self) -> Option<Arc<Pool>> {
        match self {
            Self::H1(lease) => lease.pool(),
            Self::H2(lease) => lease.pool(),
        }
    }

    /// Who is at the other end, for messages.
    pub(crate) fn origin(&self) -> Cow<'static, str> {
        match self.pool() {
            Some(pool) => Cow::Owned(pool.origin().to_owned()),
            None => Cow::Borrowed("the server"),
        }
    }
}
